/**
 * Revocations: that a node's certificates up to a moment are worth nothing any more (PROTOCOL.md section 8).
 *
 * ```
 * {"type":"REVOCATION","network":...,"node_id":...,"at":ms,"issuer":...,"signature":...}
 * ```
 *
 * The authority may revoke anybody, an admin members, and everybody itself, by leaving. A certificate issued
 * later is valid again: that is how somebody comes back.
 */

import { FieldError, Fields, isObject, type JsonObject } from "../base/guards.ts";
import { parsePeerId, type PeerId, publicKeyOf } from "../base/peer_id.ts";
import { isSignedBy, signed, type VerifySignature } from "../discovery/signature.ts";
import type { Certificate, Issuer } from "./certificate.ts";
import { authorityKeyOf, type NetworkId, parseNetworkId } from "./network_id.ts";

export interface Revocation {
  readonly network: NetworkId;
  readonly id: PeerId;
  /** Certificates issued up to then are dead; Unix ms. */
  readonly atMs: number;
  readonly issuer: NetworkId | PeerId;
  readonly signed: JsonObject;
}

const TYPE = "REVOCATION";
const KEYS = ["type", "network", "node_id", "at", "issuer", "signature"];
const MILLISECONDS = Object.freeze({ min: 0, max: 1e14 });

/** Revokes what `id` has been issued up to `atMs`. */
export function signRevocation(
  subject: Pick<Revocation, "network" | "id" | "atMs">,
  issuer: Issuer,
): Revocation {
  const { network, id } = subject;
  const atMs = Math.floor(subject.atMs);
  const body = { type: TYPE, network, node_id: id, at: atMs, issuer: issuer.name };
  return { network, id, atMs, issuer: issuer.name, signed: signed(body, issuer.signer) };
}

/** Reads a revocation and checks who signed it; `undefined` when it is malformed or forged. */
export function readRevocation(value: unknown, verify: VerifySignature): Revocation | undefined {
  if (!isObject(value) || !Object.keys(value).every((key) => KEYS.includes(key))) return undefined;
  try {
    const fields = Fields.of(value);
    const network = parseNetworkId(fields.text("network", { maxLength: 64 }));
    const id = parsePeerId(fields.text("node_id", { maxLength: 64 }));
    const issuerText = fields.text("issuer", { maxLength: 64 });
    const admin = parsePeerId(issuerText);
    const atMs = fields.integer("at", MILLISECONDS);
    if (fields.raw("type") !== TYPE || !network || !id || !admin) return undefined;
    const issuer = issuerText === network ? network : admin;
    const key = issuer === network ? authorityKeyOf(network) : publicKeyOf(admin);
    if (!isSignedBy(key, value, verify)) return undefined;
    return Object.freeze({ network, id, atMs, issuer, signed: value });
  } catch (error) {
    if (error instanceof FieldError) return undefined;
    throw error;
  }
}

/** Whether `revocation` strikes `certificate`: an admin's word counts against members only. */
export function revokes(revocation: Revocation, certificate: Certificate): boolean {
  if (revocation.id !== certificate.id || revocation.atMs < certificate.issuedAtMs) return false;
  return isSovereign(revocation) || certificate.role === "member";
}

/** Whether it was signed by the authority or by the node itself. */
export function isSovereign({ issuer, network, id }: Revocation): boolean {
  return issuer === network || issuer === id;
}
