import { assert, assertEquals, assertGreaterOrEqual, assertStrictEquals } from "@std/assert";
import { HostProbe, withRuntimeFigures } from "../../src/host/probe.ts";
import { type CpuTimes, UNKNOWN_READING } from "../../src/host/reading.ts";
import { HOST_OS, SystemSource } from "../../src/host/source.ts";
import { FakeSource, violations } from "./fake_source.ts";
import { LAPTOP, PROC_STAT_LATER } from "./linux_samples.ts";
import { MACBOOK } from "./macos_samples.ts";
import { WINDOWS_LAPTOP } from "./windows_samples.ts";

Deno.test("HostProbe.read() chooses the platform", { permissions: "none" }, async () => {
  const source = new FakeSource({
    files: LAPTOP,
    commands: { ...MACBOOK, powershell: WINDOWS_LAPTOP },
    parallelism: 8,
  });
  const cases: [string, number | null][] = [
    ["linux", 41],
    ["android", 41],
    ["darwin", 83],
    ["windows", 64],
    ["freebsd", null],
  ];
  for (const [os, batteryPercent] of cases) {
    const reading = await new HostProbe({ source, os }).read();
    assertEquals(reading.batteryPercent, batteryPercent, os);
    assertEquals(violations(reading), [], os);
  }
});

Deno.test(
  "HostProbe.read() keeps the previous processor sample",
  { permissions: "none" },
  async () => {
    const source = new FakeSource({ files: LAPTOP });
    const probe = new HostProbe({ source, os: "linux" });
    assertEquals((await probe.read()).cpuPercent, null);
    source.recording = { files: { ...LAPTOP, "/proc/stat": PROC_STAT_LATER } };
    assertEquals((await probe.read()).cpuPercent, 25);
    assertEquals((await probe.read()).cpuPercent, null); // no time passed
  },
);

Deno.test("HostProbe.read() joins concurrent calls", { permissions: "none" }, async () => {
  const source = new FakeSource({ files: LAPTOP });
  const probe = new HostProbe({ source, os: "linux" });
  const calls = [probe.read(), probe.read(), probe.read()];
  const [first, ...others] = await Promise.all(calls);
  for (const other of others) assertStrictEquals(other, first);
  const samples = source.effects.filter((effect) => effect === "read /proc/stat").length;
  assertEquals(samples, 1);
  assert(await probe.read() !== first);
});

Deno.test("HostProbe.read() survives a source that throws", { permissions: "none" }, async () => {
  class Throwing extends FakeSource {
    override cpuTimes(): Promise<CpuTimes | undefined> {
      throw new Error("broken");
    }
    override readText(): Promise<string | undefined> {
      return Promise.reject(new Error("broken"));
    }
    override systemMemory(): never {
      throw new Error("broken");
    }
  }
  for (const os of ["linux", "darwin", "windows", "other"]) {
    const probe = new HostProbe({ source: new Throwing({ parallelism: 2 }), os });
    assertEquals(await probe.read(), UNKNOWN_READING, os);
    assertEquals(await probe.read(), UNKNOWN_READING, os);
  }
});

Deno.test("HostProbe.read() samples processor time on an unknown platform", {
  permissions: "none",
}, async () => {
  const memory = { totalBytes: 2 ** 32, availableBytes: 2 ** 30 };
  const at = (busyMs: number, totalMs: number) => ({
    times: { busyMs, totalMs, cores: 2 },
    memory,
    parallelism: 2,
  });
  const source = new FakeSource(at(0, 100));
  const probe = new HostProbe({ source, os: "solaris" });
  await probe.read();
  source.recording = at(40, 200);
  assertEquals(await probe.read(), {
    ...UNKNOWN_READING,
    cpuCores: 2,
    ramMb: 4096,
    cpuPercent: 40,
    memoryPercent: 75,
  });
});

Deno.test("withRuntimeFigures() fills only what is missing", { permissions: "none" }, () => {
  const source = new FakeSource({
    memory: { totalBytes: 2 ** 31, availableBytes: 2 ** 30 },
    parallelism: 6,
  });
  const known = { ...UNKNOWN_READING, cpuCores: 2, ramMb: 100, memoryPercent: 10 };
  assertEquals(withRuntimeFigures(known, source), known);
  const filled = withRuntimeFigures({ ...known, ramMb: null }, source);
  assertEquals([filled.cpuCores, filled.ramMb, filled.memoryPercent], [2, 2048, 10]);
  assertEquals(withRuntimeFigures(UNKNOWN_READING, new FakeSource()), UNKNOWN_READING);
});

Deno.test("HostProbe.read() gives plausible values for this machine", async () => {
  const source = new SystemSource();
  const probe = new HostProbe({ source, os: HOST_OS });
  const first = await probe.read();
  const second = await probe.read();
  for (const reading of [first, second]) {
    assertEquals(violations(reading), []);
    assertGreaterOrEqual(reading.cpuCores ?? 0, 1);
    assertGreaterOrEqual(reading.ramMb ?? 0, 64);
    assert(reading.memoryPercent !== null && reading.memoryPercent > 0);
  }
  assertEquals(first.cpuPercent, null);
  await source.close();
});

Deno.test("HostProbe.read() works without any permission", { permissions: "none" }, async () => {
  const probe = new HostProbe({ source: new SystemSource(), os: HOST_OS });
  const reading = await probe.read();
  assertEquals(violations(reading), []);
  assertGreaterOrEqual(reading.cpuCores ?? 0, 1);
  assertEquals(reading.ramMb, null);
});
