/**
 * What members tell each other of their network: certificates and revocations, as the messages NETWORK_STATE
 * that carry them (PROTOCOL.md section 8).
 */

import type { JsonObject } from "../base/guards.ts";
import type { Certificate } from "../trust/certificate.ts";
import type { Revocation } from "../trust/revocation.ts";

/** What there is to tell; it travels as it was signed. */
export interface NetworkState {
  readonly certificates: readonly Certificate[];
  readonly revocations: readonly Revocation[];
}

/** Entries of one message: 64 of the longest certificates fit into one record. */
export const MAX_ENTRIES = 64;

/**
 * As messages that each fit into one record, certificates first: whom a revocation would take along, and who was
 * certified anew, must not be cut off in between.
 */
export function* inPieces(state: NetworkState): Iterable<JsonObject> {
  const certificates = state.certificates.map(({ signed }) => signed);
  const revocations = state.revocations.map(({ signed }) => signed);
  for (let i = 0; i < certificates.length; i += MAX_ENTRIES) {
    yield { certificates: certificates.slice(i, i + MAX_ENTRIES), revocations: [] };
  }
  for (let i = 0; i < revocations.length; i += MAX_ENTRIES) {
    yield { certificates: [], revocations: revocations.slice(i, i + MAX_ENTRIES) };
  }
}
