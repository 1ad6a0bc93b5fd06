import { assert, assertEquals } from "@std/assert";
import { readLinux } from "../../src/host/linux.ts";
import { FakeSource, HOSTILE_TEXTS, violations } from "./fake_source.ts";
import { LAPTOP, PI, PROC_STAT_LATER } from "./linux_samples.ts";

Deno.test("readLinux() reads a laptop on battery", { permissions: "none" }, async () => {
  const source = new FakeSource({ files: LAPTOP, parallelism: 4 });
  const { reading } = await readLinux(source, undefined);
  assertEquals(reading, {
    cpuCores: 4,
    ramMb: 7812, // 8,000,000 KiB
    cpuPercent: null,
    memoryPercent: 25,
    batteryPercent: 41,
    onMains: false,
    thermalState: "normal",
    temperatureC: 62,
    networkType: "wifi",
    deviceType: "laptop",
  });
});

Deno.test("readLinux() reads a throttled Raspberry Pi", { permissions: "none" }, async () => {
  const { reading } = await readLinux(new FakeSource({ files: PI }), undefined);
  assertEquals(reading, {
    cpuCores: 4,
    ramMb: 7812,
    cpuPercent: null,
    memoryPercent: 25,
    batteryPercent: null,
    onMains: null,
    thermalState: "throttling",
    temperatureC: 51.608,
    networkType: "ethernet",
    deviceType: "embedded",
  });
});

Deno.test("readLinux() takes processor use from two samples", { permissions: "none" }, async () => {
  const source = new FakeSource({ files: LAPTOP });
  const first = await readLinux(source, undefined);
  source.recording = { files: { ...LAPTOP, "/proc/stat": PROC_STAT_LATER } };
  const second = await readLinux(source, first.state);
  assertEquals([first.reading.cpuPercent, second.reading.cpuPercent], [null, 25]);
});

Deno.test("readLinux() respects a container's limits", { permissions: "none" }, async () => {
  const group = "/sys/fs/cgroup";
  const limited = (usedUs: number) => ({
    ...LAPTOP,
    "/proc/self/cgroup": "0::/\n",
    [`${group}/cpu.max`]: "150000 100000\n",
    [`${group}/cpu.stat`]: `usage_usec ${usedUs}\n`,
    [`${group}/memory.max`]: `${2 ** 30}\n`,
    [`${group}/memory.current`]: `${2 ** 29}\n`,
    [`${group}/memory.stat`]: `anon 1\ninactive_file ${2 ** 28}\n`,
  });
  const source = new FakeSource({ files: limited(0) });
  const first = await readLinux(source, undefined);
  assertEquals(first.reading.cpuCores, 1);
  assertEquals(first.reading.ramMb, 1024);
  assertEquals(first.reading.memoryPercent, 25);
  // The machine's 10,000 ms over 4 processors are 2,500 ms, of which the quota grants 3,750 ms of
  // work.
  source.recording = { files: { ...limited(3_000_000), "/proc/stat": PROC_STAT_LATER } };
  const second = await readLinux(source, first.state);
  assertEquals(second.reading.cpuPercent, 80);
});

Deno.test("readLinux() keeps the machine's own size below a larger limit", {
  permissions: "none",
}, async () => {
  const files = {
    ...LAPTOP,
    "/sys/fs/cgroup/user.slice/cpu.max": "6400000 100000\n",
    "/sys/fs/cgroup/user.slice/memory.max": `${2 ** 40}\n`,
  };
  const { reading } = await readLinux(new FakeSource({ files, parallelism: 3 }), undefined);
  assertEquals([reading.cpuCores, reading.ramMb], [3, 7812]);
});

Deno.test("readLinux() reads unchanging facts once", { permissions: "none" }, async () => {
  const source = new FakeSource({ files: LAPTOP });
  const { state } = await readLinux(source, undefined);
  source.effects.length = 0;
  await readLinux(source, state);
  const again = source.effects.filter((effect) =>
    /dmi|device-tree|trip_point|\/type$/.test(effect)
  );
  assertEquals(again, []);
});

Deno.test("readLinux() asks the runtime for times that are out of reach", {
  permissions: "none",
}, async () => {
  const source = new FakeSource({ times: { busyMs: 10, totalMs: 100, cores: 2 } });
  const first = await readLinux(source, undefined);
  source.recording = { times: { busyMs: 60, totalMs: 200, cores: 2 } };
  const second = await readLinux(source, first.state);
  assertEquals([second.reading.cpuCores, second.reading.cpuPercent], [2, 50]);
});

Deno.test(
  "readLinux() stays in range whatever one file contains",
  { permissions: "none" },
  async () => {
    for (const path of Object.keys({ ...LAPTOP, ...PI })) {
      for (const text of HOSTILE_TEXTS) {
        const source = new FakeSource({ files: { ...LAPTOP, ...PI, [path]: text } });
        const first = await readLinux(source, undefined);
        const second = await readLinux(source, first.state);
        assertEquals(violations(first.reading), [], path);
        assertEquals(violations(second.reading), [], path);
      }
    }
  },
);

Deno.test("readLinux() knows nothing of a machine that shows nothing", {
  permissions: "none",
}, async () => {
  const { reading } = await readLinux(new FakeSource(), undefined);
  assert(Object.values(reading).every((value) => value === null || value === "unknown"));
});
