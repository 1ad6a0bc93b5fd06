/** A closed network of agents on the in-memory network: Alice founded it, others join or are given certificates. */

import type { Agent, AgentOptions } from "../../src/agent/agent.ts";
import { type Joined, joinNetwork, type JoinOptions } from "../../src/agent/joining.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import type { Address } from "../../src/net/address.ts";
import type { Identity } from "../../src/node/identity.ts";
import type { Chain } from "../../src/trust/certificate.ts";
import { InvitationBook } from "../../src/trust/invitation.ts";
import { decodeToken } from "../../src/trust/invitation_token.ts";
import { Membership } from "../../src/trust/membership.ts";
import { AgentVillage, type Resident } from "./agents.ts";
import { ALICE, PRIMITIVES } from "./identities.ts";
import { FOUNDER_CHAIN, membershipOf } from "./trust.ts";

/** An agent, and what it knows of its network. */
export interface Citizen extends Resident {
  readonly membership: Membership;
  readonly invitations: InvitationBook;
  /** What it has written, in order. */
  readonly saves: string[];
  readonly disk: { isFull: boolean };
}

export interface CitizenOptions extends Partial<AgentOptions> {
  readonly isFounder?: boolean;
  readonly isOpen?: boolean;
  /** A network that was joined; otherwise that of the fixtures. */
  readonly membership?: Membership;
}

export class Realm {
  readonly village = new AgentVillage();

  get clock() {
    return this.village.clock;
  }

  /** Alice, at 10.0.0.1. */
  founder(options: CitizenOptions = {}): Promise<Citizen> {
    return this.add(ALICE, "10.0.0.1", FOUNDER_CHAIN, { isFounder: true, ...options });
  }

  /** An agent that holds `chain` and dials `peers`. */
  async add(
    identity: Identity,
    host: string,
    chain: Chain,
    options: CitizenOptions = {},
  ): Promise<Citizen> {
    const { isFounder = false, isOpen = false, ...rest } = options;
    const membership = options.membership ??
      membershipOf(identity, chain, { clock: this.clock, isFounder, isOpen });
    const invitations = new InvitationBook();
    const disk = { isFull: false };
    const saves: string[] = [];
    const save = (what: string) => {
      saves.push(what);
      return disk.isFull ? Promise.reject(new Error("no space left")) : Promise.resolve();
    };
    const trust = { membership, invitations, save };
    const resident = await this.village.add(identity, host, { trust, ...rest });
    return Object.assign(resident, { membership, invitations, saves, disk });
  }

  /** Adds an agent for what an invitation brought. */
  settle(identity: Identity, host: string, joined: Joined): Promise<Citizen> {
    const { network, chain } = joined.stored;
    const membership = new Membership({
      network,
      chain,
      id: identity.id,
      roster: joined.roster,
      signer: identity.signing,
      isOpen: false,
      wallMs: () => this.clock.wallMs(),
    });
    return this.add(identity, host, chain, { membership, known: joined.peers });
  }

  /** Uses a token on the device at `host`. */
  async join(
    identity: Identity,
    host: string,
    token: string,
    options: Partial<JoinOptions> = {},
  ): Promise<Joined> {
    const joining = joinNetwork({
      token: decodeToken(token),
      identity,
      primitives: PRIMITIVES,
      dialer: this.village.village.network.dialerFrom(host),
      clock: this.clock,
      deviceName: `device at ${host}`,
      ...options,
    });
    return await this.until(joining);
  }

  /** A token for one device, good for a quarter of an hour. */
  async invite(by: Citizen, role: "member" | "admin" = "member"): Promise<string> {
    return (await by.agent.gatekeeper.invite({ role, lifetimeMs: 900_000 })).token;
  }

  until<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    return this.village.village.until(promise, limitMs);
  }

  async pass(ms: number, stepMs = 50): Promise<void> {
    await this.village.pass(ms, stepMs);
  }

  async close(): Promise<void> {
    await this.village.close();
  }
}

/** Ids of whom an agent has a session with, sorted. */
export function connected({ agent }: { readonly agent: Agent }): readonly PeerId[] {
  return [...agent.node.connected].sort();
}

/** Names of what a resident logged at `warn` and above. */
export function alarms({ lines }: Resident): readonly string[] {
  return lines.filter(({ level }) => level === "warn" || level === "error")
    .map(({ event }) => event);
}

export function addressOf(...residents: readonly Resident[]): readonly Address[] {
  return residents.map(({ address }) => address);
}
