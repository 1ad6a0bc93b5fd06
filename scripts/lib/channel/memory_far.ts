/**
 * A process whose memory is measured: a node that holds idle sessions, and sessions that hold idle streams.
 *
 * Prints its ports as a line of JSON; then, for each line of standard input, what is in use after a garbage
 * collection. Ends with its input. Needs `--v8-flags=--expose-gc`.
 */

import { pause, systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import type { MuxStream } from "../../../src/channel/mux_stream.ts";
import { listenTcp, tcpDialer } from "../../../src/net/tcp.ts";
import { Node } from "../../../src/node/node.ts";
import { chooseBackend } from "../../../src/noise/backend.ts";
import { createLocalNode } from "../link/local.ts";
import { serveLines } from "./line.ts";

/** Bytes in use. */
export interface MemoryFigures {
  readonly heap: number;
  /** Buffers outside the heap. */
  readonly external: number;
}

/** Where the node and the sessions with streams listen. */
export interface MemoryPorts {
  readonly sessions: number;
  readonly streams: number;
}

async function collected(): Promise<MemoryFigures> {
  const collect = Reflect.get(globalThis, "gc");
  if (typeof collect !== "function") throw new Error("Cannot measure: start with --expose-gc");
  for (let i = 0; i < 4; i++) {
    collect();
    await pause(systemClock, 20);
  }
  const { heapUsed, external } = Deno.memoryUsage();
  return { heap: heapUsed, external };
}

if (import.meta.main) {
  const { primitives } = chooseBackend();
  const node = new Node({
    local: createLocalNode(primitives),
    dialer: tcpDialer,
    clock: systemClock,
    log: silentLog,
    onEvent: () => {},
  });
  const listener = listenTcp({ host: "127.0.0.1", port: 0 });
  node.listen(listener);
  const held: MuxStream[] = [];
  const { port } = serveLines(createLocalNode(primitives), (mux) => () => {
    for (let stream = mux.accept(); stream; stream = mux.accept()) held.push(stream);
  });
  console.log(JSON.stringify({ sessions: listener.address.port, streams: port }));
  for await (const _line of Deno.stdin.readable) console.log(JSON.stringify(await collected()));
  Deno.exit(0);
}
