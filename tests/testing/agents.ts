/** Agents on one in-memory network, under one clock that moves when told to; bare nodes may live beside them. */

import { Agent, type AgentOptions } from "../../src/agent/agent.ts";
import type { LogFields, LogLevel } from "../../src/base/log.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { type HostReading, UNKNOWN_READING } from "../../src/host/reading.ts";
import { type Address, formatAddress } from "../../src/net/address.ts";
import type { ByteStream, Dialer } from "../../src/net/stream.ts";
import type { Identity } from "../../src/node/identity.ts";
import { chooseBackend } from "../../src/noise/backend.ts";
import { Village } from "./village.ts";

export const BACKEND = chooseBackend();

/** A machine with nothing to do: fit for evolution. */
export const IDLE: HostReading = Object.freeze({
  ...UNKNOWN_READING,
  cpuCores: 8,
  ramMb: 16_384,
  cpuPercent: 10,
  memoryPercent: 40,
  deviceType: "desktop",
});

export interface LogLine {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** An agent, where it lives, and what it said and did. */
export interface Resident {
  readonly agent: Agent;
  readonly id: PeerId;
  readonly address: Address;
  /** What its device measures from now on. */
  reading: HostReading;
  readonly lines: LogLine[];
  /** What it dialled and when, by the clock. */
  readonly dials: { readonly atMs: number; readonly to: string }[];
}

export class AgentVillage {
  readonly village: Village;
  readonly #agents: Agent[] = [];
  readonly #dialled = new Set<ByteStream>();

  constructor(seed = 1) {
    this.village = new Village(seed);
  }

  get clock() {
    return this.village.clock;
  }

  /** Connections that their dialer has not let go. */
  get openConnections(): number {
    return this.#dialled.size;
  }

  /** Starts an agent that listens on `host`. */
  async add(
    identity: Identity,
    host: string,
    options: Partial<AgentOptions> = {},
  ): Promise<Resident> {
    const { clock, random, network } = this.village;
    const address = { host, port: 9000 };
    const lines: LogLine[] = [];
    const dials: Resident["dials"] = [];
    const device = { reading: IDLE };
    const agent = await Agent.start({
      identity,
      backend: BACKEND,
      clock,
      random,
      log: (level, event, fields = {}) => lines.push({ level, event, fields }),
      dialer: this.#watched(network.dialerFrom(host), (to) => {
        dials.push({ atMs: clock.now(), to: formatAddress(to) });
      }),
      listener: network.listen(address),
      addresses: () => [address],
      measure: () => Promise.resolve(device.reading),
      legacy: "lan",
      peers: [],
      known: [],
      ...options,
    });
    this.#agents.push(agent);
    return Object.assign(device, { agent, id: identity.id, address, lines, dials });
  }

  /** Lets time pass. */
  async pass(ms: number, stepMs = 50): Promise<void> {
    await this.clock.run(ms, stepMs);
  }

  /** The host loses power: its links break, its goodbyes reach nobody. */
  async crash({ agent, address }: Resident): Promise<void> {
    const { network } = this.village;
    network.partition([address.host]);
    network.breakLinks(address.host);
    await this.village.until(agent.close());
    network.heal();
  }

  /** Closes every agent and node. */
  async close(): Promise<void> {
    await this.village.until(Promise.all(this.#agents.map((agent) => agent.close())));
    await this.village.close();
  }

  #watched(dialer: Dialer, onDial: (to: Address) => void): Dialer {
    return {
      dial: async (address, options) => {
        onDial(address);
        const stream = await dialer.dial(address, options);
        this.#dialled.add(stream);
        return {
          remote: stream.remote,
          local: stream.local,
          read: (buffer) => stream.read(buffer),
          write: (bytes) => stream.write(bytes),
          closeWrite: () => stream.closeWrite(),
          close: () => {
            this.#dialled.delete(stream);
            stream.close();
          },
        };
      },
    };
  }
}

/** The fields of each line that a resident logged under `event`. */
export function linesOf({ lines }: Resident, event: string): readonly LogFields[] {
  return lines.filter((line) => line.event === event).map(({ fields }) => fields);
}
