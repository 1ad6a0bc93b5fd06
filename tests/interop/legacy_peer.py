"""An old node's discovery, as the deployed Python code does it. Standard library only.

    legacy_peer.py client HOST PORT  asks once, prints whom it registered
    legacy_peer.py server            serves, prints its port, then one line for each frame

Every line printed is one JSON object. Its habits are the deployed ones, the bad ones included: it
reads a header and a body by one recv each, registers on `sender_id` without looking at `type`, answers
with `node_id` alone, and its detection eats the frame that it looked at.
"""

import asyncio
import json
import socket
import struct
import sys
import time

TIMEOUT_S = 2.0
CLIENT_ID = "python-legacy-client"
SERVER_ID = "python-legacy-server"


def say(**facts):
    print(json.dumps(facts), flush=True)


def discovery_request(port):
    return {
        "type": "PEER_DISCOVERY",
        "sender_id": CLIENT_ID,
        "sender_port": port,
        "timestamp": time.time(),
        "capabilities": {
            "device_id": CLIENT_ID,
            "cpu_cores": 4,
            "ram_mb": 8192,
            "battery_percent": None,
            "network_type": "wifi",
            "device_type": "laptop",
            "performance_tier": "high",
            "thermal_state": "normal",
            "can_evolve": True,
            "evolution_capacity": 0.75,
            "available_for_evolution": True,
        },
    }


def client(host, port):
    registry = {}
    reply = None
    length = 0
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT_S) as sock:
            sock.settimeout(TIMEOUT_S)
            body = json.dumps(discovery_request(9001)).encode("utf-8")
            sock.sendall(struct.pack(">I", len(body)) + body)
            header = sock.recv(4)
            if len(header) == 4:
                (length,) = struct.unpack(">I", header)
                data = sock.recv(length)
                reply = json.loads(data.decode("utf-8"))
                if reply.get("sender_id"):
                    capabilities = reply.get("capabilities", {})
                    registry[reply["sender_id"]] = {
                        "listen_port": reply.get("listen_port"),
                        "cpu_cores": capabilities.get("cpu_cores", 1),
                        "available": capabilities.get("available_for_evolution", True),
                    }
    except (OSError, ValueError, AttributeError) as error:
        say(event="ignored", error=type(error).__name__)
    say(event="registered", peers=registry, reply=reply, length=length)


async def serve_connection(reader, writer):
    try:
        while True:
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            data = await reader.readexactly(length)
            try:
                message = json.loads(data.decode("utf-8"))
            except ValueError:
                message = None
            if not isinstance(message, dict):
                # Taken for an encrypted channel, whose reader then waits for the frame it has lost.
                say(event="frame", kind="not an object")
                (length,) = struct.unpack(">I", await reader.readexactly(4))
                await reader.readexactly(length)
                say(event="frame", kind="lost")
                continue
            say(event="frame", kind=message.get("type"), sender=message.get("sender_id"))
            if message.get("type") != "PEER_DISCOVERY":
                continue
            reply = {
                "type": "PEER_DISCOVERY_RESPONSE",
                "node_id": SERVER_ID,
                "listen_port": writer.get_extra_info("sockname")[1],
                "capabilities": {"cpu_cores": 2, "ram_mb": 4096},
                "status": "active",
                "protocol_version": "1.0",
            }
            body = json.dumps(reply).encode("utf-8")
            writer.write(struct.pack(">I", len(body)) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        writer.close()


async def server():
    listener = await asyncio.start_server(serve_connection, "127.0.0.1", 0)
    say(event="listening", port=listener.sockets[0].getsockname()[1])
    async with listener:
        # Ends with whoever started it: that closes our standard input.
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, sys.stdin.buffer.read)


def main(arguments):
    if arguments[:1] == ["client"] and len(arguments) == 3:
        client(arguments[1], int(arguments[2]))
    elif arguments == ["server"]:
        asyncio.run(server())
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
