import { assertEquals } from "@std/assert";
import { calmLog } from "../../src/base/calm_log.ts";
import { ManualClock } from "../../src/base/clock.ts";
import type { LogLevel } from "../../src/base/log.ts";

const PURE = { permissions: "none" } as const;

function listened() {
  const clock = new ManualClock();
  const levels: LogLevel[] = [];
  return { clock, levels, log: calmLog((level) => levels.push(level), clock) };
}

Deno.test("calmLog() passes 50 lines at once, then one a second; the rest is debug", PURE, () => {
  const { clock, levels, log } = listened();
  for (let i = 0; i < 60; i++) log(i % 2 ? "info" : "warn", "stranger");
  assertEquals(levels.filter((level) => level !== "debug").length, 50);
  assertEquals(levels.slice(50), Array.from({ length: 10 }, () => "debug"));
  clock.advance(3_000);
  levels.length = 0;
  for (let i = 0; i < 10; i++) log("info", "stranger");
  assertEquals(levels.filter((level) => level === "info").length, 3);
});

Deno.test("calmLog() never calms an error, nor counts what nobody sees", PURE, () => {
  const { levels, log } = listened();
  for (let i = 0; i < 100; i++) log("debug", "noise");
  for (let i = 0; i < 100; i++) log("error", "defect");
  log("info", "news");
  assertEquals(levels.slice(100, 200).every((level) => level === "error"), true);
  assertEquals(levels.at(-1), "info");
});
