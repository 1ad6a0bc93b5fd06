/**
 * Our own record: what we say of ourselves, and when we must say it anew (SWIM section 4.2).
 *
 * Each new word has a higher incarnation than the last, so that it counts everywhere. We speak again when something
 * about us has changed, when others hold what we said in a former life, and when somebody believes us gone. Of the last
 * anybody may accuse us in one message a thousand times over; it gets one answer, a signature, each {@link REFUTE_MS}.
 */

import type { PeerId } from "../base/peer_id.ts";
import type { MessageSigner } from "../discovery/signature.ts";
import { type Address, formatAddress } from "../net/address.ts";
import type { IdCodec } from "./id_codec.ts";
import {
  MAX_INCARNATION,
  type MemberRecord,
  type RecordStatus,
  signMemberRecord,
  tellable,
} from "./member_record.ts";
import type { ProbeProfile } from "./probe_profile.ts";

export interface OwnRecordHost {
  readonly id: PeerId;
  readonly signer: MessageSigner;
  readonly ids: IdCodec;
  /** Both are asked anew each time. */
  readonly profile: () => ProbeProfile;
  addresses(): readonly Address[];
}

/** Between a new record and the next refutation: sooner an honest accuser can hardly have heard of the record. */
export const REFUTE_MS = 100;

export class OwnRecord {
  readonly #host: OwnRecordHost;
  #record: MemberRecord;
  #signedMs = -Infinity;
  #refuteDueMs = Infinity;

  constructor(host: OwnRecordHost) {
    this.#host = host;
    this.#record = this.#sign(0, "alive");
  }

  /** As it was said last. */
  get record(): MemberRecord {
    return this.#record;
  }

  /** When we must refute that we are gone, monotonic ms; Infinity when nobody believes it. */
  get deadlineMs(): number {
    return this.#refuteDueMs;
  }

  /** Whether what we said last is not so any more. */
  get isOutdated(): boolean {
    const { pace, addresses } = this.#record;
    const now = this.#now();
    return describe(now.pace, now.addresses) !== describe(pace, addresses);
  }

  /** Says that we are `status`, above incarnation `above` and above all that we said; `false` when there is no higher. */
  raise(above: number, status: RecordStatus, nowMs: number): boolean {
    this.#refuteDueMs = Infinity;
    const highest = Math.max(above, this.#record.incarnation);
    if (highest >= MAX_INCARNATION) return false;
    this.#record = this.#sign(highest + 1, status);
    this.#signedMs = nowMs;
    return true;
  }

  /** Somebody believes us gone: it is to be refuted at {@link deadlineMs}, unless we have said so ourselves. */
  accuse(incarnation: number, nowMs: number): void {
    if (incarnation !== this.#record.incarnation || this.#record.status !== "alive") return;
    const soonestMs = Math.max(nowMs, this.#signedMs + REFUTE_MS);
    this.#refuteDueMs = Math.min(this.#refuteDueMs, soonestMs);
  }

  #now(): Pick<MemberRecord, "pace" | "addresses"> {
    const { profile, addresses } = this.#host;
    return { pace: profile().pace, addresses: tellable(addresses()) };
  }

  #sign(incarnation: number, status: RecordStatus): MemberRecord {
    const { id, signer, ids } = this.#host;
    return signMemberRecord({ id, incarnation, status, ...this.#now() }, signer, ids);
  }
}

function describe(pace: string, addresses: readonly Address[]): string {
  return [pace, ...addresses.map(formatAddress)].join();
}
