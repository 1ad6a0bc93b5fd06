/**
 * Whether this device is fit for an agent: its clock, cryptography, memory, power, heat and disk. Pure.
 */

import type { HostReading } from "../../host/reading.ts";
import { formatBytes, formatRate } from "../quantities.ts";
import type { Finding } from "./finding.ts";

/** What was seen of the clock. */
export interface ClockFacts {
  readonly wallMs: number;
  /** Before it this device cannot have been set up: what it signed or was given is younger. `undefined` if nothing. */
  readonly notBeforeMs: number | undefined;
  /** How far the wall clock went astray from the monotonic one while the doctor looked. */
  readonly jumpMs: number;
  /** Whether the system says that its clock is set by the network. */
  readonly isSynchronized: boolean | undefined;
  /** Connected peers' clocks less ours. */
  readonly peerOffsetsMs: readonly number[];
}

/** What was measured of the cryptography. */
export interface CryptoFacts {
  readonly aead: string;
  readonly refused: string | null;
  /** Sealing and opening records of 64 KiB, bytes a second each way. */
  readonly bytesPerSecond: number;
  /** Both sides of a handshake, on this device. */
  readonly handshakesPerSecond: number;
}

/** This program was written in 2026; a clock without a battery begins at 1970 or at the system's build. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);
/** Certificates are issued by clocks that may differ from ours. */
const SLACK_MS = 300_000;
const MAX_JUMP_MS = 500;
/** Above it signed discovery is refused (PROTOCOL.md section 3). */
const REFUSED_OFFSET_MS = 300_000;
const WARN_OFFSET_MS = 60_000;
/** Less than a slow LAN carries. */
const SLOW_BYTES_PER_SECOND = 10_000_000;
const SLOW_HANDSHAKES = 20;
const LOW_MEMORY_MB = 256;
const FULL_MEMORY_PERCENT = 92;
const LOW_BATTERY_PERCENT = 20;
/** What receiving files leaves free (`cli/assembly.ts`). */
const KEPT_FREE_BYTES = 256 * 2 ** 20;
/** Without it not even the state can be written. */
const LEAST_FREE_BYTES = 4 * 2 ** 20;

/** Whether a clock cannot be right, whatever others say. */
export function isClockWrong({ wallMs, notBeforeMs }: ClockFacts): boolean {
  const isImpossible = wallMs < EARLIEST_MS || wallMs > LATEST_MS;
  return isImpossible || wallMs + SLACK_MS < (notBeforeMs ?? -Infinity);
}

export function judgeClock(facts: ClockFacts): Finding {
  const { wallMs, jumpMs, isSynchronized, peerOffsetsMs } = facts;
  const farthest = peerOffsetsMs.toSorted((a, b) => Math.abs(b) - Math.abs(a))[0];
  const check = {
    check: "clock",
    facts: {
      unix_ms: Math.round(wallMs),
      jump_ms: Math.round(jumpMs),
      synchronized: isSynchronized ?? null,
      peer_offset_ms: farthest ?? null,
    },
  };
  const now = timeText(wallMs);
  const next = "have it set by the network: timedatectl set-ntp true (or your system's settings)";
  if (isClockWrong(facts)) {
    return { ...check, verdict: "broken", text: `${now} cannot be right`, next };
  }
  const apart = farthest === undefined ? "" : `, ${seconds(farthest)} beside a peer's`;
  if (Math.abs(farthest ?? 0) > REFUSED_OFFSET_MS) {
    return {
      ...check,
      verdict: "broken",
      text: now + apart,
      next: `one of the two is wrong: ${next}`,
    };
  }
  if (Math.abs(farthest ?? 0) > WARN_OFFSET_MS) {
    return {
      ...check,
      verdict: "warn",
      text: now + apart,
      next: `one of the two is wrong: ${next}`,
    };
  }
  if (Math.abs(jumpMs) > MAX_JUMP_MS) {
    return {
      ...check,
      verdict: "warn",
      text: `${now}, and it jumped by ${seconds(jumpMs)} just now`,
      next,
    };
  }
  if (isSynchronized === false) {
    return { ...check, verdict: "warn", text: `${now}${apart}, not set by the network`, next };
  }
  const source = isSynchronized ? ", set by the network" : "";
  return { ...check, verdict: "ok", text: now + source + apart };
}

export function judgeCrypto(facts: CryptoFacts): Finding {
  const { aead, refused, bytesPerSecond, handshakesPerSecond } = facts;
  const check = {
    check: "cryptography",
    facts: {
      aead,
      refused,
      bytes_per_s: Math.round(bytesPerSecond),
      handshakes_per_s: Math.round(handshakesPerSecond),
    },
  };
  const text = `${aead}: ${formatRate(bytesPerSecond)} sealed and opened, ` +
    `${Math.round(handshakesPerSecond)} handshakes/s`;
  if (refused !== null) {
    return {
      ...check,
      verdict: "warn",
      text: `${text}; the faster one was refused: ${refused}`,
      next: "it works, slower; please report this with: hamlet version",
    };
  }
  if (bytesPerSecond < SLOW_BYTES_PER_SECOND || handshakesPerSecond < SLOW_HANDSHAKES) {
    return { ...check, verdict: "warn", text, next: "slow: is the machine busy, or too hot?" };
  }
  return { ...check, verdict: "ok", text };
}

export function judgeMemory({ ramMb, memoryPercent }: HostReading, rssMb: number | null): Finding {
  const check = {
    check: "memory",
    facts: { ram_mb: ramMb, used_percent: memoryPercent, agent_mb: rssMb },
  };
  if (ramMb === null) return { ...check, verdict: "unknown", text: "the system does not tell" };
  const used = memoryPercent === null ? "" : `, ${Math.round(memoryPercent)} % used`;
  const own = rssMb === null ? "" : `, ${rssMb} MB of it by the agent`;
  const text = `${formatBytes(ramMb * 2 ** 20)}${used}${own}`;
  if (ramMb < LOW_MEMORY_MB) {
    return {
      ...check,
      verdict: "warn",
      text,
      next: "little for an agent and its village: keep it small",
    };
  }
  if ((memoryPercent ?? 0) > FULL_MEMORY_PERCENT) {
    return { ...check, verdict: "warn", text, next: "close something; see what takes it: top" };
  }
  return { ...check, verdict: "ok", text };
}

export function judgePower({ batteryPercent, onMains }: HostReading): Finding {
  const check = { check: "power", facts: { battery_percent: batteryPercent, on_mains: onMains } };
  if (batteryPercent === null) return { ...check, verdict: "ok", text: "no battery" };
  const text = `battery ${Math.round(batteryPercent)} %, ${
    onMains === null ? "power unknown" : onMains ? "on mains" : "on battery"
  }`;
  return batteryPercent < LOW_BATTERY_PERCENT && onMains !== true
    ? { ...check, verdict: "warn", text, next: "plug it in: it is given no work like this" }
    : { ...check, verdict: "ok", text };
}

export function judgeHeat({ thermalState, temperatureC }: HostReading): Finding {
  const check = { check: "heat", facts: { state: thermalState, celsius: temperatureC } };
  const degrees = temperatureC === null ? "" : `, ${Math.round(temperatureC)} \u00b0C`;
  const text = thermalState + degrees;
  switch (thermalState) {
    case "unknown":
      return { ...check, verdict: "unknown", text: "this machine has no sensor that we can read" };
    case "normal":
    case "warm":
      return { ...check, verdict: "ok", text };
    case "hot":
      return {
        ...check,
        verdict: "warn",
        text,
        next: "give it air: it is given no work like this",
      };
    case "throttling":
    case "critical":
      return {
        ...check,
        verdict: "broken",
        text,
        next: "it slows itself down: cool it, or stop what heats it",
      };
  }
}

/** `freeBytes` where the state lies. */
export function judgeDisk(freeBytes: number | undefined, directory: string): Finding {
  const check = { check: "disk", facts: { free_bytes: freeBytes ?? null, directory } };
  if (freeBytes === undefined) {
    return { ...check, verdict: "unknown", text: `the system does not tell of ${directory}` };
  }
  const text = `${formatBytes(freeBytes)} free at ${directory}`;
  const next = "make room: du -xh / | sort -h | tail";
  if (freeBytes < LEAST_FREE_BYTES) return { ...check, verdict: "broken", text, next };
  return freeBytes < KEPT_FREE_BYTES
    ? { ...check, verdict: "warn", text: `${text}: no files are taken from peers`, next }
    : { ...check, verdict: "ok", text };
}

function timeText(wallMs: number): string {
  return Math.abs(wallMs) < 8.64e15
    ? `${new Date(wallMs).toISOString().slice(0, 16).replace("T", " ")} UTC`
    : "the time";
}

function seconds(ms: number): string {
  return `${(Math.abs(ms) / 1000).toFixed(Math.abs(ms) < 10_000 ? 1 : 0)} s`;
}
