/** When something is loaded on demand, and when it is not. */

import { assertEquals } from "@std/assert";
import { ManualClock } from "../../src/base/clock.ts";
import { OnDemand } from "../../src/noise/on_demand.ts";

const OPTIONS = { uses: 3, withinMs: 100 };

function counted(fails = false) {
  const clock = new ManualClock();
  let loads = 0;
  const load = () => {
    loads++;
    return fails ? Promise.reject(new Error("not here")) : Promise.resolve("it");
  };
  return { clock, loads: () => loads, demand: new OnDemand({ ...OPTIONS, clock, load }) };
}

Deno.test({
  name: "OnDemand.use() loads once it was missed often enough, and gives it from then on",
  permissions: "none",
  async fn() {
    const { demand, loads } = counted();
    assertEquals([demand.use(), demand.use(), loads()], [undefined, undefined, 0]);
    assertEquals([demand.use(), loads()], [undefined, 1]);
    assertEquals(demand.use(), undefined, "while it is being loaded");
    await demand.settled;
    assertEquals([demand.use(), demand.value, demand.refused], ["it", "it", undefined]);
    for (let i = 0; i < 10; i++) demand.use();
    assertEquals(loads(), 1);
  },
});

Deno.test({
  name: "OnDemand.use() begins to count anew when it took too long",
  permissions: "none",
  fn() {
    const { clock, demand, loads } = counted();
    for (let i = 0; i < 30; i++) {
      clock.advance(34);
      demand.use();
    }
    assertEquals(loads(), 0);
    for (const ms of [0, 50, 50]) {
      clock.advance(ms);
      demand.use();
    }
    assertEquals(loads(), 1);
  },
});

Deno.test({
  name: "OnDemand.use() does not try again what cannot be loaded, and says why",
  permissions: "none",
  async fn() {
    const { demand, loads } = counted(true);
    for (let i = 0; i < 3; i++) demand.use();
    await demand.settled;
    for (let i = 0; i < 10; i++) demand.use();
    await demand.settled;
    assertEquals([demand.value, demand.refused, loads()], [undefined, "not here", 1]);
  },
});
