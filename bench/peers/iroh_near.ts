/**
 * The near process of the iroh contender: for each line that it reads it makes COUNT connections, each closed once it
 * is ready, and answers with a line.
 *
 * Usage: deno run -A iroh_near.ts FAR COUNT        FAR is the line that iroh_far.ts prints
 */

import { addressOf, ALPN, bind } from "./iroh_node.ts";

/** Connections under way at once, and the endpoints that make them: it is fastest with some dozens of some. */
const IN_FLIGHT = 32;
const ENDPOINTS = 8;

if (import.meta.main) {
  const { id, sockets } = JSON.parse(Deno.args[0] ?? "");
  const count = Number(Deno.args[1]);
  const address = addressOf(id, sockets);
  const endpoints = await Promise.all(Array.from({ length: ENDPOINTS }, bind));
  console.log("ready");
  for await (const _ of Deno.stdin.readable) {
    let left = count;
    await Promise.all(Array.from({ length: IN_FLIGHT }, async (_, i) => {
      const endpoint = endpoints[i % ENDPOINTS];
      while (endpoint && left-- > 0) (await endpoint.connect(address, ALPN)).close(0n, []);
    }));
    console.log("done");
  }
  Deno.exit(0);
}
