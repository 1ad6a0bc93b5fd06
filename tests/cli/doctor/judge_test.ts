import { assertEquals, assertMatch } from "@std/assert";
import {
  type Finding,
  isBroken,
  renderFinding,
  summarize,
} from "../../../src/cli/doctor/finding.ts";
import {
  judgeAgent,
  judgeLegacy,
  judgeMulticast,
  judgePorts,
  judgeReach,
  judgeService,
} from "../../../src/cli/doctor/judge_agent.ts";
import {
  type ClockFacts,
  isClockWrong,
  judgeClock,
  judgeCrypto,
  judgeDisk,
  judgeHeat,
  judgeMemory,
  judgePower,
} from "../../../src/cli/doctor/judge_device.ts";
import {
  type FileFacts,
  judgeConfig,
  judgeIdentity,
  judgeNetwork,
  judgeState,
} from "../../../src/cli/doctor/judge_state.ts";
import { UNKNOWN_READING } from "../../../src/host/reading.ts";
import type { ServiceState } from "../../../src/service/service_state.ts";

type Row = readonly [what: string, finding: Finding, verdict: Finding["verdict"]];

const DAY_MS = 86_400_000;
const WALL_MS = Date.UTC(2026, 10, 28);
const CLOCK: ClockFacts = {
  wallMs: WALL_MS,
  notBeforeMs: undefined,
  jumpMs: 0,
  isSynchronized: true,
  peerOffsetsMs: [],
};
const CRYPTO = { aead: "native", refused: null, bytesPerSecond: 5e8, handshakesPerSecond: 900 };
const MEMBER = {
  kind: "member",
  name: "home",
  isRevoked: false,
  isOpen: false,
  isFounder: false,
  expiresMs: WALL_MS + 90 * DAY_MS,
} as const;
const SERVICE: ServiceState = {
  manager: "systemd",
  scope: "user",
  path: "/unit",
  installed: true,
  enabled: true,
  state: "active",
  since_unix_ms: null,
  pid: 7,
  restarts: 0,
  result: "success",
  says: null,
};

function stateWith(self: FileFacts, files: Record<string, FileFacts> = {}, isWritable = true) {
  return judgeState({ directory: "/s", self, isWritable, files: new Map(Object.entries(files)) });
}

const present = (mode: number, isOwn = true): FileFacts => ({ kind: "present", mode, isOwn });
const reading = (part: Partial<typeof UNKNOWN_READING>) => ({ ...UNKNOWN_READING, ...part });

const TABLE: readonly Row[] = [
  ["a clock set by the network", judgeClock(CLOCK), "ok"],
  ["a clock that nobody sets", judgeClock({ ...CLOCK, isSynchronized: false }), "warn"],
  [
    "a clock of which the system is silent",
    judgeClock({ ...CLOCK, isSynchronized: undefined }),
    "ok",
  ],
  ["1970", judgeClock({ ...CLOCK, wallMs: 3_600_000 }), "broken"],
  ["2101", judgeClock({ ...CLOCK, wallMs: Date.UTC(2101, 0) }), "broken"],
  [
    "a day before the certificate",
    judgeClock({ ...CLOCK, notBeforeMs: WALL_MS + DAY_MS }),
    "broken",
  ],
  [
    "a minute before the certificate",
    judgeClock({ ...CLOCK, notBeforeMs: WALL_MS + 60_000 }),
    "ok",
  ],
  ["a clock that jumps", judgeClock({ ...CLOCK, jumpMs: -3_600_000 }), "warn"],
  ["peers 20 s away", judgeClock({ ...CLOCK, peerOffsetsMs: [20_000, -5] }), "ok"],
  ["peers 100 s away", judgeClock({ ...CLOCK, peerOffsetsMs: [3, -100_000] }), "warn"],
  ["peers 301 s away", judgeClock({ ...CLOCK, peerOffsetsMs: [301_000] }), "broken"],
  ["fast cryptography", judgeCrypto(CRYPTO), "ok"],
  ["refused cryptography", judgeCrypto({ ...CRYPTO, refused: "wrong tag" }), "warn"],
  ["slow records", judgeCrypto({ ...CRYPTO, bytesPerSecond: 5e6 }), "warn"],
  ["slow handshakes", judgeCrypto({ ...CRYPTO, handshakesPerSecond: 5 }), "warn"],
  ["memory", judgeMemory(reading({ ramMb: 1_024, memoryPercent: 50 }), 70), "ok"],
  ["full memory", judgeMemory(reading({ ramMb: 1_024, memoryPercent: 93 }), null), "warn"],
  ["little memory", judgeMemory(reading({ ramMb: 128 }), null), "warn"],
  ["untold memory", judgeMemory(UNKNOWN_READING, null), "unknown"],
  ["no battery", judgePower(UNKNOWN_READING), "ok"],
  ["an empty battery", judgePower(reading({ batteryPercent: 19, onMains: false })), "warn"],
  ["a battery that is charged", judgePower(reading({ batteryPercent: 5, onMains: true })), "ok"],
  ["no sensor", judgeHeat(UNKNOWN_READING), "unknown"],
  ["warm", judgeHeat(reading({ thermalState: "warm", temperatureC: 71 })), "ok"],
  ["hot", judgeHeat(reading({ thermalState: "hot" })), "warn"],
  ["throttling", judgeHeat(reading({ thermalState: "throttling" })), "broken"],
  ["critical", judgeHeat(reading({ thermalState: "critical" })), "broken"],
  ["a disk", judgeDisk(2 ** 30, "/s"), "ok"],
  ["a disk without room for files", judgeDisk(2 ** 28 - 1, "/s"), "warn"],
  ["a full disk", judgeDisk(2 ** 20, "/s"), "broken"],
  ["an untold disk", judgeDisk(undefined, "/s"), "unknown"],
  ["an agent", judgeAgent({ kind: "running", pid: 1, uptimeS: 5, health: 0 }), "ok"],
  ["a late agent", judgeAgent({ kind: "running", pid: 1, uptimeS: 60, health: 2 }), "warn"],
  [
    "an agent that has just begun",
    judgeAgent({ kind: "running", pid: 1, uptimeS: 5, health: 2 }),
    "ok",
  ],
  ["a hanging agent", judgeAgent({ kind: "unresponsive", pid: 1, isAlive: true }), "broken"],
  ["a killed agent", judgeAgent({ kind: "unresponsive", pid: 1, isAlive: false }), "warn"],
  ["no agent", judgeAgent({ kind: "none" }), "unknown"],
  ["a free port", judgePorts([{ port: 9_000, code: undefined }], true), "ok"],
  [
    "the second port free",
    judgePorts([{ port: 9_000, code: "address_in_use" }, { port: 9_001, code: undefined }], false),
    "warn",
  ],
  ["a taken port", judgePorts([{ port: 9_000, code: "address_in_use" }], true), "broken"],
  ["a port of the system", judgePorts([{ port: 80, code: "denied" }], true), "broken"],
  ["a reachable agent", judgeReach([{ address: "10.0.0.1:9000", code: undefined }], "l"), "ok"],
  [
    "an agent on loopback",
    judgeReach([{ address: "127.0.0.1:9000", code: undefined }], "l"),
    "warn",
  ],
  [
    "an agent behind a wall",
    judgeReach([{ address: "10.0.0.1:9000", code: "timeout" }], "l"),
    "broken",
  ],
  [
    "an agent behind half a wall",
    judgeReach(
      [{ address: "10.0.0.1:9000", code: "timeout" }, {
        address: "10.1.0.1:9000",
        code: undefined,
      }],
      "l",
    ),
    "warn",
  ],
  ["an answer for old nodes", judgeLegacy({ kind: "answered", id: "me" }, "lan", "me"), "ok"],
  ["an answer of another", judgeLegacy({ kind: "answered", id: "you" }, "lan", "me"), "broken"],
  [
    "an answer though it is off",
    judgeLegacy({ kind: "answered", id: "me" }, "off", "me"),
    "broken",
  ],
  [
    "none, for it is off",
    judgeLegacy({ kind: "refused", code: "legacy_disabled" }, "off", "me"),
    "ok",
  ],
  [
    "none on a public network",
    judgeLegacy({ kind: "refused", code: "legacy_disabled" }, "lan", "me"),
    "warn",
  ],
  [
    "none, for another reason",
    judgeLegacy({ kind: "refused", code: "rate_limited" }, "lan", "me"),
    "broken",
  ],
  ["no answer", judgeLegacy({ kind: "failed", code: "timeout" }, "lan", "me"), "broken"],
  ["multicast", judgeMulticast("on", null), "ok"],
  ["no multicast", judgeMulticast("blocked", "deaf"), "warn"],
  ["multicast not in use", judgeMulticast("off", null), "unknown"],
  ["multicast to be", judgeMulticast("starting", null), "unknown"],
  ["a service", judgeService(SERVICE, "running", 7), "ok"],
  ["another's service", judgeService(SERVICE, "running", 8), "warn"],
  [
    "a failed service",
    judgeService({ ...SERVICE, state: "failed", pid: null }, "none", undefined),
    "broken",
  ],
  [
    "a service beside",
    judgeService({ ...SERVICE, state: "inactive", pid: null }, "running", 8),
    "warn",
  ],
  ["no service", judgeService({ ...SERVICE, installed: false }, "running", 8), "ok"],
  ["no manager", judgeService(undefined, "running", 8), "unknown"],
  ["a private state", stateWith(present(0o700), { "identity.json": present(0o600) }), "ok"],
  ["no state", stateWith({ kind: "missing" }), "ok"],
  ["a state to look into", stateWith(present(0o755), { "identity.json": present(0o600) }), "warn"],
  ["a key to read", stateWith(present(0o700), { "identity.json": present(0o640) }), "broken"],
  [
    "a key of another",
    stateWith(present(0o700), { "identity.json": present(0o600, false) }),
    "broken",
  ],
  ["a state of another", stateWith(present(0o700, false), {}, false), "broken"],
  ["a state out of reach", stateWith({ kind: "unreadable", reason: "no" }), "broken"],
  ["an identity", judgeIdentity({ kind: "whole", id: "x" }), "ok"],
  ["no identity", judgeIdentity({ kind: "none" }), "ok"],
  ["a damaged identity", judgeIdentity({ kind: "damaged", reason: "no JSON" }), "broken"],
  ["a member", judgeNetwork(MEMBER, WALL_MS), "ok"],
  ["no network", judgeNetwork({ kind: "none" }, WALL_MS), "ok"],
  ["a damaged network", judgeNetwork({ kind: "damaged", reason: "r" }, WALL_MS), "broken"],
  ["a removed device", judgeNetwork({ ...MEMBER, isRevoked: true }, WALL_MS), "broken"],
  ["29 days left", judgeNetwork({ ...MEMBER, expiresMs: WALL_MS + 29 * DAY_MS }, WALL_MS), "warn"],
  ["no day left", judgeNetwork({ ...MEMBER, expiresMs: WALL_MS }, WALL_MS), "broken"],
  [
    "none left, and no need",
    judgeNetwork({ ...MEMBER, isOpen: true, expiresMs: 0 }, WALL_MS),
    "warn",
  ],
  ["settings", judgeConfig({ kind: "valid", source: "defaults", warnings: [] }), "ok"],
  ["odd settings", judgeConfig({ kind: "valid", source: "/f", warnings: ["two files"] }), "warn"],
  ["wrong settings", judgeConfig({ kind: "invalid", reason: "--port takes" }), "broken"],
];

for (const [what, finding, verdict] of TABLE) {
  Deno.test(`${finding.check}: ${what} is ${verdict}`, () => {
    assertEquals(finding.verdict, verdict);
    // What is broken or dubious comes with something to do.
    if (verdict === "broken" || verdict === "warn") assertEquals(typeof finding.next, "string");
  });
}

Deno.test("isClockWrong() is about this clock alone", () => {
  assertEquals(isClockWrong({ ...CLOCK, peerOffsetsMs: [1e9] }), false);
  assertEquals(isClockWrong({ ...CLOCK, wallMs: 0 }), true);
});

Deno.test("renderFinding() fits 80 columns, and leaves what is to be copied whole", () => {
  for (const [, finding] of TABLE) {
    for (const line of renderFinding(finding).trimEnd().split("\n")) {
      assertEquals(line.length <= 80 || !line.trim().includes(" "), true, line);
    }
  }
  const long = `/${"x".repeat(100)}`;
  const text = renderFinding({ check: "disk", verdict: "warn", text: "at", next: `rm ${long}` });
  assertMatch(text, new RegExp(`${long}\n`));
});

Deno.test("summarize() counts what is worst first; isBroken() looks for that", () => {
  const findings = TABLE.map(([, finding]) => finding);
  const count = (verdict: string) => TABLE.filter(([, , each]) => each === verdict).length;
  assertEquals(
    summarize(findings),
    `${count("broken")} broken, ${count("warn")} warn, ${count("unknown")} unknown, ${
      count("ok")
    } ok`,
  );
  assertEquals([isBroken(findings), isBroken([])], [true, false]);
});
