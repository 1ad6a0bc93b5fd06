import { assert, assertEquals } from "@std/assert";
import { PacketIntake } from "../../src/net/packet_intake.ts";

const PURE = { permissions: "none" } as const;
const LIMITS = { perSecond: 100, burst: 300 };

/** How many of `count` packets from `source` are read at `nowMs`. */
function read(intake: PacketIntake, source: string, count: number, nowMs: number): number {
  let taken = 0;
  for (let i = 0; i < count; i++) if (intake.admits(source, nowMs)) taken++;
  return taken;
}

Deno.test("PacketIntake gives one source a fifth, and leaves the rest to others", PURE, () => {
  const intake = new PacketIntake(LIMITS, 0);
  assertEquals(read(intake, "flood", 1_000, 0), 60);
  assertEquals(read(intake, "member", 10, 0), 10);
  assertEquals(read(intake, "flood", 1_000, 1_000), 20);
  assertEquals(read(intake, "member", 10, 1_000), 10, "however much the other sends");
});

Deno.test("PacketIntake reads so many in all, whatever sources they claim", PURE, () => {
  const intake = new PacketIntake(LIMITS, 0);
  let taken = 0;
  for (let n = 0; n < 5_000; n++) if (intake.admits(`10.0.${n >> 8}.${n & 255}`, 0)) taken++;
  assertEquals(taken, 300);
});

Deno.test("PacketIntake remembers 256 sources, the latest", PURE, () => {
  const intake = new PacketIntake({ perSecond: 1e6, burst: 1e6 }, 0);
  for (let n = 0; n < 10_000; n++) assert(intake.admits(`source ${n}`, 0));
  assertEquals(intake.sources, 256);
});
