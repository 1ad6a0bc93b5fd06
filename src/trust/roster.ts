/**
 * The roster: whom a network has certified and whom it has revoked, as far as we have heard. Every member
 * keeps one; what others tell of it is checked entry by entry, so no member can invent another.
 *
 * Bounded: at most 4,096 certificates, 1,024 by one admin, the first to expire going first; at most 4,096
 * revocations, 256 of one
 * admin, where newcomers are turned away, for a revocation that was dropped would let somebody back in. Only
 * the authority's word makes others' give way, so that a full list makes nobody irrevocable.
 *
 * Nothing here asks whether a date is ahead of our clock: a board without a battery believes it is 1970, and
 * must turn away whom the network has revoked.
 */

import type { PeerId } from "../base/peer_id.ts";
import type { VerifySignature } from "../discovery/signature.ts";
import {
  type Certificate,
  type Chain,
  readCertificate,
  TrustError,
  verifyChain,
} from "./certificate.ts";
import type { NetworkId } from "./network_id.ts";
import { isSovereign, readRevocation, type Revocation, revokes } from "./revocation.ts";

export interface RosterLimits {
  readonly maxCertificates: number;
  readonly maxCertificatesOfAdmin: number;
  readonly maxRevocations: number;
  readonly maxRevocationsOfAdmin: number;
}

export const DEFAULT_ROSTER_LIMITS: RosterLimits = Object.freeze({
  maxCertificates: 4_096,
  maxCertificatesOfAdmin: 1_024,
  maxRevocations: 4_096,
  maxRevocationsOfAdmin: 256,
});

export interface RosterOptions {
  readonly network: NetworkId;
  readonly verify: VerifySignature;
  readonly limits?: RosterLimits;
}

export class Roster {
  readonly #options: RosterOptions;
  readonly #limits: RosterLimits;
  readonly #certificates = new Map<PeerId, Certificate>();
  readonly #revocations = new Map<PeerId, Revocation>();

  constructor(options: RosterOptions) {
    this.#options = options;
    this.#limits = options.limits ?? DEFAULT_ROSTER_LIMITS;
  }

  get verify(): VerifySignature {
    return this.#options.verify;
  }

  /** Every certificate, admins' first, then the latest issued: an admin's proves the others. */
  certificates(): readonly Certificate[] {
    const rank = ({ role }: Certificate) => role === "admin" ? 0 : 1;
    return [...this.#certificates.values()].sort((a, b) =>
      rank(a) - rank(b) || b.issuedAtMs - a.issuedAtMs
    );
  }

  revocations(): readonly Revocation[] {
    return [...this.#revocations.values()];
  }

  get(id: PeerId): Certificate | undefined {
    return this.#certificates.get(id);
  }

  revocationOf(id: PeerId): Revocation | undefined {
    return this.#revocations.get(id);
  }

  /** The chain that proves `leaf`; `undefined` where its issuer is not known. */
  chainOf(leaf: Certificate): Chain | undefined {
    if (leaf.issuer === this.#options.network) return [leaf];
    const issuer = this.#certificates.get(leaf.issuer as PeerId);
    return issuer?.role === "admin" ? [leaf, issuer] : undefined;
  }

  /** Whether the leaf, or the admin that signed it, was revoked. */
  isRevoked([leaf, issuer]: Chain): boolean {
    if (this.#strikes(leaf)) return true;
    if (!issuer) return false;
    const revocation = this.#revocations.get(issuer.id);
    // An admin that comes back does not bring back what it had signed before.
    const wasDead = revocation !== undefined && isSovereign(revocation) &&
      revocation.atMs >= leaf.issuedAtMs;
    return wasDead || this.#strikes(issuer);
  }

  /** Whether `id` has a certificate here that is good now; what is kept here was proved when it came. */
  isMember(id: PeerId, wallMs: number): boolean {
    const leaf = this.#certificates.get(id);
    const chain = leaf && this.chainOf(leaf);
    if (!chain || this.isRevoked(chain)) return false;
    return chain.every((each) => each === undefined || wallMs <= each.notAfterMs);
  }

  /** Throws {@link TrustError} unless `chain` holds now. */
  check(chain: Chain, wallMs: number): void {
    const { network, verify } = this.#options;
    verifyChain(chain, network, { verify, wallMs });
    if (!this.isRevoked(chain)) return;
    throw new TrustError("revoked", "Cannot accept certificate: it was revoked");
  }

  /** Keeps a chain that {@link check} has passed; `true` when it brings news. */
  keep([leaf, issuer]: Chain): boolean {
    const hasNewIssuer = issuer !== undefined && this.#keepOne(issuer);
    return this.#keepOne(leaf) || hasNewIssuer;
  }

  /** Takes a certificate that somebody passed on; the certificate when it is valid news. */
  learnCertificate(value: unknown, wallMs: number): Certificate | undefined {
    try {
      const leaf = readCertificate(value);
      const held = this.#certificates.get(leaf.id);
      if (held && held.issuedAtMs >= leaf.issuedAtMs) return undefined;
      const chain = this.chainOf(leaf);
      if (!chain) return undefined;
      this.check(chain, wallMs);
      return this.keep(chain) ? leaf : undefined;
    } catch (error) {
      if (error instanceof TrustError) return undefined;
      throw error;
    }
  }

  /** Takes a revocation that somebody passed on; the revocation when it is valid news. */
  learnRevocation(value: unknown): Revocation | undefined {
    const revocation = readRevocation(value, this.#options.verify);
    if (!revocation || !this.#mayRevoke(revocation)) return undefined;
    return this.revoke(revocation) ? revocation : undefined;
  }

  /** Takes a revocation that was learnt in an earlier run, whatever has become of its issuer since. */
  recallRevocation(value: unknown): void {
    const revocation = readRevocation(value, this.#options.verify);
    if (revocation?.network === this.#options.network) this.revoke(revocation);
  }

  /** Keeps a revocation that is known to be good; `false` when it brings no news or finds no room. */
  revoke(revocation: Revocation): boolean {
    const held = this.#revocations.get(revocation.id);
    if (held && !outranks(revocation, held)) return false;
    if (!held && !this.#hasRoomFor(revocation)) return false;
    this.#revocations.set(revocation.id, revocation);
    const leaf = this.#certificates.get(revocation.id);
    // An admin's is kept: it shows by whom others were certified, though it proves nothing any more.
    if (leaf?.role === "member" && revokes(revocation, leaf)) {
      this.#certificates.delete(revocation.id);
    }
    return true;
  }

  #strikes(certificate: Certificate): boolean {
    const revocation = this.#revocations.get(certificate.id);
    return revocation !== undefined && revokes(revocation, certificate);
  }

  #mayRevoke(revocation: Revocation): boolean {
    if (revocation.network !== this.#options.network) return false;
    if (revocation.issuer === revocation.network) return true;
    // Only whom we know as one of us has anything to leave, or anybody to revoke.
    const issuer = this.#certificates.get(revocation.issuer as PeerId);
    if (!issuer || this.#strikes(issuer)) return false;
    // Dated further ahead it would keep somebody out for ever.
    if (revocation.atMs > issuer.notAfterMs) return false;
    return revocation.issuer === revocation.id || issuer.role === "admin";
  }

  #hasRoomFor({ issuer }: Revocation): boolean {
    const { maxRevocations, maxRevocationsOfAdmin } = this.#limits;
    const isFull = this.#revocations.size >= maxRevocations;
    if (issuer === this.#options.network) return !isFull || this.#dropRevocation();
    if (isFull) return false;
    let count = 0;
    for (const held of this.#revocations.values()) if (held.issuer === issuer) count++;
    return count < maxRevocationsOfAdmin;
  }

  /** Drops what weighs least: somebody's own leaving, then an admin's word; the authority's stands. */
  #dropRevocation(): boolean {
    const { network } = this.#options;
    const others = this.revocations().filter(({ issuer }) => issuer !== network);
    const least = others.find(({ issuer, id }) => issuer === id) ?? others[0];
    return least !== undefined && this.#revocations.delete(least.id);
  }

  #keepOne(certificate: Certificate): boolean {
    const held = this.#certificates.get(certificate.id);
    if (held && held.issuedAtMs >= certificate.issuedAtMs) return false;
    if (held && this.#isDemotion(held, certificate)) return false;
    this.#certificates.set(certificate.id, certificate);
    this.#makeRoom(certificate.issuer);
    return true;
  }

  /** What the authority made an admin, no other admin makes a member, as long as it is one. */
  #isDemotion(held: Certificate, news: Certificate): boolean {
    if (held.role !== "admin" || news.issuer === this.#options.network) return false;
    return !this.#strikes(held) && news.issuedAtMs <= held.notAfterMs;
  }

  /** Past the caps the one that expires first goes: an admin's inventions displace its own alone. */
  #makeRoom(issuer: Certificate["issuer"]): void {
    const { maxCertificates, maxCertificatesOfAdmin } = this.#limits;
    if (issuer !== this.#options.network) {
      this.#evictBeyond(maxCertificatesOfAdmin, (each) => each.issuer === issuer);
    }
    this.#evictBeyond(maxCertificates, () => true);
  }

  #evictBeyond(max: number, isCounted: (certificate: Certificate) => boolean): void {
    if (this.#certificates.size <= max) return;
    const counted = [...this.#certificates.values()].filter(isCounted);
    if (counted.length <= max) return;
    const members = counted.filter(({ role }) => role === "member");
    const first = members.toSorted((a, b) => a.notAfterMs - b.notAfterMs)[0];
    if (first) this.#certificates.delete(first.id);
  }
}

/** The authority's word, or the node's own, before an admin's; then the later one. */
function outranks(news: Revocation, held: Revocation): boolean {
  if (isSovereign(news) !== isSovereign(held)) return isSovereign(news);
  return news.atMs > held.atMs;
}
