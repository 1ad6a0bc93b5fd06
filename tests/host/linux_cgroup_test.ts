import { assertEquals } from "@std/assert";
import {
  parseCpuMax,
  parseGroupDirectories,
  parseKeyedNumber,
  parseMemoryMax,
  quotaPercent,
  readGroupLimits,
} from "../../src/host/linux_cgroup.ts";
import { FakeSource, HOSTILE_TEXTS } from "./fake_source.ts";

const ROOT = "/sys/fs/cgroup";

Deno.test(
  "parseGroupDirectories() walks from the root to our group",
  { permissions: "none" },
  () => {
    const cases: [string | undefined, string[]][] = [
      ["0::/\n", [ROOT]],
      ["0::/a/b.service\n", [ROOT, `${ROOT}/a`, `${ROOT}/a/b.service`]],
      ["4:memory:/x\n0::/a\n", [ROOT, `${ROOT}/a`]],
      ["4:memory:/x\n", [ROOT]],
      ["0::/../../other\n", [ROOT]],
      [undefined, [ROOT]],
    ];
    for (const [text, expected] of cases) assertEquals(parseGroupDirectories(text), expected, text);
  },
);

Deno.test("parseGroupDirectories() is bounded in depth", { permissions: "none" }, () => {
  assertEquals(parseGroupDirectories(`0::${"/a".repeat(1000)}\n`).length, 9);
});

Deno.test("parseCpuMax() divides quota by period", { permissions: "none" }, () => {
  const cases: [string | undefined, number | null][] = [
    ["max 100000\n", null],
    ["200000 100000\n", 2],
    ["50000 100000", 0.5],
    ["50000", 0.5],
    ["0 100000", null],
    ["100000 0", null],
    ["9007199254740991 1", null],
    [undefined, null],
  ];
  for (const [text, expected] of cases) assertEquals(parseCpuMax(text), expected, text);
  for (const text of HOSTILE_TEXTS) assertEquals(parseCpuMax(text), null);
});

Deno.test("parseMemoryMax() takes huge figures for no limit", { permissions: "none" }, () => {
  assertEquals(parseMemoryMax("1073741824\n"), 2 ** 30);
  assertEquals(parseMemoryMax("max\n"), null);
  assertEquals(parseMemoryMax("9223372036854771712\n"), null);
  for (const text of HOSTILE_TEXTS) assertEquals(parseMemoryMax(text), null);
});

Deno.test("parseKeyedNumber() matches the whole key", { permissions: "none" }, () => {
  const stat = "active_file 1\ninactive_file 2\nfile 3\n";
  assertEquals(parseKeyedNumber(stat, "file"), 3);
  assertEquals(parseKeyedNumber(stat, "inactive_file"), 2);
  assertEquals(parseKeyedNumber(stat, "anon"), null);
});

Deno.test(
  "readGroupLimits() takes the tightest of nested limits",
  { permissions: "none" },
  async () => {
    const files = {
      [`${ROOT}/a/cpu.max`]: "150000 100000",
      [`${ROOT}/a/cpu.stat`]: "usage_usec 7000\nuser_usec 1\n",
      [`${ROOT}/a/memory.max`]: "1000",
      [`${ROOT}/a/memory.current`]: "900",
      [`${ROOT}/a/memory.stat`]: "inactive_file 100\n",
      [`${ROOT}/a/b/cpu.max`]: "400000 100000",
      [`${ROOT}/a/b/memory.max`]: "500",
      [`${ROOT}/a/b/memory.current`]: "100",
    };
    const limits = await readGroupLimits(
      new FakeSource({ files }),
      parseGroupDirectories("0::/a/b\n"),
    );
    assertEquals(limits, {
      quota: { directory: `${ROOT}/a`, cores: 1.5, usedMs: 7 },
      memoryBytes: 500,
      memoryPercent: 80, // (900 - 100) / 1000 in the parent, 100 / 500 in the child
    });
  },
);

Deno.test("quotaPercent() compares use with the time granted", { permissions: "none" }, () => {
  const quota = (usedMs: number | null, directory = ROOT) => ({ directory, cores: 0.5, usedMs });
  // 4 processors counted 4,000 ms together: 1,000 ms passed, 500 ms were granted.
  const elapsed = {
    from: { busyMs: 0, totalMs: 1000, cores: 4 },
    to: { busyMs: 0, totalMs: 5000, cores: 4 },
  };
  assertEquals(quotaPercent(quota(100), quota(350), elapsed), 50);
  assertEquals(quotaPercent(quota(100), quota(900), elapsed), 100);
  assertEquals(quotaPercent(undefined, quota(350), elapsed), null);
  assertEquals(quotaPercent(quota(100), quota(350, `${ROOT}/other`), elapsed), null);
  assertEquals(quotaPercent(quota(400), quota(350), elapsed), null);
  assertEquals(quotaPercent(quota(null), quota(350), elapsed), null);
  assertEquals(quotaPercent(quota(100), quota(350), undefined), null);
});
