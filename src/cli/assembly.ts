/**
 * Puts the parts of `hamlet up` together: what belongs to the device for as long as the program runs, and the
 * agent, which lives in one network.
 */

import { Agent } from "../agent/agent.ts";
import type { AgentWork } from "../agent/evolution_options.ts";
import { NetworkStore } from "../agent/network_store.ts";
import { PeerMemory } from "../agent/peer_memory.ts";
import { Scouts } from "../agent/scouts.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { shortId } from "../base/peer_id.ts";
import { systemRandom } from "../base/random.ts";
import type { OwnersLimits } from "../control/views.ts";
import { readLid } from "../host/lid.ts";
import { OwnProcess } from "../host/own_process.ts";
import { HostProbe } from "../host/probe.ts";
import { HOST_OS, SystemSource } from "../host/source.ts";
import { interfaceAddresses, reachableAddresses } from "../net/interfaces.ts";
import { type Dialer, type Listener, NetError } from "../net/stream.ts";
import { listenTcp, tcpDialer } from "../net/tcp.ts";
import { type Identity, identityFromSeed } from "../node/identity.ts";
import { type Backend, chooseBackend } from "../noise/backend.ts";
import { KEY_BYTES, type Primitives, randomBytes } from "../noise/primitives.ts";
import { loadSeed } from "../store/identity_file.ts";
import { Inbox } from "../store/inbox.ts";
import { JobDirectory } from "../store/job_directory.ts";
import { IDENTITY_FILE, JOBS_DIRECTORY, PEERS_FILE } from "../store/state_directory.ts";
import type { UpConfig } from "./config.ts";
import { openLauncher } from "./work_launcher.ts";

/** What belongs to the device, whatever its network. */
export interface Device {
  /** Who it is, and by what it reaches others. */
  readonly self: {
    readonly identity: Identity;
    readonly primitives: Primitives;
    readonly dialer: Dialer;
    readonly clock: Clock;
  };
  readonly backend: Backend;
  /** Its sensors: opened once, since later they could not be. */
  readonly source: SystemSource;
  readonly probe: HostProbe;
  /** What we take of it ourselves; opened once for the same reason. */
  readonly process: OwnProcess;
  readonly inbox: Inbox | undefined;
  /** What its owner allows of work, and by what workers are started. */
  readonly work: AgentWork;
}

/** What receiving files leaves free on the disk. */
const KEEP_FREE_BYTES = 256 * 2 ** 20;

export async function openDevice(config: UpConfig, log: Log): Promise<Device> {
  const backend = chooseBackend(config.crypto);
  if (backend.report.refused) log("warn", "native crypto refused", backend.report);
  const identity = await loadIdentity(config.stateDir, backend, log);
  const source = new SystemSource();
  return {
    self: { identity, primitives: backend.primitives, dialer: tcpDialer, clock: systemClock },
    backend,
    source,
    probe: new HostProbe({ source, os: HOST_OS }),
    process: await OwnProcess.open(),
    inbox: await openInbox(config.limits),
    work: {
      settings: config.work,
      launcher: openLauncher(config.work, log),
      directory: new JobDirectory({
        path: `${config.stateDir}/${JOBS_DIRECTORY}`,
        wallMs: () => systemClock.wallMs(),
      }),
    },
  };
}

/** Starts the agent in the network of the state directory, or in a new one. */
export async function startAgent(device: Device, config: UpConfig, log: Log) {
  const { stateDir, legacy, peers, limits, discovery } = config;
  const { identity, primitives } = device.self;
  const network = await NetworkStore.open({
    ...config,
    identity,
    primitives,
    clock: systemClock,
    log,
  });
  const listener = openListener(config, log);
  const path = `${stateDir}/${PEERS_FILE}`;
  const known = await PeerMemory.load(path, systemClock, log);
  const agent = await Agent.start({
    ...limits,
    ...device,
    identity,
    log,
    listener,
    legacy,
    peers,
    known: discovery.hasKnown ? known : [],
    hasExchange: discovery.hasExchange,
    rateLimit: config.rateLimit,
    registry: config.registry,
    trust: {
      membership: network.membership,
      invitations: network.invitations,
      save: (part) => network.save(part),
    },
    clock: systemClock,
    random: systemRandom,
    dialer: tcpDialer,
    addresses: () => reachableAddresses(listener.address, interfaceAddresses()),
    measure: () => device.probe.read(),
    readLid: () => readLid(device.source),
  });
  const { registry } = agent;
  const memory = new PeerMemory({ path, registry, known, clock: systemClock, log });
  const scouts = await Scouts.start({
    agent,
    primitives,
    settings: discovery,
    clock: systemClock,
    log,
  });
  return { agent, memory, network, scouts };
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
