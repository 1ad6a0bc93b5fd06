import { assertEquals } from "@std/assert";
import { ManualClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { MemoryNetwork } from "../../src/net/memory.ts";
import { Node } from "../../src/node/node.ts";
import { ALICE, localNode } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;

Deno.test("Node.isServing holds while connections are taken at every listener", PURE, async () => {
  const clock = new ManualClock();
  const network = new MemoryNetwork(clock, seededRandom(1));
  const node = new Node({
    local: localNode(ALICE, { clock }),
    dialer: network.dialerFrom("10.0.0.1"),
    clock,
    log: silentLog,
    onEvent: () => {},
  });
  assertEquals(node.isServing, false);
  const listeners = [1, 2].map((port) => network.listen({ host: "10.0.0.1", port }));
  for (const listener of listeners) node.listen(listener);
  assertEquals(node.isServing, true);
  // What the system takes away is noticed, though nobody has closed the node.
  listeners[0]?.close();
  await clock.run(10);
  assertEquals(node.isServing, false);
  await node.close();
  assertEquals(node.isServing, false);
});
