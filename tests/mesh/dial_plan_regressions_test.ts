import { assertEquals } from "@std/assert";
import { seededRandom } from "../../src/base/random.ts";
import { DialPlan } from "../../src/mesh/dial_plan.ts";
import { identityOf } from "../testing/identities.ts";
Deno.test("DialPlan gives each of 100 targets a first try before any a second one", () => {
  const each = new DialPlan(seededRandom(4));
  for (let n = 0; n < 100; n++) {
    each.wantPeer(identityOf(n).id, [{ host: `h${n}`, port: 1 }], 0, { isMet: true });
  }
  const tried: string[] = [];
  for (let nowMs = 0; nowMs < 21_000; nowMs += 3_000) {
    const dials = each.due(nowMs, () => true);
    for (const { address } of dials) tried.push(address.host);
    for (const { target } of dials) each.settle(target.key, nowMs + 3_000, undefined);
  }
  assertEquals(new Set(tried).size, 100);
});
