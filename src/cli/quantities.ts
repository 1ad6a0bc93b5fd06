/**
 * Quantities as people type and read them: rates, sizes and durations.
 */

import { UsageError } from "./usage_error.ts";

/** Each stands for a thousand of the one before, or 1024 when an `i` follows. */
const PREFIXES = Object.freeze(["", "k", "M", "G", "T", "P"]);
export const RATE = /^(\d{1,16}(?:\.\d{1,9})?) ?([kKMGT]?)(?:bit\/s|bps)?$/;
export const SIZE = /^(\d{1,16}(?:\.\d{1,9})?) ?(?:([kKMGTP])(i?))?B?$/;
export const DURATION = /^(\d{1,9})([smhd]?)$/;
const NO_LIMIT: readonly string[] = Object.freeze(["0", "off", "none"]);

/** Slower, one record of a transfer would take a minute. */
const MIN_BIT_RATE = 8_000;
const MAX_BIT_RATE = 1e12;
const MAX_BYTE_SIZE = 2 ** 50;

/** Bits per second, e.g. `500k` or `10Mbit/s`; `undefined` is no limit. Throws {@link UsageError}. */
export function parseBitRate(flag: string, text: string): number | undefined {
  if (NO_LIMIT.includes(text)) return undefined;
  const [, amount = "", prefix = ""] = RATE.exec(text) ?? [];
  const rate = amount ? scale(amount, prefix, 1_000) : NaN;
  if (rate >= MIN_BIT_RATE && rate <= MAX_BIT_RATE) return rate;
  throw new UsageError(
    `${flag} takes bits per second from 8k to 1T, e.g. 10M, or off, not "${text}"`,
  );
}

/** Bytes, e.g. `500M` (decimal) or `2GiB` (binary). Throws {@link UsageError}. */
export function parseByteSize(flag: string, text: string): number {
  const [, amount = "", prefix = "", binary = ""] = SIZE.exec(text) ?? [];
  const size = amount ? scale(amount, prefix, binary ? 1_024 : 1_000) : NaN;
  if (size >= 1 && size <= MAX_BYTE_SIZE) return size;
  throw new UsageError(
    `${flag} takes a size from 1 B to 1 PiB, e.g. 500M or 2GiB, not "${text}"`,
  );
}

/** Seconds, e.g. `90s`, `15m`, `2h` or `1d`. Throws {@link UsageError}. */
export function parseDuration(
  flag: string,
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const [, amount = "", unit = "s"] = DURATION.exec(text) ?? [];
  const seconds = amount ? Number(amount) * ({ m: 60, h: 3_600, d: 86_400 }[unit] ?? 1) : NaN;
  if (seconds >= min && seconds <= max) return seconds;
  throw new UsageError(
    `${flag} takes a time from ${formatSpan(min)} to ${formatSpan(max)}, ` +
      `e.g. 90s, 15m, 2h or 1d, not "${text}"`,
  );
}

/** Three significant digits in a decimal unit, e.g. `1.5 MB`. */
export function formatBytes(bytes: number): string {
  let value = Math.round(bytes);
  let power = 0;
  // Judged as it will be shown: 999,999 bytes are 1 MB, not 1000 kB.
  while (threeDigits(value) >= 1_000 && power < PREFIXES.length - 1) {
    value /= 1_000;
    power++;
  }
  return `${threeDigits(value)} ${PREFIXES[power]}B`;
}

/** `bitsPerSecond` as flags take it: `10 Mbit/s`. */
export function formatBitRate(bitsPerSecond: number): string {
  return formatBytes(bitsPerSecond).replace(/B$/, "bit/s");
}

/** E.g. `12.3 MB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** The two largest units, e.g. `8 s`, `1 min 05 s`, `2 h 10 min`, `3 d 04 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return `${whole} s`;
  if (hours === 0) return `${minutes} min ${twoDigits(whole % 60)} s`;
  if (hours < 24) return `${hours} h ${twoDigits(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${twoDigits(hours % 24)} h`;
}

/** Seconds, minutes, hours or days, whichever is short: `119s`, `59m`, `47h`, `3d`. */
export function formatAge(seconds: number): string {
  const units = [["s", 1, 120], ["m", 60, 7_200], ["h", 3_600, 172_800]] as const;
  const [unit, length] = units.find(([, , limit]) => seconds < limit) ?? ["d", 86_400];
  return `${Math.max(0, Math.round(seconds / length))}${unit}`;
}

/** A span as people say it, without a second unit that is nought: `15 min`, `1 h 30 min`, `7 d`. */
export function formatSpan(seconds: number): string {
  return formatDuration(seconds).replace(/ 00 (?:s|min|h)$/, "");
}

/** Rounded, since 1.1 times 1000 is not exactly 1100 here. */
function scale(amount: string, prefix: string, base: number): number {
  const power = PREFIXES.indexOf(prefix === "K" ? "k" : prefix);
  return Math.round(Number(amount) * base ** power);
}

function threeDigits(value: number): number {
  return Number(value.toPrecision(3));
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
