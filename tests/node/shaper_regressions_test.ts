import { assert, assertEquals } from "@std/assert";
import { ManualClock, type Timer } from "../../src/base/clock.ts";
import { Shaper } from "../../src/node/shaper.ts";

const PURE = { permissions: "none" } as const;

Deno.test("Shaper.wait() serves in turn links that come back at once", PURE, () => {
  const clock = new ManualClock();
  const shaper = new Shaper(clock, { up: 100_000 });
  shaper.sent(10_000);
  let order = "";
  for (const name of ["a", "b", "c"]) {
    const wake = () => {
      const { bulkBytes } = shaper.limits();
      if (bulkBytes > 0) order += name;
      shaper.sent(bulkBytes);
      shaper.wait(wake);
    };
    shaper.wait(wake);
  }
  clock.advance(1_000);
  assertEquals(order.slice(0, 6), "abcabc");
});

Deno.test(
  "Shaper stays within 2 % of the limit with timers that fire late",
  PURE,
  async (test) => {
    class LateClock extends ManualClock {
      override schedule(delayMs: number, action: () => void): Timer {
        return super.schedule(delayMs + 5, action);
      }
    }
    for (const up of [1_000, 10_240, 20_000, 125_000, 163_840, 1_000_000, 125_000_000]) {
      await test.step(`${up} bytes a second`, () => {
        const clock = new LateClock();
        const shaper = new Shaper(clock, { up });
        let sent = 0;
        const flush = () => {
          for (
            let { bulkBytes } = shaper.limits();
            bulkBytes > 0;
            bulkBytes = shaper.limits().bulkBytes
          ) {
            const bytes = Math.min(bulkBytes, 65_519) + 21;
            shaper.sent(bytes);
            sent += bytes;
          }
          shaper.wait(flush);
        };
        flush();
        clock.advance(120_000);
        const ratio = sent / up / 120;
        assert(ratio > 0.98 && ratio < 1.02, `${ratio.toFixed(4)}`);
        shaper.close();
      });
    }
  },
);
