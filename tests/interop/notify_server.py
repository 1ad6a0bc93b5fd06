"""A service manager's ear: prints each datagram that comes as a line of JSON, with the sender's process."""

import json
import socket
import struct
import sys

name = sys.argv[1]
ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
ear.bind("\0" + name[1:] if name.startswith("@") else name)
print(json.dumps({"listening": name}), flush=True)
while True:
    data, ancillary, _, _ = ear.recvmsg(4096, socket.CMSG_SPACE(12))
    pid = next(
        struct.unpack("3i", value)[0]
        for level, kind, value in ancillary
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS
    )
    print(json.dumps({"lines": data.decode().split("\n"), "pid": pid}), flush=True)
