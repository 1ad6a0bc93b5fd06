/**
 * The far process of the iroh contender: takes connections, prints where as one line of JSON and then a line for each
 * ROUND of them that are ready, and exits when its standard input ends.
 *
 * Usage: deno run -A iroh_far.ts ROUND
 */

import { bind } from "./iroh_node.ts";

async function acceptAll(round: number): Promise<void> {
  const endpoint = await bind();
  console.log(JSON.stringify({ id: endpoint.id().toString(), sockets: endpoint.boundSockets() }));
  let ready = 0;
  for (;;) {
    const incoming = await endpoint.acceptNext();
    if (!incoming) return;
    void (async () => {
      const connection = await (await incoming.accept()).connect();
      if (++ready % round === 0) console.log(ready);
      await connection.closed();
    })().catch(() => {
      // An attempt that the near side gave up for another, or its end: only what is ready counts.
    });
  }
}

if (import.meta.main) {
  void acceptAll(Number(Deno.args[0]));
  await Deno.stdin.read(new Uint8Array(1));
  Deno.exit(0);
}
