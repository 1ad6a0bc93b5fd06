/**
 * The gatekeeper: lets newcomers in who hold an invitation, spreads what is known of certificates and
 * revocations, renews certificates, and ends the sessions of whoever does not belong any more (PROTOCOL.md
 * section 8).
 */

import { type Bytes, decodeBase64Url } from "../base/bytes.ts";
import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import { FieldError, Fields, type JsonObject, toPrintable } from "../base/guards.ts";
import type { Log } from "../base/log.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import { type IncomingRequest, type OutgoingReply, Refusal } from "../channel/responder.ts";
import { type Address, scopeOf } from "../net/address.ts";
import type { Node } from "../node/node.ts";
import {
  type Certificate,
  MAX_NAME_LENGTH,
  type Role,
  type TrustCode,
  TrustError,
} from "../trust/certificate.ts";
import { InvitationBook, InvitationError } from "../trust/invitation.ts";
import { encodeToken, INVITATION_SECRET_BYTES } from "../trust/invitation_token.ts";
import type { Membership, Standing } from "../trust/membership.ts";
import { writeNetwork } from "../trust/network_file.ts";
import { inPieces, MAX_ENTRIES, type NetworkState } from "./network_state.ts";
import { CERTIFICATE_RENEW, Renewal } from "./renewal.ts";

export interface GatekeeperOptions {
  readonly membership: Membership;
  readonly invitations: InvitationBook;
  readonly id: PeerId;
  readonly node: Node;
  readonly clock: Clock;
  readonly log: Log;
  /** Puts what changed on the disk; resolves once it is there. */
  readonly save: (what: "network" | "roster" | "invitations") => Promise<void>;
  /** Where we can be reached. */
  readonly addresses: () => readonly Address[];
  /** Signed peer records, ours first, for a newcomer. */
  readonly records: () => readonly JsonObject[];
  /** Somebody is not one of us any more. */
  readonly onExpelled: (id: PeerId) => void;
  /** The network has another secret. */
  readonly onSecret: () => void;
}

/** An invitation as its maker sees it. */
export interface GivenInvitation {
  readonly token: string;
  readonly role: Role;
  readonly expiresAtMs: number;
}

/** A newcomer's request. */
export const JOIN = "JOIN";

const TICK_MS = 3_600_000;
/** What a newcomer is told at once; the rest comes with its first session. */
const MAX_RECORDS_TOLD = 16;

export class Gatekeeper {
  readonly #options: GatekeeperOptions;
  readonly #timer: Timer;
  readonly #renewal: Renewal;
  #hasResigned = false;

  constructor(options: GatekeeperOptions) {
    this.#options = options;
    const { node, clock } = options;
    this.#renewal = new Renewal({
      ...options,
      onMade: (certificate) => this.#spread({ certificates: [certificate], revocations: [] }),
      onRenewed: () => {
        this.#saveSoon("network");
        this.#saveSoon("roster");
      },
    });
    node.handleGuests(JOIN, (request, guest) => this.#admit(request, guest));
    node.handle(CERTIFICATE_RENEW, (request, from) => this.#renewFor(request, from));
    this.#timer = scheduleEvery(clock, TICK_MS, () => this.#tick());
    // A founder that was away for long shows no expired certificate to the first who comes.
    this.#renewal.renewWhereDue();
  }

  /** Begins a session with a member: what each knows of the network comes before anything else. */
  welcome(id: PeerId, standing: Standing): void {
    if (standing.kind !== "member") return;
    const { membership, node } = this.#options;
    const { roster } = membership;
    const others = roster.certificates().filter((each) => each.id !== id);
    // Its own above all: it may have been certified anew without knowing it yet.
    const certificates = [...others.slice(0, MAX_ENTRIES - 1), roster.get(id)];
    const state = inPieces({
      certificates: certificates.filter((each) => each !== undefined),
      revocations: roster.revocations(),
    });
    for (const piece of state) node.send(id, "NETWORK_STATE", piece);
    const { record } = membership.secrets.stored;
    if (record) node.send(id, "NETWORK_STATE", { secret: record });
    if (standing.role === "admin") this.#renewal.renewWhereDue();
  }

  /** Takes what a member knows of the network; news goes on to the others. Throws `FieldError`. */
  receive(fields: Fields): void {
    // They only tell us our own word.
    if (this.#hasResigned) return;
    const { membership, clock } = this.#options;
    const { roster } = membership;
    const wallMs = clock.wallMs();
    const certificates = fields.list("certificates", { maxItems: MAX_ENTRIES, absent: [] })
      .flatMap((value) => roster.learnCertificate(value, wallMs) ?? []);
    const revocations = fields.list("revocations", { maxItems: MAX_ENTRIES, absent: [] })
      .flatMap((value) => roster.learnRevocation(value) ?? []);
    if (certificates.length + revocations.length > 0) {
      this.#adoptOwn();
      this.#spread({ certificates, revocations });
    }
    if (revocations.length > 0) this.#expel();
    const secret = fields.raw("secret");
    if (secret !== undefined && membership.learnSecret(secret)) this.#spreadSecret();
  }

  /** Takes certificates that we have asked for, and which others know. */
  learn(certificates: readonly unknown[]): void {
    const { membership, clock } = this.#options;
    const wallMs = clock.wallMs();
    const learnt = certificates.filter((each) => membership.roster.learnCertificate(each, wallMs));
    if (learnt.length > 0) this.#saveSoon("roster");
  }

  /** Makes an invitation. Throws {@link InvitationError} or {@link TrustError} `not_authorized`. */
  async invite(
    options: { readonly role: Role; readonly lifetimeMs: number },
  ): Promise<GivenInvitation> {
    const { membership, invitations, clock, save, id, addresses } = this.#options;
    const { role } = options;
    membership.checkMayCertify(role);
    const wallMs = clock.wallMs();
    const expiresAtMs = wallMs + options.lifetimeMs;
    const { secret } = invitations.create({ role, expiresAtMs, wallMs });
    await save("invitations");
    return {
      token: encodeToken({ inviter: id, secret, addresses: worthTelling(addresses()) }),
      role,
      expiresAtMs,
    };
  }

  /**
   * Removes `target` from the network and tells everybody. Resolves with those whom it had let in, and who
   * stay. Rejects with {@link TrustError} or `RangeError`.
   */
  async revoke(target: PeerId): Promise<readonly Certificate[]> {
    const { membership, save } = this.#options;
    const { revocation, renewed } = membership.revoke(target);
    this.#spread({ certificates: renewed, revocations: [revocation] });
    this.#expel();
    // What is published from now on is none of its business.
    membership.rotateSecret();
    this.#spreadSecret();
    await Promise.all([save("roster"), save("network")]);
    return renewed;
  }

  /** Tells everybody that we leave the network. */
  resign(): void {
    this.#hasResigned = true;
    this.#spread({ certificates: [], revocations: [this.#options.membership.resign()] });
  }

  /** Resolves when nothing of ours is under way. */
  async close(): Promise<void> {
    this.#timer.cancel();
    await this.#renewal.close();
  }

  #tick(): void {
    this.#expel();
    this.#renewal.renewWhereDue();
  }

  async #admit(
    request: IncomingRequest,
    guest: { readonly id: PeerId; readonly invitation: string },
  ): Promise<OutgoingReply> {
    const { membership, invitations, clock, log, save, records } = this.#options;
    try {
      const { secret, name } = readJoin(request.data, guest.id);
      const role = invitations.redeem(guest.invitation, secret, {
        by: guest.id,
        wasRemoved: membership.wasRemoved(guest.id),
        wallMs: clock.wallMs(),
      });
      // Before anything is given: a power cut must not make it usable twice.
      await save("invitations");
      const certificates = this.#certify({ id: guest.id, name, role });
      log("info", "device joined", { peer: shortId(guest.id), name, role });
      return {
        data: {
          network: writeNetwork(membership.network),
          certificates,
          roster: membership.roster.certificates().slice(0, MAX_ENTRIES).map(({ signed }) =>
            signed
          ),
          peers: records().slice(0, MAX_RECORDS_TOLD),
        },
      };
    } catch (error) {
      const isTheirs = error instanceof InvitationError || error instanceof TrustError ||
        error instanceof FieldError;
      if (!isTheirs) throw error;
      log("warn", "invitation refused", { peer: shortId(guest.id), code: error.code });
      throw new Refusal(error.code, error.message, { cause: error });
    }
  }

  /** A newer certificate for a member that asks, in the role that it has. */
  #renewFor(_request: IncomingRequest, from: PeerId): OutgoingReply {
    const { membership } = this.#options;
    const held = membership.roster.get(from);
    if (!held || !membership.isMember(from)) {
      throw new Refusal("not_a_member", "Cannot renew: you show no certificate of this network");
    }
    try {
      return { data: { certificates: this.#certify(held) } };
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      throw new Refusal(error.code, error.message, { cause: error });
    }
  }

  /** The chain of `subject`, as it travels; what is new of it is told to everybody. */
  #certify(subject: Pick<Certificate, "id" | "name" | "role">): readonly JsonObject[] {
    const { membership } = this.#options;
    const before = membership.roster.get(subject.id);
    const chain = membership.certifyWhereDue(subject);
    if (chain[0] !== before) this.#spread({ certificates: [chain[0]], revocations: [] });
    return chain.flatMap((each) => each ? [each.signed] : []);
  }

  /** Somebody may have certified us anew: the admin who once did is gone. */
  #adoptOwn(): void {
    const { membership, id } = this.#options;
    const own = membership.roster.get(id);
    const chain = own && membership.roster.chainOf(own);
    if (chain && membership.adopt(chain)) this.#saveSoon("network");
  }

  #spread(state: NetworkState): void {
    const { membership } = this.#options;
    // Whoever was just removed hears of it too.
    const isOurs = (id: PeerId) => membership.isMember(id) || membership.wasRemoved(id);
    for (const piece of inPieces(state)) this.#tell(isOurs, piece);
    this.#saveSoon("roster");
  }

  #spreadSecret(): void {
    const { membership, onSecret } = this.#options;
    this.#tell((id) => membership.isMember(id), { secret: membership.secrets.stored.record });
    this.#saveSoon("network");
    onSecret();
  }

  /** In an open village strangers are connected too: they are told nothing of the network. */
  #tell(isMeant: (id: PeerId) => boolean, data: JsonObject): void {
    const { node } = this.#options;
    for (const id of node.connected.filter(isMeant)) node.send(id, "NETWORK_STATE", data);
  }

  #saveSoon(part: "network" | "roster"): void {
    this.#options.save(part).catch(() => {
      // It has been logged, and the next change writes it again.
    });
  }

  /** Ends the sessions of those whose certificates do not hold any more, and has all such forgotten. */
  #expel(): void {
    const { membership, node, log, id: ownId, onExpelled } = this.#options;
    if (membership.isRevoked) {
      log("error", "this device was removed from its network", {
        network: membership.network.name,
        next: "ask for an invitation, then run: hamlet join TOKEN",
      });
    }
    if (membership.isOpen) return;
    for (const id of node.connected) {
      if (membership.isMember(id)) continue;
      const code = this.#reasonAgainst(id);
      node.turnAway(id, code);
      onExpelled(id);
      log("warn", "device removed from the network", { peer: shortId(id), code });
    }
    // In a large village most have no session with us, and are known all the same.
    const { roster } = membership;
    for (const { id } of [...roster.certificates(), ...roster.revocations()]) {
      if (id !== ownId && !membership.isMember(id)) onExpelled(id);
    }
  }

  #reasonAgainst(id: PeerId): TrustCode {
    const { roster } = this.#options.membership;
    const held = roster.get(id);
    const chain = held && roster.chainOf(held);
    return chain && !roster.isRevoked(chain) ? "certificate_expired" : "revoked";
  }
}

/** Loopback means another device to whoever comes from one. */
function worthTelling(addresses: readonly Address[]): readonly Address[] {
  const others = addresses.filter(({ host }) => scopeOf(host) !== "loopback");
  return others.length > 0 ? others : addresses;
}

/** Reads a newcomer's request. Throws `FieldError`. */
function readJoin(data: JsonObject, id: PeerId): { readonly secret: Bytes; readonly name: string } {
  const fields = Fields.of(data, "data");
  const text = fields.text("secret", { maxLength: 64 });
  const secret = decodeBase64Url(text, INVITATION_SECRET_BYTES);
  if (!secret) throw new FieldError("invalid_field", "data.secret", "it is not 16 bytes");
  return { secret, name: nameOf(fields.text("name", { maxLength: 256, absent: "" }), id) };
}

/** A device's name as we show it: printable, short, never empty. */
export function nameOf(text: string, id: PeerId): string {
  return toPrintable(text, MAX_NAME_LENGTH).trim() || shortId(id);
}
