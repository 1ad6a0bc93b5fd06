/**
 * The control API's routes about the network: invite, join, members, revoke, leave.
 */

import type { Agent } from "../agent/agent.ts";
import type { Joined } from "../agent/joining.ts";
import type { Clock } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import type { Fields } from "../base/guards.ts";
import { parsePeerId, type PeerId } from "../base/peer_id.ts";
import { decodeToken, type InvitationToken } from "../trust/invitation_token.ts";
import { type Membership } from "../trust/membership.ts";
import { TrustError } from "../trust/certificate.ts";
import type { MemberHistory } from "./member_history.ts";
import {
  type InviteView,
  type JoinView,
  joinView,
  type MembersView,
  membersView,
  type RevokeView,
  revokeView,
} from "./network_views.ts";

export interface NetworkRoutesOptions {
  readonly agent: Agent;
  readonly clock: Clock;
  readonly history: MemberHistory;
  /** Uses an invitation for this device; nothing is changed yet. */
  readonly join: (token: InvitationToken, deviceName: string | undefined) => Promise<Joined>;
  /** Starts the agent anew: in the network joined, or, without one, in a new one of its own. */
  readonly onMove: (joined: Joined | undefined) => void;
}

type NetworkRouteCode = "already_member" | "unknown_member" | "founder" | "moving";

/** A request about the network that cannot be served. */
export class NetworkRouteError extends CodedError<NetworkRouteCode> {
  override readonly name = "NetworkRouteError";
}

/** An invitation's life, seconds: long enough to walk to the other device, not to be found in a drawer. */
const EXPIRES_S = Object.freeze({ min: 10, max: 7 * 86_400, absent: 900 });

export class NetworkRoutes {
  readonly #options: NetworkRoutesOptions;
  /** Whether this agent joins another network, or has left its own: it will soon be replaced. */
  #isMoving = false;

  constructor(options: NetworkRoutesOptions) {
    this.#options = options;
  }

  async invite(fields: Fields): Promise<InviteView> {
    this.#checkStays();
    const { gatekeeper } = this.#options.agent;
    const role = fields.boolean("admin", { absent: false }) ? "admin" : "member";
    const lifetimeMs = fields.integer("expires_s", EXPIRES_S) * 1000;
    const { token, expiresAtMs } = await gatekeeper.invite({ role, lifetimeMs });
    const network = this.#membership.network.name;
    return { token, role, expires_unix_ms: expiresAtMs, network };
  }

  members(): MembersView {
    const { agent, clock, history } = this.#options;
    return membersView({ agent, membership: this.#membership, history, nowMs: clock.now() });
  }

  async join(fields: Fields): Promise<JoinView> {
    const { join, onMove } = this.#options;
    const token = decodeToken(fields.text("token", { maxLength: 1_024 }));
    this.#checkStays();
    checkMayLeave(this.#membership, "join");
    this.#isMoving = true;
    try {
      const joined = await join(token, fields.textOrNull("name", { maxLength: 32 }) ?? undefined);
      onMove(joined);
      return joinView(joined);
    } catch (error) {
      this.#isMoving = false;
      throw error;
    }
  }

  async revoke(fields: Fields): Promise<RevokeView> {
    this.#checkStays();
    const id = this.#find(fields.text("node", { maxLength: 128 }));
    const target = this.#membership.roster.get(id);
    const kept = await this.#options.agent.gatekeeper.revoke(id);
    return revokeView(target ?? id, kept);
  }

  leave(fields: Fields): { readonly left: string } {
    const { network } = this.#membership;
    this.#checkStays();
    if (!fields.boolean("force", { absent: false })) checkMayLeave(this.#membership, "leave");
    this.#isMoving = true;
    this.#options.agent.gatekeeper.resign();
    this.#options.onMove(undefined);
    return { left: network.name };
  }

  get #membership(): Membership {
    const { membership } = this.#options.agent;
    if (membership) return membership;
    throw new TrustError("not_authorized", "Cannot do it: this agent belongs to no network");
  }

  /** Throws {@link NetworkRouteError} `moving` when what is done now would be lost. */
  #checkStays(): void {
    if (!this.#isMoving) return;
    throw new NetworkRouteError(
      "moving",
      "Cannot do it now: this agent is moving to another network; try again in a moment",
    );
  }

  /** The member that a person means: by id, the beginning of one, or its name. */
  #find(text: string): PeerId {
    const membership = this.#membership;
    const named = membership.roster.certificates().filter(({ id, name }) =>
      (id.startsWith(text) || name === text) && membership.isMember(id)
    );
    const [match] = named;
    if (match && named.length === 1) return match.id;
    const id = parsePeerId(text);
    if (!match && id) return id;
    throw new NetworkRouteError(
      "unknown_member",
      match
        ? `Cannot tell which device ${text} is: ${named.length} match; give more of its id`
        : `Cannot find a member called ${text}; see: hamlet members`,
    );
  }
}

/**
 * Throws {@link NetworkRouteError} when leaving the present network for another would lose something: a
 * network of others, or the authority over them.
 */
export function checkMayLeave(membership: Membership, action: "join" | "leave"): void {
  const { network, isFounder, isRevoked } = membership;
  const others = membership.memberIds().length - 1;
  if (isFounder && others > 0) {
    throw new NetworkRouteError(
      "founder",
      `Cannot ${action}: this device founded ${network.name} and alone can make its admins; ` +
        `${others} other member${others === 1 ? "" : "s"} would be left without it; ` +
        "to do it all the same: hamlet leave --force",
    );
  }
  if (action === "join" && !isFounder && !isRevoked) {
    throw new NetworkRouteError(
      "already_member",
      `Cannot join: this device is a member of ${network.name}; leave it first: hamlet leave`,
    );
  }
}
