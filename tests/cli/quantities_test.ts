import { assertEquals, assertThrows } from "@std/assert";
import {
  formatAge,
  formatBytes,
  formatDuration,
  formatRate,
  formatSpan,
  parseBitRate,
  parseByteSize,
  parseDuration,
} from "../../src/cli/quantities.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

const PURE = { permissions: "none" } as const;

Deno.test("parseBitRate() reads decimal multiples, with or without their unit", PURE, () => {
  const cases: readonly (readonly [string, number])[] = [
    ["500k", 500_000],
    ["500K", 500_000],
    ["10M", 10_000_000],
    ["1.5G", 1_500_000_000],
    ["2000000", 2_000_000],
    ["10Mbit/s", 10_000_000],
    ["10 Mbit/s", 10_000_000],
    ["10Mbps", 10_000_000],
    ["9600 bps", 9_600],
    ["0.5M", 500_000],
    ["1.1M", 1_100_000],
    ["1.005M", 1_005_000],
    ["0010k", 10_000],
  ];
  for (const [text, rate] of cases) assertEquals(parseBitRate("--limit", text), rate, text);
});

Deno.test("parseBitRate() takes 8 kbit/s to 1 Tbit/s, both included", PURE, () => {
  for (const text of ["8k", "8000", "0.008M"]) assertEquals(parseBitRate("--limit", text), 8_000);
  for (const text of ["1T", "1000G", "1000000000000"]) {
    assertEquals(parseBitRate("--limit", text), 1e12);
  }
  for (const text of ["7999", "7.999k", "1", "0k", "1000000000001", "1.001T", "9".repeat(16)]) {
    assertThrows(() => parseBitRate("--limit", text), UsageError);
  }
});

Deno.test("parseBitRate() knows words for no limit", PURE, () => {
  for (const text of ["0", "off", "none"]) {
    assertEquals(parseBitRate("--limit", text), undefined);
  }
});

Deno.test("parseBitRate() refuses other spellings, bytes among them", PURE, () => {
  const refused = ["", " ", "k", "10m", "10g", "10MB/s", "10MiB", "10Mi", "10Mb", "10P", "-10M"];
  const odd = ["+10M", "1e6", "0x10000", "１0M", "10,5M", "10.M", ".5M", "10  M", "10M ", "OFF"];
  for (const text of [...refused, ...odd, "9".repeat(400), "NaN", "Infinity", "10M\n"]) {
    const error = assertThrows(() => parseBitRate("--limit", text), UsageError);
    assertEquals(
      error.message,
      `--limit takes bits per second from 8k to 1T, e.g. 10M, or off, not "${text}"`,
    );
  }
});

Deno.test("parseByteSize() reads decimal and binary multiples", PURE, () => {
  const cases: readonly (readonly [string, number])[] = [
    ["1", 1],
    ["1B", 1],
    ["999 B", 999],
    ["64k", 64_000],
    ["64kB", 64_000],
    ["500M", 500_000_000],
    ["1.5 MB", 1_500_000],
    ["1T", 1_000_000_000_000],
    ["64KiB", 65_536],
    ["64Ki", 65_536],
    ["64kiB", 65_536],
    ["2GiB", 2_147_483_648],
    ["1.5MiB", 1_572_864],
    ["0.1k", 100],
    ["1.1G", 1_100_000_000],
  ];
  for (const [text, size] of cases) assertEquals(parseByteSize("--max-file", text), size, text);
});

Deno.test("parseByteSize() takes 1 byte to 1 PiB, both included", PURE, () => {
  const most = 1_024 ** 5;
  for (const text of ["1PiB", "1024TiB", String(most)]) {
    assertEquals(parseByteSize("--max-file", text), most);
  }
  for (const text of ["0", "0.0001k", String(most + 1), "1.1PiB", "2P", "1025TiB"]) {
    assertThrows(() => parseByteSize("--max-file", text), UsageError);
  }
});

Deno.test("parseByteSize() refuses other spellings, bits among them", PURE, () => {
  const refused = ["", "B", "off", "i", "10iB", "10m", "10Mb", "10Mbit", "10E", "-1", "+1", "1e3"];
  for (const text of [...refused, "0x10", "1 000", "1,5M", "1.M", "10M\n", "9".repeat(400)]) {
    const error = assertThrows(() => parseByteSize("--max-file", text), UsageError);
    assertEquals(
      error.message,
      `--max-file takes a size from 1 B to 1 PiB, e.g. 500M or 2GiB, not "${text}"`,
    );
  }
});

Deno.test("formatBytes() shows three digits in the unit that fits", PURE, () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 B"],
    [1, "1 B"],
    [999, "999 B"],
    [1_000, "1 kB"],
    [1_234, "1.23 kB"],
    [12_345, "12.3 kB"],
    [123_456, "123 kB"],
    [1_500_000, "1.5 MB"],
    [2 ** 31, "2.15 GB"],
    [2 ** 50, "1.13 PB"],
    [Number.MAX_SAFE_INTEGER, "9.01 PB"],
  ];
  for (const [bytes, text] of cases) assertEquals(formatBytes(bytes), text);
});

Deno.test("formatBytes() takes the next unit where rounding reaches it", PURE, () => {
  const cases = [
    [999_499, "999 kB"],
    [999_500, "1 MB"],
    [999_999, "1 MB"],
    [999.4, "999 B"],
    [999.6, "1 kB"],
    [0.4, "0 B"],
    [12.34, "12 B"],
  ] as const;
  for (const [bytes, text] of cases) assertEquals(formatBytes(bytes), text);
});

Deno.test("formatRate() is bytes for each second", PURE, () => {
  assertEquals(formatRate(12_300_000), "12.3 MB/s");
  assertEquals(formatRate(1e9 / 8), "125 MB/s");
  assertEquals(formatRate(1 / 3), "0 B/s");
});

Deno.test("formatDuration() shows the two largest units", PURE, () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 s"],
    [0.4, "0 s"],
    [8, "8 s"],
    [59.4, "59 s"],
    [59.6, "1 min 00 s"],
    [65, "1 min 05 s"],
    [3_599, "59 min 59 s"],
    [3_599.5, "1 h 00 min"],
    [2 * 3_600 + 10 * 60, "2 h 10 min"],
    [24 * 3_600 - 1, "23 h 59 min"],
    [24 * 3_600, "1 d 00 h"],
    [100 * 86_400 + 4 * 3_600, "100 d 04 h"],
    [-1, "0 s"],
  ];
  for (const [seconds, text] of cases) assertEquals(formatDuration(seconds), text);
});

Deno.test("formatSpan() leaves out a second unit that is nought", PURE, () => {
  const cases: readonly (readonly [number, string])[] = [
    [10, "10 s"],
    [60, "1 min"],
    [90, "1 min 30 s"],
    [900, "15 min"],
    [3_600, "1 h"],
    [5_400, "1 h 30 min"],
    [86_400, "1 d"],
    [604_800, "7 d"],
    [90_000, "1 d 01 h"],
  ];
  for (const [seconds, text] of cases) assertEquals(formatSpan(seconds), text);
});

const BOUNDS = { min: 10, max: 604_800 } as const;

Deno.test("parseDuration() reads seconds, minutes, hours and days", PURE, () => {
  const cases: readonly (readonly [string, number])[] = [
    ["90s", 90],
    ["90", 90],
    ["15m", 900],
    ["2h", 7_200],
    ["1d", 86_400],
    ["007d", 604_800],
  ];
  for (const [text, seconds] of cases) assertEquals(parseDuration("--for", text, BOUNDS), seconds);
});

Deno.test("parseDuration() takes its bounds and nothing beyond", PURE, () => {
  for (const text of ["10", "10s"]) assertEquals(parseDuration("--for", text, BOUNDS), 10);
  for (const text of ["7d", "168h", "10080m", "604800s", "604800"]) {
    assertEquals(parseDuration("--for", text, BOUNDS), 604_800);
  }
  for (const text of ["9", "9s", "0", "8d", "169h", "604801", "999999999d"]) {
    assertThrows(() => parseDuration("--for", text, BOUNDS), UsageError);
  }
});

Deno.test("parseDuration() refuses other spellings", PURE, () => {
  const odd = ["", " ", "m", "-15m", "+15m", "1.5h", "15 m", "15M", "15min", "1h30m", "1e3"];
  for (const text of [...odd, "15m ", "15m\n", "９９s", "9".repeat(10), "9".repeat(400), "NaN"]) {
    const error = assertThrows(() => parseDuration("--for", text, BOUNDS), UsageError);
    assertEquals(
      error.message,
      `--for takes a time from 10 s to 7 d, e.g. 90s, 15m, 2h or 1d, not "${text}"`,
    );
  }
});

Deno.test("formatAge() has one unit, the one that is short", PURE, () => {
  const cases: readonly (readonly [seconds: number, text: string])[] = [
    [-1, "0s"],
    [0, "0s"],
    [1.6, "2s"],
    [119, "119s"],
    [120, "2m"],
    [7_199, "120m"],
    [7_200, "2h"],
    [172_799, "48h"],
    [172_800, "2d"],
    [31_536_000, "365d"],
  ];
  for (const [seconds, text] of cases) assertEquals(formatAge(seconds), text);
});
