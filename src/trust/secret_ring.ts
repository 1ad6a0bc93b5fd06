/**
 * The network's secret, and those before it: whoever revokes a device also changes the secret, so that what is
 * published from then on is legible to those who remain.
 *
 * ```
 * {"type":"NETWORK_SECRET","network":...,"secret":...,"at":ms,"issuer":...,"signature":...}
 * ```
 *
 * It travels in sealed sessions between members alone. The latest `at` wins, but a revoked admin's word gives way
 * to anybody's. Former secrets are kept for finding
 * members who were away meanwhile and still publish under them.
 */

import { type Bytes, decodeBase64Url, encodeBase64Url, equalBytes } from "../base/bytes.ts";
import { FieldError, Fields, isObject, type JsonObject } from "../base/guards.ts";
import { parsePeerId, type PeerId, publicKeyOf } from "../base/peer_id.ts";
import { isSignedBy, signed, type VerifySignature } from "../discovery/signature.ts";
import { randomBytes } from "../noise/primitives.ts";
import type { Issuer } from "./certificate.ts";
import { authorityKeyOf, type NetworkId } from "./network_id.ts";

export const NETWORK_SECRET_BYTES = 32;
/** Former secrets kept: each costs the members a lookup in the DHT. */
export const MAX_FORMER_SECRETS = 2;

const TYPE = "NETWORK_SECRET";
const KEYS = ["type", "network", "secret", "at", "issuer", "signature"];
const MILLISECONDS = Object.freeze({ min: 0, max: 1e14 });

/** What is kept of a ring across restarts. */
export interface StoredSecrets {
  readonly secret: Bytes;
  readonly former: readonly Bytes[];
  /** Who set the present one, as it was signed; `undefined` for the one it was founded with. */
  readonly record: JsonObject | undefined;
}

/** What the roster says of whoever sets a secret. */
export interface SecretJudges {
  /** Whether it may set one, besides the authority. */
  isAdmin(id: PeerId): boolean;
  /** Whether it was revoked. */
  wasRemoved(id: PeerId): boolean;
}

/** When a secret was set, and by whom; its signature is not checked. Throws `FieldError`. */
export function originOf(record: JsonObject): { readonly atMs: number; readonly issuer: string } {
  const fields = Fields.of(record);
  return {
    atMs: fields.integer("at", MILLISECONDS),
    issuer: fields.text("issuer", { maxLength: 64 }),
  };
}

export class SecretRing {
  readonly #network: NetworkId;
  readonly #verify: VerifySignature;
  #stored: StoredSecrets;
  /** When the present secret was set, and by whom. */
  #atMs: number;
  #issuer: string | undefined;

  constructor(network: NetworkId, verify: VerifySignature, stored: StoredSecrets) {
    this.#network = network;
    this.#verify = verify;
    this.#stored = stored;
    const origin = stored.record && originOf(stored.record);
    this.#atMs = origin?.atMs ?? 0;
    this.#issuer = origin?.issuer;
  }

  get stored(): StoredSecrets {
    return this.#stored;
  }

  get current(): Bytes {
    return this.#stored.secret;
  }

  /** The present secret, then the former ones, the latest first. */
  get all(): readonly [Bytes, ...Bytes[]] {
    return [this.#stored.secret, ...this.#stored.former];
  }

  /** Sets a new secret; what the other members are to be told. `wasRemoved` as in {@link learn}. */
  rotate(issuer: Issuer, wallMs: number, wasRemoved: SecretJudges["wasRemoved"]): JsonObject {
    const secret = randomBytes(NETWORK_SECRET_BYTES);
    const afterMs = this.#isVoid(wasRemoved) ? 0 : this.#atMs + 1;
    const atMs = Math.min(Math.max(Math.floor(wallMs), afterMs), MILLISECONDS.max);
    const record = signed({
      type: TYPE,
      network: this.#network,
      secret: encodeBase64Url(secret),
      at: atMs,
      issuer: issuer.name,
    }, issuer.signer);
    this.#set(secret, { atMs, issuer: issuer.name, record });
    return record;
  }

  /** Takes a secret that a member passed on; `true` when it is news. */
  learn(value: unknown, { isAdmin, wasRemoved }: SecretJudges): boolean {
    if (!isObject(value) || !Object.keys(value).every((key) => KEYS.includes(key))) return false;
    try {
      const fields = Fields.of(value);
      const secret = decodeBase64Url(
        fields.text("secret", { maxLength: 64 }),
        NETWORK_SECRET_BYTES,
      );
      const { atMs, issuer } = originOf(value);
      const isOurs = fields.raw("type") === TYPE && fields.raw("network") === this.#network;
      if (!isOurs || !secret) return false;
      if (!this.#isLater(atMs, secret) && !this.#isVoid(wasRemoved)) return false;
      const key = this.#keyOf(issuer, isAdmin);
      if (!key || !isSignedBy(key, value, this.#verify)) return false;
      this.#set(secret, { atMs, issuer, record: value });
      return true;
    } catch (error) {
      if (error instanceof FieldError) return false;
      throw error;
    }
  }

  /** Whether who set the present secret was removed since. */
  #isVoid(wasRemoved: SecretJudges["wasRemoved"]): boolean {
    const id = this.#issuer === undefined ? undefined : parsePeerId(this.#issuer);
    return id !== undefined && this.#issuer !== this.#network && wasRemoved(id);
  }

  /** Of two secrets set in the same millisecond all members take the same. */
  #isLater(atMs: number, secret: Bytes): boolean {
    if (atMs !== this.#atMs) return atMs > this.#atMs;
    return encodeBase64Url(secret) > encodeBase64Url(this.#stored.secret);
  }

  #keyOf(issuer: string, isAdmin: SecretJudges["isAdmin"]): Bytes | undefined {
    if (issuer === this.#network) return authorityKeyOf(this.#network);
    const id = parsePeerId(issuer);
    return id && isAdmin(id) ? publicKeyOf(id) : undefined;
  }

  #set(
    secret: Bytes,
    by: { readonly atMs: number; readonly issuer: string; readonly record: JsonObject },
  ): void {
    const former = this.all.filter((each) => !equalBytes(each, secret));
    this.#stored = { secret, former: former.slice(0, MAX_FORMER_SECRETS), record: by.record };
    this.#atMs = by.atMs;
    this.#issuer = by.issuer;
  }
}
