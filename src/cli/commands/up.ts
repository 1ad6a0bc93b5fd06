/**
 * `hamlet up`: builds the agent from its configuration, runs it until a signal or a stop command, and takes
 * it down within two seconds.
 */

import { deadline } from "@std/async";
import { Agent } from "../../agent/agent.ts";
import { PeerMemory } from "../../agent/peer_memory.ts";
import { scheduleEvery, systemClock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { shortId } from "../../base/peer_id.ts";
import { systemRandom } from "../../base/random.ts";
import { readEndpoint, removeEndpoint, writeEndpoint } from "../../control/endpoint_file.ts";
import { ControlServer } from "../../control/server.ts";
import type { OwnersLimits } from "../../control/views.ts";
import { collectGarbage } from "../../host/garbage.ts";
import { HostProbe } from "../../host/probe.ts";
import { HOST_OS, SystemSource } from "../../host/source.ts";
import { formatAddress } from "../../net/address.ts";
import { interfaceAddresses, reachableAddresses } from "../../net/interfaces.ts";
import { type Listener, NetError } from "../../net/stream.ts";
import { listenTcp, tcpDialer } from "../../net/tcp.ts";
import { type Identity, identityFromSeed } from "../../node/identity.ts";
import { type Backend, chooseBackend } from "../../noise/backend.ts";
import { KEY_BYTES, randomBytes } from "../../noise/primitives.ts";
import { ensureDirectory, lockFile, StoreError } from "../../store/files.ts";
import { loadSeed } from "../../store/identity_file.ts";
import { Inbox } from "../../store/inbox.ts";
import { IDENTITY_FILE, LOCK_FILE, PEERS_FILE } from "../../store/state_directory.ts";
import type { CommandContext } from "../commands.ts";
import { readUpConfig, systemSurroundings, type UpConfig } from "../config.ts";
import { createLog } from "../log_writer.ts";
import { dropPrivileges } from "../privileges.ts";
import { untilInterrupted } from "../signals.ts";
import { EXIT } from "../usage_error.ts";
import { VERSION } from "../version.ts";

/** Everything must be gone by then. */
const CLOSE_MS = 1_500;
/** By then a village has formed, and what that left behind can go. */
const SETTLED_MS = 5_000;
const HOUSEKEEPING_MS = 300_000;
/** What receiving files leaves free on the disk. */
const KEEP_FREE_BYTES = 256 * 2 ** 20;

export async function run({ flags }: CommandContext): Promise<number> {
  const config = readUpConfig(flags, systemSurroundings());
  const encoder = new TextEncoder();
  const log = createLog({
    form: config.log,
    level: config.logLevel,
    clock: systemClock,
    write: (line) => void Deno.stderr.writeSync(encoder.encode(line)),
  });
  await ensureDirectory(config.stateDir);
  const unlock = await lockState(config.stateDir);
  try {
    await serve(config, log);
  } finally {
    unlock();
  }
  return EXIT.ok;
}

/** Runs the agent until something asks it to stop. */
async function serve(config: UpConfig, log: Log): Promise<void> {
  const { stateDir, legacy, limits } = config;
  const { agent, backend, memory, source } = await startAgent(config, log);
  const stop = new AbortController();
  const setting = { version: VERSION, stateDir, legacy, limits, backend, clock: systemClock };
  const control = new ControlServer({ agent, setting, onStop: () => stop.abort() });
  // The start leaves more garbage than the agent will ever need room for.
  collectGarbage();
  const { url, token } = control;
  await writeEndpoint(stateDir, {
    url,
    token,
    pid: Deno.pid,
    listenPort: agent.listenAddress.port,
  });
  announce(agent, backend, log);
  await dropPrivileges(HOST_OS);

  systemClock.schedule(SETTLED_MS, collectGarbage);
  const housekeeping = scheduleEvery(systemClock, HOUSEKEEPING_MS, collectGarbage);
  if (config.hasLeash) void untilInputEnds().then(() => stop.abort());
  await untilStopped(stop, log);
  housekeeping.cancel();
  const farewell = Promise.all([removeEndpoint(stateDir), agent.close(), memory.close()]);
  await settleWithin(CLOSE_MS, farewell, log);
  await settleWithin(CLOSE_MS / 3, control.close(), log);
  source.close();
  log("info", "stopped");
}

/** Puts the parts together: identity, port, sensors, what was known before. */
async function startAgent(config: UpConfig, log: Log) {
  const { stateDir, legacy, peers, limits } = config;
  const { bandwidth, maxConnections } = limits;
  const backend = chooseBackend(config.crypto);
  if (backend.report.refused) log("warn", "native crypto refused", backend.report);
  const identity = await loadIdentity(stateDir, backend, log);
  const listener = openListener(config, log);
  const path = `${stateDir}/${PEERS_FILE}`;
  const known = await PeerMemory.load(path, systemClock, log);
  const source = new SystemSource();
  const probe = new HostProbe({ source, os: HOST_OS });
  const inbox = await openInbox(limits);
  const agent = await Agent.start({
    inbox,
    bandwidth,
    maxConnections,
    identity,
    backend,
    log,
    listener,
    known,
    legacy,
    peers,
    clock: systemClock,
    random: systemRandom,
    dialer: tcpDialer,
    addresses: () => reachableAddresses(listener.address, interfaceAddresses()),
    measure: () => probe.read(),
  });
  const { registry } = agent;
  const memory = new PeerMemory({ path, registry, known, clock: systemClock, log });
  return { agent, backend, memory, source };
}

async function openInbox({ inboxDir, maxFileBytes }: OwnersLimits): Promise<Inbox | undefined> {
  if (inboxDir === undefined) return undefined;
  return await Inbox.open({
    directory: inboxDir,
    maxFileBytes,
    keepFreeBytes: KEEP_FREE_BYTES,
    wallMs: systemClock.wallMs(),
  });
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

async function loadIdentity(stateDir: string, backend: Backend, log: Log): Promise<Identity> {
  const path = `${stateDir}/${IDENTITY_FILE}`;
  const loaded = await loadSeed(path, () => randomBytes(KEY_BYTES));
  const identity = identityFromSeed(loaded.seed, backend.primitives);
  if (loaded.wasCreated) log("info", "identity created", { node: shortId(identity.id), path });
  if (loaded.wasExposed) log("warn", "identity was readable by others; now private", { path });
  return identity;
}

/** Listens on the first port that is free. */
function openListener({ listenHost, ports }: UpConfig, log: Log): Listener {
  for (const [index, port] of ports.entries()) {
    try {
      return listenTcp({ host: listenHost, port });
    } catch (error) {
      const isTaken = error instanceof NetError && error.code === "address_in_use";
      if (!isTaken) throw error;
      const next = ports[index + 1];
      if (next !== undefined) log("warn", "port taken", { port, trying: next });
    }
  }
  const tried = ports.length === 1
    ? `port ${ports[0]} is taken`
    : `ports ${ports[0]} to ${ports.at(-1)} are all taken`;
  throw new NetError(
    "address_in_use",
    `Cannot listen on ${listenHost}: ${tried}; choose another with --port, or --port 0 for any`,
  );
}

function announce(agent: Agent, backend: Backend, log: Log): void {
  const listen = agent.listenAddress;
  log("info", "hamlet is up", {
    node: shortId(agent.identity.id),
    listen: formatAddress(listen),
    version: VERSION,
    crypto: backend.report.aead,
  });
  const [reachable = listen] = agent.addresses;
  log("info", "open village: any authenticated key may join", {
    join_with: `hamlet up --peer ${formatAddress(reachable)}`,
  });
}

async function untilInputEnds(): Promise<void> {
  const ignored = new Uint8Array(256);
  while (await Deno.stdin.read(ignored) !== null);
}

/** Resolves at the first signal or stop command; a second signal ends the process at once. */
async function untilStopped(stop: AbortController, log: Log): Promise<void> {
  untilInterrupted((signal) => {
    log("info", "stopping", { signal });
    stop.abort();
  });
  if (stop.signal.aborted) return;
  await new Promise((resolve) => stop.signal.addEventListener("abort", resolve, { once: true }));
}
