/** A control server around an agent of an in-memory village, for tests on real loopback. */

import { DEFAULT_RATE_LIMIT } from "../../src/discovery/rate_limit.ts";
import { DEFAULT_REGISTRY } from "../../src/mesh/registry.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { ControlServer } from "../../src/control/server.ts";
import type { Setting } from "../../src/control/views.ts";
import { AgentVillage, BACKEND, type Resident } from "../testing/agents.ts";
import { ALICE, BOB } from "../testing/identities.ts";

/** Who may read the metrics, and nothing else, of a process that never changes. */
export const METRICS = Object.freeze({
  token: "m".repeat(43),
  process: {
    read: () => ({
      residentBytes: 52_428_800,
      heapBytes: 10_485_760,
      cpuSeconds: 1.5,
      openFiles: 23,
      startSeconds: 1_750_000_000.25,
    }),
  },
});

export interface Controlled {
  readonly village: AgentVillage;
  /** The agent that is controlled. */
  readonly alice: Resident;
  /** An agent with a session to it. */
  readonly bob: Resident;
  readonly setting: Setting;
  readonly server: ControlServer;
  /** How often a client asked it to stop. */
  readonly stops: () => number;
}

/** Two agents, a second after they met. */
export async function aliceAndBob() {
  const village = new AgentVillage();
  const alice = await village.add(ALICE, "10.0.0.1");
  const bob = await village.add(BOB, "10.0.0.2", { peers: [alice.address] });
  await village.pass(1_000);
  const setting: Setting = {
    limits: {
      bandwidth: { up: undefined, down: 1_000 },
      maxConnections: 100,
      maxFileBytes: 2_000,
      inboxDir: undefined,
    },
    version: "9.8.7",
    stateDir: "/state",
    legacy: "lan",
    backend: BACKEND,
    clock: village.clock,
    rateLimit: DEFAULT_RATE_LIMIT,
    registry: DEFAULT_REGISTRY,
  };
  return { village, alice, bob, setting };
}

/** Runs `use` with a server for Alice; everything is closed afterwards. */
export async function withServer(use: (controlled: Controlled) => Promise<void>): Promise<void> {
  const { village, alice, bob, setting } = await aliceAndBob();
  let stops = 0;
  const server = new ControlServer({
    agent: alice.agent,
    setting,
    metrics: METRICS,
    onStop: () => stops++,
    join: () => Promise.reject(new TypeError("nobody joins in these tests")),
    onMove: () => {},
  });
  try {
    await use({ village, alice, bob, setting, server, stops: () => stops });
  } finally {
    await server.close();
    await village.close();
  }
}

/** An id that nobody holds, told apart by its first characters. */
export function fakeId(beginning: string): PeerId {
  return beginning.padEnd(52, "a") as PeerId;
}
