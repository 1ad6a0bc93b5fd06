/**
 * Our place in our network: what we show others, whom we accept, and what we may sign.
 *
 * The authority's key never leaves the device that founded the network. Admins sign members with their own
 * keys, so a stolen admin can be revoked, and with it what it signs later; whom we know it to have let in stays,
 * under a new certificate.
 */

import type { Bytes } from "../base/bytes.ts";
import type { JsonObject } from "../base/guards.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { MessageSigner } from "../discovery/signature.ts";
import {
  type Certificate,
  CERTIFICATE_LIFETIME_MS,
  type Chain,
  type Issuer,
  type Role,
  signCertificate,
  TrustError,
} from "./certificate.ts";
import { type NetworkId, proofKeyOf } from "./network_id.ts";
import { openProof, sealProof } from "./proof.ts";
import { type Revocation, signRevocation } from "./revocation.ts";
import type { Roster } from "./roster.ts";
import { SecretRing, type StoredSecrets } from "./secret_ring.ts";

/** A network as its members know it. */
export interface Network {
  readonly id: NetworkId;
  /** What its people call it. */
  readonly name: string;
  /** 32 bytes that every member knows and nobody else. */
  readonly secret: Bytes;
}

/** As what a peer takes part in a session. */
export type Standing =
  /** It has shown a certificate of our network. */
  | { readonly kind: "member"; readonly role: Role; readonly name: string }
  /** It has proved its key, and here that is enough. */
  | { readonly kind: "open" }
  /** It holds an invitation, and may do nothing but use it. */
  | { readonly kind: "invited"; readonly invitation: string }
  /** It gave us an invitation that we are using. */
  | { readonly kind: "inviter" };

export interface MembershipOptions {
  readonly network: Network;
  /** Of a network whose secret has changed: the secrets before, and who set this one. */
  readonly secrets?: Omit<StoredSecrets, "secret"> | undefined;
  readonly id: PeerId;
  readonly chain: Chain;
  readonly roster: Roster;
  /** Our own key. */
  readonly signer: MessageSigner;
  /** The network's key, on the device that founded it. */
  readonly authority?: MessageSigner | undefined;
  /** Whether any authenticated key is accepted. */
  readonly isOpen: boolean;
  readonly wallMs: () => number;
}

/** Who is certified, and as what. */
type Subject = Pick<Certificate, "id" | "name" | "role">;

/** A certificate is renewed once this much of its life has passed. */
const RENEW_AFTER = 1 / 3;

export class Membership {
  readonly roster: Roster;
  readonly secrets: SecretRing;
  readonly isOpen: boolean;
  readonly #options: MembershipOptions;
  readonly #proofKey: Bytes;
  #chain: Chain;
  #proof: string;

  constructor(options: MembershipOptions) {
    this.#options = options;
    const { network, secrets = { former: [], record: undefined } } = options;
    this.secrets = new SecretRing(network.id, options.roster.verify, {
      ...secrets,
      secret: network.secret,
    });
    this.roster = options.roster;
    this.isOpen = options.isOpen;
    this.#proofKey = proofKeyOf(options.network.id);
    this.#chain = options.chain;
    this.#proof = sealProof(this.#proofKey, options.chain);
    this.roster.keep(options.chain);
  }

  /** The network, with its present secret. */
  get network(): Network {
    return { ...this.#options.network, secret: this.secrets.current };
  }

  /** Our own certificate. */
  get certificate(): Certificate {
    return this.#chain[0];
  }

  get chain(): Chain {
    return this.#chain;
  }

  get isFounder(): boolean {
    return this.#options.authority !== undefined;
  }

  /** Whether we have been removed from the network, as far as we know. */
  get isRevoked(): boolean {
    return this.roster.isRevoked(this.#chain);
  }

  /** What we show of ourselves in a handshake: our chain, legible to who knows the network. */
  prove(): string {
    return this.#proof;
  }

  /**
   * As what `id`, whose key is proved, may take part, given the `proof` it has shown. Throws {@link
   * TrustError} when it may not.
   */
  judge(id: PeerId, proof: string | undefined): Standing {
    try {
      const { role, name } = this.#recognise(id, proof);
      return { kind: "member", role, name };
    } catch (error) {
      if (!(error instanceof TrustError) || !this.isOpen) throw error;
      return { kind: "open" };
    }
  }

  /** Whether we hold a certificate of `id` that is good now. */
  isMember(id: PeerId): boolean {
    return this.roster.isMember(id, this.#options.wallMs());
  }

  /** Every member with a good certificate, ourselves included. */
  memberIds(): readonly PeerId[] {
    return this.roster.certificates().map(({ id }) => id).filter((id) => this.isMember(id));
  }

  /** Throws {@link TrustError} `not_authorized` unless we may sign certificates of `role`. */
  checkMayCertify(role: Role): void {
    this.#issuer();
    if (role === "member" || this.isFounder) return;
    throw new TrustError(
      "not_authorized",
      "Cannot make an admin: only the device that founded the network can",
    );
  }

  /** Whether `id` was revoked and has not been let in again. */
  wasRemoved(id: PeerId): boolean {
    return !this.isMember(id) && this.roster.revocationOf(id) !== undefined;
  }

  /** Whether our certificate has lived long enough to be renewed. */
  get isRenewalDue(): boolean {
    return this.#isDue(this.certificate);
  }

  /** Takes a newer certificate of ours; `false` when it is none. */
  adopt(chain: Chain): boolean {
    const [leaf] = chain;
    if (leaf.id !== this.#options.id || leaf.issuedAtMs <= this.certificate.issuedAtMs) {
      return false;
    }
    // No other admin makes an admin a member.
    if (this.certificate.role === "admin" && leaf.issuer !== this.network.id) return false;
    this.roster.check(chain, this.#options.wallMs());
    this.roster.keep(chain);
    this.#chain = chain;
    this.#proof = sealProof(this.#proofKey, chain);
    return true;
  }

  /**
   * The good certificate that `subject` has; a new one where there is none, or it is due and ours would not end
   * sooner. Whoever asks again and again gets the same. Throws {@link TrustError} `not_authorized`.
   */
  certifyWhereDue(subject: Subject): Chain {
    const { id, name, role } = subject;
    const held = this.isMember(id) ? this.roster.get(id) : undefined;
    const isGoodEnough = held?.name === name && held.role === role &&
      (!this.#isDue(held) || this.#longestEndMs < held.notAfterMs);
    return isGoodEnough && this.roster.chainOf(held) || this.certify(subject);
  }

  /**
   * Makes `subject` a member, or renews it. Throws {@link TrustError} `not_authorized` when that is not ours
   * to do.
   */
  certify(subject: Subject): Chain {
    this.checkMayCertify(subject.role);
    const issuer = this.#issuer();
    const wallMs = this.#options.wallMs();
    // Newer than whatever there is of the same node, by clocks that may disagree: it is meant to hold.
    const revokedMs = this.roster.revocationOf(subject.id)?.atMs ?? 0;
    const heldMs = this.roster.get(subject.id)?.issuedAtMs ?? 0;
    const issuedMs = Math.max(wallMs, this.certificate.issuedAtMs, revokedMs + 1, heldMs + 1);
    const leaf = signCertificate(
      {
        ...subject,
        network: this.network.id,
        notAfterMs: Math.min(issuedMs + CERTIFICATE_LIFETIME_MS, this.#longestEndMs),
      },
      issuer,
      issuedMs,
    );
    const chain: Chain = this.isFounder ? [leaf] : [leaf, this.certificate];
    this.roster.keep(chain);
    return chain;
  }

  /**
   * Revokes `id`, and certifies anew whom it had certified. Throws {@link TrustError} `not_authorized`;
   * `RangeError` for ourselves or a roster that is full.
   */
  revoke(
    id: PeerId,
  ): { readonly revocation: Revocation; readonly renewed: readonly Certificate[] } {
    if (id === this.#options.id) {
      throw new TrustError("not_authorized", "Cannot revoke this device itself: use hamlet leave");
    }
    const issuer = this.#issuer();
    const target = this.roster.get(id);
    if (target?.role === "admin" && !this.isFounder) {
      throw new TrustError(
        "not_authorized",
        "Cannot revoke an admin: only the device that founded the network can",
      );
    }
    const atMs = Math.max(this.#options.wallMs(), target?.issuedAtMs ?? 0);
    const revocation = signRevocation({ network: this.network.id, id, atMs }, issuer);
    const orphans = this.roster.certificates()
      .filter((leaf) => leaf.issuer === id && this.isMember(leaf.id));
    if (!this.roster.revoke(revocation)) {
      throw new RangeError("Cannot revoke: it is revoked already, or the list is full");
    }
    const renewed = orphans.map((leaf) => this.certify(leaf)[0]);
    return { revocation, renewed };
  }

  /** Sets a new secret; what the other members are to be told. Throws {@link TrustError}. */
  rotateSecret(): JsonObject {
    return this.secrets.rotate(this.#issuer(), this.#options.wallMs(), (id) => this.wasRemoved(id));
  }

  /** Takes a secret that a member passed on; `true` when it is news. */
  learnSecret(value: unknown): boolean {
    return this.secrets.learn(value, {
      isAdmin: (id) => this.isMember(id) && this.roster.get(id)?.role === "admin",
      wasRemoved: (id) => this.wasRemoved(id),
    });
  }

  /** Our own word that we are no longer in the network. */
  resign(): Revocation {
    const { id, signer, wallMs } = this.#options;
    const atMs = Math.max(wallMs(), this.certificate.issuedAtMs);
    return signRevocation({ network: this.network.id, id, atMs }, { name: id, signer });
  }

  #recognise(id: PeerId, proof: string | undefined): Certificate {
    if (proof === undefined) {
      throw new TrustError("not_a_member", "Cannot accept peer: it belongs to no network");
    }
    const chain = openProof(this.#proofKey, proof);
    try {
      if (chain[0].id !== id) {
        throw new TrustError("bad_certificate", "Cannot accept peer: its certificate is another's");
      }
      this.roster.check(chain, this.#options.wallMs());
      this.roster.keep(chain);
      return chain[0];
    } catch (error) {
      // It may have been certified anew without knowing it yet.
      const held = this.isMember(id) ? this.roster.get(id) : undefined;
      if (held && error instanceof TrustError) return held;
      throw error;
    }
  }

  #isDue({ issuedAtMs, notAfterMs }: Certificate): boolean {
    return this.#options.wallMs() >= issuedAtMs + (notAfterMs - issuedAtMs) * RENEW_AFTER;
  }

  /** Until when what we sign can be good: an admin's word does not outlive its own certificate. */
  get #longestEndMs(): number {
    return this.isFounder ? Infinity : this.certificate.notAfterMs;
  }

  #issuer(): Issuer {
    const { id, signer, authority } = this.#options;
    if (authority) return { name: this.network.id, signer: authority };
    const isAdmin = this.certificate.role === "admin";
    if (isAdmin && this.isMember(id)) return { name: id, signer };
    throw new TrustError(
      "not_authorized",
      isAdmin
        ? "Cannot do it: this admin's certificate has expired or was revoked"
        : "Cannot do it: only admins may, and this device is a member; see who is one: hamlet members",
    );
  }
}
