/**
 * Looks at everything the doctor judges: what measures the processor first and alone, then all that waits, at once.
 */

import { pause, systemClock } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import { ControlClient } from "../../control/client.ts";
import { readEndpoint } from "../../control/endpoint_file.ts";
import type { StatusView } from "../../control/views.ts";
import { HostProbe } from "../../host/probe.ts";
import { HOST_OS, SystemSource } from "../../host/source.ts";
import { parseAddress } from "../../net/address.ts";
import type { Backend } from "../../noise/backend.ts";
import type { RunCommand } from "../../service/service_manager.ts";
import type { ServiceState } from "../../service/service_state.ts";
import { lockFile, StoreError } from "../../store/files.ts";
import { LOCK_FILE } from "../../store/state_directory.ts";
import {
  type AgentFacts,
  judgeAgent,
  judgeLegacy,
  judgeMulticast,
  judgePorts,
  judgeReach,
  judgeService,
} from "./judge_agent.ts";
import {
  type ClockFacts,
  judgeClock,
  judgeCrypto,
  judgeDisk,
  judgeHeat,
  judgeMemory,
  judgePower,
} from "./judge_device.ts";
import {
  type ConfigFacts,
  judgeConfig,
  judgeIdentity,
  judgeNetwork,
  judgeState,
} from "./judge_state.ts";
import { type Belongings, examineState, freeBytesAt, readBelongings } from "./examine_state.ts";
import type { Finding } from "./finding.ts";
import { measureCrypto } from "./measure_crypto.ts";
import { tryMulticast } from "./try_multicast.ts";
import { tryLegacy, tryPorts, tryReach } from "./try_port.ts";

export interface ExamineOptions {
  readonly stateDir: string;
  /** What `hamlet up` would serve. */
  readonly listenHost: string;
  readonly ports: readonly number[];
  readonly config: ConfigFacts;
  readonly backend: Backend;
  readonly run: RunCommand;
  /** The service's state; `undefined` where no manager can be asked. */
  readonly service: () => Promise<ServiceState | undefined>;
}

/** What the examination stands on. */
export interface Ground {
  readonly belongings: Belongings;
  readonly client: ControlClient | undefined;
  readonly status: StatusView | undefined;
  readonly agent: AgentFacts;
  /** What is known of the clock before others were asked. */
  readonly clock: ClockFacts;
}

/** A line of the list that is being found. */
export interface Pending {
  readonly check: string;
  readonly finding: Promise<Finding>;
}

/** An agent that takes longer for its status hangs. */
const ANSWER_MS = 3_000;

/** Finds what everything else needs. */
export async function findGround(options: ExamineOptions): Promise<Ground> {
  const { stateDir, backend } = options;
  const belongings = await readBelongings(stateDir, backend.primitives, systemClock);
  const clock: ClockFacts = {
    wallMs: systemClock.wallMs(),
    notBeforeMs: belongings.membership?.certificate.issuedAtMs,
    jumpMs: 0,
    isSynchronized: undefined,
    peerOffsetsMs: [],
  };
  return { belongings, clock, ...await findAgent(stateDir) };
}

/** Begins with every check; they end when they end, and are told in this order. */
export function examine(options: ExamineOptions, ground: Ground): readonly Pending[] {
  const { stateDir, backend, config } = options;
  const { status, agent, belongings } = ground;
  const startedMs = { wall: systemClock.wallMs(), mono: systemClock.now() };
  const crypto = judgeCrypto(measureCrypto(backend, systemClock));
  const source = new SystemSource();
  const reading = new HostProbe({ source, os: HOST_OS }).read().finally(() => source.close());
  const rssMb = status?.memory.rss_mb ?? null;
  const networkFacts = status?.network && belongings.networkFacts.kind === "member"
    ? { ...belongings.networkFacts, isRevoked: status.network.revoked, isOpen: status.open }
    : belongings.networkFacts;
  return [
    now("agent", judgeAgent(agent)),
    { check: "service", finding: examineService(options, ground) },
    now("settings", judgeConfig(config)),
    { check: "files", finding: examineState(stateDir).then(judgeState) },
    now("identity", judgeIdentity(belongings.identityFacts)),
    now("certificate", judgeNetwork(networkFacts, systemClock.wallMs())),
    ...networkChecks(options, ground),
    { check: "clock", finding: examineClock(options, ground, startedMs).then(judgeClock) },
    now("cryptography", crypto),
    { check: "memory", finding: reading.then((each) => judgeMemory(each, rssMb)) },
    { check: "power", finding: reading.then(judgePower) },
    { check: "heat", finding: reading.then(judgeHeat) },
    { check: "disk", finding: freeBytesAt(stateDir).then((free) => judgeDisk(free, stateDir)) },
  ];
}

function networkChecks(options: ExamineOptions, { status }: Ground): readonly Pending[] {
  const { listenHost, ports } = options;
  if (!status) {
    return [
      now("port", judgePorts(tryPorts(listenHost, ports), ports.length === 1)),
      now("old nodes", {
        check: "old nodes",
        verdict: "unknown",
        text: "no agent runs that could answer them",
      }),
      {
        check: "multicast",
        finding: tryMulticast(systemClock).then(({ state, reason }) =>
          judgeMulticast(state, reason)
        ),
      },
    ];
  }
  const addresses = status.addresses.flatMap((text) => parseAddress(text) ?? []);
  const [first] = addresses;
  const { mdns } = status.discovery ??
    { mdns: { state: "off", reason: "it was switched off" } } as const;
  return [
    {
      check: "reachable",
      finding: Promise.all(addresses.map(tryReach)).then((trials) =>
        judgeReach(trials, status.listen)
      ),
    },
    ...(first
      ? [{
        check: "old nodes",
        finding: tryLegacy(first, systemClock).then((trial) =>
          judgeLegacy(trial, status.legacy, status.node_id)
        ),
      }]
      : []),
    now("multicast", judgeMulticast(mdns.state, mdns.reason)),
  ];
}

async function examineService(
  { service }: ExamineOptions,
  { agent }: Ground,
): Promise<Finding> {
  const pid = agent.kind === "running" ? agent.pid : undefined;
  return judgeService(await service(), agent.kind, pid);
}

async function examineClock(
  { run }: ExamineOptions,
  { client, clock }: Ground,
  started: { readonly wall: number; readonly mono: number },
): Promise<ClockFacts> {
  const isSynchronized = await askSynchronized(run);
  const clocks = await client?.clocks().catch(ignoreCoded) ?? [];
  const passedMs = systemClock.now() - started.mono;
  return {
    ...clock,
    isSynchronized,
    peerOffsetsMs: clocks.map(({ offset_ms }) => offset_ms),
    jumpMs: systemClock.wallMs() - started.wall - passedMs,
  };
}

/** `undefined` where there is no such service, or it does not run. */
async function askSynchronized(run: RunCommand): Promise<boolean | undefined> {
  if (HOST_OS !== "linux") return undefined;
  const answer = await run("timedatectl", ["show", "--property=NTPSynchronized", "--value"]);
  const word = answer?.code === 0 ? answer.output.trim() : "";
  return word === "yes" ? true : word === "no" ? false : undefined;
}

async function findAgent(
  stateDir: string,
): Promise<Pick<Ground, "client" | "status" | "agent">> {
  const endpoint = await readEndpoint(stateDir).catch(() => undefined);
  const client = await ControlClient.open(stateDir).catch(ignoreCoded);
  if (!endpoint || !client) {
    return { client: undefined, status: undefined, agent: { kind: "none" } };
  }
  const status = await Promise.race([
    client.status().catch(ignoreCoded),
    pause(systemClock, ANSWER_MS).then(() => undefined),
  ]);
  if (status) {
    const { pid, uptime_s: uptimeS, gossip } = status;
    return {
      client,
      status,
      agent: { kind: "running", pid, uptimeS, health: gossip.health_multiplier },
    };
  }
  const isAlive = await isHeld(`${stateDir}/${LOCK_FILE}`);
  return {
    client: undefined,
    status: undefined,
    agent: { kind: "unresponsive", pid: endpoint.pid, isAlive },
  };
}

/** Whether a process holds the lock of a state directory. */
async function isHeld(path: string): Promise<boolean> {
  try {
    (await lockFile(path))();
    return false;
  } catch (error) {
    return error instanceof StoreError && error.code === "locked";
  }
}

function ignoreCoded(error: unknown): undefined {
  if (error instanceof CodedError) return undefined;
  throw error;
}

function now(check: string, finding: Finding): Pending {
  return { check, finding: Promise.resolve(finding) };
}
