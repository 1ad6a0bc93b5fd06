/**
 * An old node's port: answers JSON discovery 1.0 and prints who asked what. A program:
 * `old_box.ts NAME PORT`.
 */

import { textOf, Wire } from "../../../tests/interop/counterpart_wire.ts";

async function serve(connection: Deno.TcpConn, name: string, port: number): Promise<void> {
  using wire = new Wire(connection);
  const host = connection.remoteAddr.hostname;
  for (let frame = await wire.readFrame(); frame; frame = await wire.readFrame()) {
    console.log(JSON.stringify({ host, message: JSON.parse(textOf(frame)) }));
    await wire.writeFrame(JSON.stringify({
      type: "PEER_DISCOVERY_RESPONSE",
      sender_id: name,
      node_id: name,
      listen_port: port,
      capabilities: {},
      status: "active",
      protocol_version: "1.0",
    }));
  }
}

async function main([name = "", port]: readonly string[]): Promise<void> {
  const listener = Deno.listen({ hostname: "0.0.0.0", port: Number(port) });
  for await (const connection of listener) {
    serve(connection, name, Number(port)).catch(() => {
      // What is no JSON, or ends halfway, is nobody that an old node would know.
    });
  }
}

if (import.meta.main) await main(Deno.args);
