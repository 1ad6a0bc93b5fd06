import { assertEquals } from "@std/assert";
import { parseProcessStat, parsePs } from "../../../src/work/worker/process_use.ts";

const PURE = { permissions: "none" } as const;

/** Of a real process, as proc(5) describes it: utime 653, stime 737, cutime 2, cstime 3 ticks, 1016 pages. */
const STAT = (name: string) =>
  `14607 (${name}) S 14590 14607 14607 0 -1 4194560 7411 2173341 0 101 653 737 2 3 20 0 1 0 ` +
  "1365900 5386240 1016 18446744073709551615 94282745073664 94282745863069 140722101027024 0 0 0";

Deno.test("parseProcessStat() reads memory and time, whatever the program is called", PURE, () => {
  for (const name of ["bash", "a b", ") S 1 (x", "((((", ""]) {
    assertEquals(parseProcessStat(STAT(name), 4_096), {
      residentMb: 1_016 * 4_096 / 2 ** 20,
      cpuMs: 13_950,
    }, name);
  }
  assertEquals(parseProcessStat(STAT("bash"), 16_384)?.residentMb, 15.875);
});

Deno.test("parseProcessStat() knows nothing of a process that is gone", PURE, () => {
  for (const line of ["", "x", "1 (a) S", STAT("a").slice(0, 90), STAT("a").replace("1016", "?")]) {
    assertEquals(parseProcessStat(line, 4_096), undefined, line);
  }
  assertEquals(parseProcessStat(STAT("a"), NaN), undefined);
});

Deno.test("parsePs() reads what macOS prints", PURE, () => {
  assertEquals(parsePs(" 20480   0:01.50"), { residentMb: 20, cpuMs: 1_500 });
  assertEquals(parsePs("1024 1:02:03.00"), { residentMb: 1, cpuMs: 3_723_000 });
  for (const line of ["", "x", "1024", "1024 ", "-1 0:00.00", "1024 0:0a"]) {
    assertEquals(parsePs(line), undefined, line);
  }
});
