import { assertEquals } from "@std/assert";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { EventQueue, Timeline } from "./event_queue.ts";

class Named {
  constructor(readonly name: number) {}
  happen(): void {}
}

Deno.test("EventQueue.pop() agrees with a stable sort", { permissions: "none" }, () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = seededRandom(seed);
    const queue = new EventQueue();
    const waiting: { readonly timeMs: number; readonly name: number }[] = [];
    const popped: number[] = [];
    const expected: number[] = [];
    const take = () => {
      const least = waiting.reduce((a, b) => b.timeMs < a.timeMs ? b : a);
      waiting.splice(waiting.indexOf(least), 1);
      expected.push(least.name);
      assertEquals(queue.nextMs, least.timeMs);
      const entry = queue.pop();
      if (entry instanceof Named) popped.push(entry.name);
    };
    for (let name = 0; name < 3_000; name++) {
      const timeMs = randomBelow(random, 50);
      queue.push(timeMs, new Named(name));
      waiting.push({ timeMs, name });
      if (random.next() < 0.4) take();
    }
    while (queue.size > 0) take();
    assertEquals(popped, expected, `seed ${seed}`);
    assertEquals([queue.pop(), queue.nextMs], [undefined, Infinity]);
  }
});

Deno.test("Timeline.runUntil() lets happen what is due, what that causes included", {
  permissions: "none",
}, () => {
  const timeline = new Timeline();
  const happened: string[] = [];
  const note = (name: string) => (nowMs: number) => void happened.push(`${name}@${nowMs}`);
  timeline.call(10, (nowMs) => {
    note("outer")(nowMs);
    timeline.call(nowMs + 5, note("inner"));
    timeline.call(3, note("past"));
  });
  timeline.call(10, note("second"));
  timeline.call(20.5, note("late"));
  timeline.runUntil(20);
  assertEquals(happened, ["outer@10", "second@10", "past@10", "inner@15"]);
  assertEquals([timeline.nowMs, timeline.pending, timeline.happened], [20, 1, 4]);
  timeline.runUntil(20.5);
  assertEquals(happened.at(-1), "late@20.5");
});
