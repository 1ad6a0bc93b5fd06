import { assertEquals } from "@std/assert";
import { parseMeminfo, parseProcStat } from "../../src/host/linux_load.ts";
import { HOSTILE_TEXTS } from "./fake_source.ts";
import { PROC_MEMINFO, PROC_STAT } from "./linux_samples.ts";

Deno.test(
  "parseProcStat() sums the columns and counts the processors",
  { permissions: "none" },
  () => {
    assertEquals(parseProcStat(PROC_STAT), { busyMs: 15_000, totalMs: 100_000, cores: 4 });
  },
);

Deno.test("parseProcStat() does not count guest time twice", { permissions: "none" }, () => {
  assertEquals(parseProcStat("cpu 10 0 0 90 0 0 0 0 10 0\n"), {
    busyMs: 100,
    totalMs: 1000,
    cores: 1,
  });
});

Deno.test("parseProcStat() takes stolen time as busy and waiting as idle", {
  permissions: "none",
}, () => {
  assertEquals(parseProcStat("cpu 0 0 0 50 20 0 0 30\n"), { busyMs: 300, totalMs: 1000, cores: 1 });
});

Deno.test("parseProcStat() rejects a line with any bad column", { permissions: "none" }, () => {
  for (
    const text of [undefined, "cpu", "cpu 1 2 3", "cpu 1 2 x 4", "cpu 1 2 -3 4", "cpux 1 2 3 4"]
  ) {
    assertEquals(parseProcStat(text), undefined, text);
  }
  for (const text of HOSTILE_TEXTS) {
    assertEquals(parseProcStat(text), undefined);
    assertEquals(parseProcStat(`cpu 1 2 3 ${text.slice(0, 40)}`), undefined);
  }
});

Deno.test("parseMeminfo() takes available memory over free memory", { permissions: "none" }, () => {
  assertEquals(parseMeminfo(PROC_MEMINFO), { totalBytes: 8_000_000 * 1024, usedPercent: 25 });
});

Deno.test("parseMeminfo() estimates what old kernels do not say", { permissions: "none" }, () => {
  const old = PROC_MEMINFO.replace(/^MemAvailable.*\n/m, "");
  assertEquals(parseMeminfo(old).usedPercent, 35); // 8 - (1 + 0.2 + 4) of 8
});

Deno.test("parseMeminfo() refuses impossible figures", { permissions: "none" }, () => {
  const unknown = { totalBytes: null, usedPercent: null };
  assertEquals(parseMeminfo(undefined), unknown);
  assertEquals(parseMeminfo("MemTotal: 0 kB\nMemAvailable: 0 kB\n"), unknown);
  assertEquals(parseMeminfo("MemTotal: 10 kB\nMemAvailable: 11 kB\n").usedPercent, null);
  for (const text of HOSTILE_TEXTS) {
    assertEquals(parseMeminfo(`MemTotal: ${text} kB\nMemAvailable: ${text} kB\n`), unknown);
  }
});
