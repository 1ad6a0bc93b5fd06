/**
 * `hamlet up`: builds the agent from its configuration, runs it until a signal or a stop command, and takes
 * it down within two seconds. A device that joins or leaves a network gets a new agent in the same process.
 */

import { deadline } from "@std/async";
import type { Agent } from "../../agent/agent.ts";
import type { Joined } from "../../agent/joining.ts";
import { type NetworkStore, removeNetwork, writeJoined } from "../../agent/network_store.ts";
import { scheduleEvery, systemClock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { shortId } from "../../base/peer_id.ts";
import { readEndpoint, removeEndpoint, writeEndpoint } from "../../control/endpoint_file.ts";
import { openMetricsToken } from "../../control/metrics_token.ts";
import { ControlServer } from "../../control/server.ts";
import { collectGarbage, tidyHeap } from "../../host/garbage.ts";
import { HOST_OS } from "../../host/source.ts";
import { formatAddress } from "../../net/address.ts";
import { NotifyError, readNotifyAddress } from "../../service/notify_socket.ts";
import { Supervised } from "../../service/supervised.ts";
import { ensureDirectory, lockFile, StoreError } from "../../store/files.ts";
import { LOCK_FILE } from "../../store/state_directory.ts";
import { type Device, openDevice, startAgent } from "../assembly.ts";
import type { CommandContext } from "../commands.ts";
import { readUpConfig, type UpConfig } from "../config.ts";
import { readSurroundings } from "../config/surroundings.ts";
import { variable } from "../environment.ts";
import { createLog } from "../log_writer.ts";
import { dropPrivileges } from "../privileges.ts";
import { untilInterrupted } from "../signals.ts";
import { EXIT } from "../usage_error.ts";
import { VERSION } from "../version.ts";

/** Everything must be gone by then. */
const CLOSE_MS = 1_500;
/** By then a village has formed, and what that left behind can go. */
const SETTLED_MS = 5_000;
const HOUSEKEEPING_MS = 30_000;
/** How long the answer to the command that moves us may take to leave. */
const MOVE_MS = 100;

export async function run({ flags }: CommandContext): Promise<number> {
  const surroundings = await readSurroundings(flags);
  const config = readUpConfig(flags, surroundings);
  const encoder = new TextEncoder();
  const log = createLog({
    form: config.log,
    level: config.logLevel,
    clock: systemClock,
    write: (line) => void Deno.stderr.writeSync(encoder.encode(line)),
  });
  for (const warning of surroundings.warnings ?? []) log("warn", "configuration", { warning });
  await ensureDirectory(config.stateDir);
  const unlock = await lockState(config.stateDir);
  try {
    await serve(config, log);
  } finally {
    unlock();
  }
  return EXIT.ok;
}

/** Runs agents, one after another as the device moves from network to network, until told to stop. */
async function serve(config: UpConfig, log: Log): Promise<void> {
  const device = await openDevice(config, log);
  const supervised = supervise(log);
  const stop = new AbortController();
  untilInterrupted((signal) => {
    log("info", "stopping", { signal });
    stop.abort();
  });
  stop.signal.addEventListener("abort", () => void supervised?.stopping(), { once: true });
  if (config.hasLeash) void untilInputEnds().then(() => stop.abort());
  let { ports } = config;
  while (!stop.signal.aborted) {
    const run = { config: { ...config, ports }, stop, supervised, log };
    const { listener, move } = await serveNetwork(device, run);
    if (!move) break;
    // Also when told to stop meanwhile: the invitation is used up, the others know that we left.
    await moveState(config.stateDir, move, log);
    // Who knows us by our address finds us at the same one.
    ports = [...new Set([listener.port, ...config.ports])];
  }
  supervised?.close();
  await settleWithin(CLOSE_MS, device.work.launcher.close(), log);
  await settleWithin(CLOSE_MS, device.source.close(), log);
  device.process.close();
  log("info", "stopped");
}

/** The service manager that has started us, if one has. */
function supervise(log: Log): Supervised | undefined {
  try {
    const address = readNotifyAddress(variable, Deno.pid);
    return address && new Supervised({ address, clock: systemClock, log });
  } catch (error) {
    if (!(error instanceof NotifyError)) throw error;
    log("warn", "service manager not told", { reason: error.message });
    return undefined;
  }
}

/** What an agent runs by, besides the device. */
interface Run {
  readonly config: UpConfig;
  readonly stop: AbortController;
  readonly supervised: Supervised | undefined;
  readonly log: Log;
}

/** Where to go from one network: to one that was joined, or to a new one of this device alone. */
interface Move {
  readonly joined: Joined | undefined;
}

/** Puts the state of the next network in the place of the present one's; where the disk is full, that stays. */
async function moveState(stateDir: string, { joined }: Move, log: Log): Promise<void> {
  try {
    await (joined ? writeJoined(stateDir, joined) : removeNetwork(stateDir));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    log("error", "the network stays as it was", { reason: error.message });
  }
}

/** Runs the agent in its present network, until it is to stop or to move. */
async function serveNetwork(device: Device, { config, stop, supervised, log }: Run) {
  const { stateDir, legacy, limits } = config;
  const metricsToken = await openMetricsToken(stateDir);
  const { agent, memory, network, scouts } = await startAgent(device, config, log);
  let move: Move | undefined;
  const moved = new AbortController();
  const setting = {
    version: VERSION,
    stateDir,
    legacy,
    limits,
    rateLimit: config.rateLimit,
    registry: config.registry,
    scouts,
    backend: device.backend,
    clock: systemClock,
  };
  const control = new ControlServer({
    agent,
    setting,
    port: config.controlPort,
    metrics: { token: metricsToken, process: device.process },
    onStop: () => stop.abort(),
    join: async (token, deviceName = config.deviceName) => {
      const { joinNetwork } = await import("../../agent/joining.ts");
      return await joinNetwork({ token, ...device.self, deviceName });
    },
    onMove: (joined) => {
      move = { joined };
      // The client that asked gets its answer first.
      systemClock.schedule(MOVE_MS, () => moved.abort());
    },
  });
  // The start leaves more garbage than the agent will ever need room for.
  collectGarbage();
  const { url, token } = control;
  await writeEndpoint(stateDir, {
    url,
    token,
    pid: Deno.pid,
    listenPort: agent.listenAddress.port,
  });
  announce(agent, { device, network }, log);
  await dropPrivileges(HOST_OS);
  await supervised?.ready({
    isHealthy: () => agent.node.isServing,
    status: () => statusOf(agent),
  });

  const settled = systemClock.schedule(SETTLED_MS, collectGarbage);
  const housekeeping = scheduleEvery(systemClock, HOUSEKEEPING_MS, tidyHeap);
  await untilAborted(AbortSignal.any([stop.signal, moved.signal]));
  supervised?.pause();
  settled.cancel();
  housekeeping.cancel();
  const farewell = scouts.close().then(() =>
    Promise.all([removeEndpoint(stateDir), agent.close(), memory.close()])
  ).then(() => network.close());
  await settleWithin(CLOSE_MS, farewell, log);
  network.abandon();
  await settleWithin(CLOSE_MS / 3, control.close(), log);
  return { listener: agent.listenAddress, move };
}

/** Waits for `closing`, but not for ever: a peer or a client that hangs must not keep us here. */
async function settleWithin(ms: number, closing: Promise<unknown>, log: Log): Promise<void> {
  try {
    await deadline(closing, ms);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "TimeoutError")) throw error;
    log("warn", "not everything closed in time");
  }
}

async function lockState(stateDir: string): Promise<() => void> {
  try {
    return await lockFile(`${stateDir}/${LOCK_FILE}`);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "locked") throw error;
    const pid = (await readEndpoint(stateDir).catch(() => undefined))?.pid;
    throw new StoreError(
      "locked",
      `Cannot start: another agent${pid ? ` (process ${pid})` : ""} runs on ${stateDir}; ` +
        "stop it, or name another directory with --state",
      { cause: error },
    );
  }
}

function announce(
  agent: Agent,
  { device, network }: { readonly device: Device; readonly network: NetworkStore },
  log: Log,
): void {
  const listen = agent.listenAddress;
  log("info", "hamlet is up", {
    node: shortId(agent.identity.id),
    listen: formatAddress(listen),
    version: VERSION,
    crypto: device.backend.report.aead,
  });
  const { membership, wasFounded } = network;
  const { name } = membership.network;
  if (membership.isOpen) {
    const [reachable = listen] = agent.addresses;
    log("warn", "OPEN VILLAGE: any machine that reaches this port takes part, member or not", {
      join_with: `hamlet up --open --peer ${formatAddress(reachable)}`,
    });
  } else if (wasFounded) {
    log("info", "network founded", {
      network: name,
      next: "to let another device in: hamlet invite",
    });
  } else log("info", "network", { name, role: membership.certificate.role });
  if (membership.isRevoked) {
    log("error", "this device was removed from its network", {
      network: name,
      next: "ask for an invitation, then run: hamlet join TOKEN",
    });
  }
}

/** What a service manager shows of us. */
function statusOf({ listenAddress, addresses, node }: Agent): string {
  const [reachable = listenAddress] = addresses;
  const count = node.connected.length;
  return `serving at ${formatAddress(reachable)}, ${count} peer${count === 1 ? "" : "s"} connected`;
}

async function untilInputEnds(): Promise<void> {
  const ignored = new Uint8Array(256);
  while (await Deno.stdin.read(ignored) !== null);
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
