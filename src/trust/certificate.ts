/**
 * Certificates: who belongs to a network, in which role, until when (PROTOCOL.md section 8).
 *
 * ```
 * {"type":"CERTIFICATE","network":...,"node_id":...,"name":...,"role":"member"|"admin","serial":...,
 *  "issued":ms,"not_after":ms,"issuer":...,"signature":...}
 * ```
 *
 * Ed25519 over the RFC 8785 canonical JSON without `signature`. The issuer is the network's authority, or an
 * admin, who can make members but no admins: a chain has one certificate or two.
 */

import { type Bytes, encodeHex } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { FieldError, Fields, isObject, type JsonObject } from "../base/guards.ts";
import { parsePeerId, type PeerId, publicKeyOf } from "../base/peer_id.ts";
import {
  isSignedBy,
  type MessageSigner,
  signed,
  type VerifySignature,
} from "../discovery/signature.ts";
import { randomBytes } from "../noise/primitives.ts";
import { authorityKeyOf, type NetworkId, parseNetworkId } from "./network_id.ts";

export type Role = "member" | "admin";
export const ROLES: readonly Role[] = Object.freeze(["member", "admin"]);

/** One certificate, its signature not yet checked unless it came from {@link verifyChain}. */
export interface Certificate {
  readonly network: NetworkId;
  readonly id: PeerId;
  /** What its people call the device. */
  readonly name: string;
  readonly role: Role;
  readonly serial: string;
  /** Unix ms. */
  readonly issuedAtMs: number;
  readonly notAfterMs: number;
  /** The network itself, or the admin that signed. */
  readonly issuer: NetworkId | PeerId;
  /** As it was signed, to be passed on unchanged. */
  readonly signed: JsonObject;
}

/** A certificate and, where no authority signed it, that of the admin who did. */
export type Chain = readonly [leaf: Certificate, issuer?: Certificate];

const TRUST_CODES = [
  "not_a_member",
  "foreign_network",
  "bad_certificate",
  "certificate_expired",
  "revoked",
  "not_authorized",
  "identity_in_use",
] as const;
/** Why somebody does not belong. Stable; it crosses the wire. */
export type TrustCode = typeof TRUST_CODES[number];

export function isTrustCode(value: unknown): value is TrustCode {
  return TRUST_CODES.some((code) => code === value);
}

export class TrustError extends CodedError<TrustCode> {
  override readonly name = "TrustError";
}

/** How long a certificate lasts. It is renewed by itself long before. */
export const CERTIFICATE_LIFETIME_MS = 180 * 86_400_000;
export const MAX_NAME_LENGTH = 32;

const TYPE = "CERTIFICATE";
const KEYS = [
  ...["type", "network", "node_id", "name", "role", "serial"],
  ...["issued", "not_after", "issuer", "signature"],
];
const SERIAL_BYTES = 8;
const MILLISECONDS = Object.freeze({ min: 0, max: 1e14 });

/** Whoever may sign: the authority itself, or an admin by its own key. */
export interface Issuer {
  readonly name: NetworkId | PeerId;
  readonly signer: MessageSigner;
}

/** Signs a certificate of `subject`. */
export function signCertificate(
  subject: Pick<Certificate, "network" | "id" | "name" | "role" | "notAfterMs">,
  issuer: Issuer,
  wallMs: number,
): Certificate {
  const serial = encodeHex(randomBytes(SERIAL_BYTES));
  const issuedAtMs = Math.floor(wallMs);
  const notAfterMs = Math.floor(subject.notAfterMs);
  const body = {
    type: TYPE,
    network: subject.network,
    node_id: subject.id,
    name: subject.name,
    role: subject.role,
    serial,
    issued: issuedAtMs,
    not_after: notAfterMs,
    issuer: issuer.name,
  };
  return {
    ...subject,
    serial,
    issuedAtMs,
    notAfterMs,
    issuer: issuer.name,
    signed: signed(body, issuer.signer),
  };
}

/** Reads a certificate without checking its signature. Throws {@link TrustError} `bad_certificate`. */
export function readCertificate(value: unknown): Certificate {
  try {
    if (!isObject(value) || !Object.keys(value).every((key) => KEYS.includes(key))) {
      throw bad("it is no certificate");
    }
    const fields = Fields.of(value);
    const network = parseNetworkId(fields.text("network", { maxLength: 64 }));
    const id = parsePeerId(fields.text("node_id", { maxLength: 64 }));
    const issuer = fields.text("issuer", { maxLength: 64 });
    const admin = parsePeerId(issuer);
    if (fields.raw("type") !== TYPE || !network || !id || !admin) {
      throw bad("it is no certificate");
    }
    return Object.freeze({
      network,
      id,
      name: fields.text("name", { maxLength: MAX_NAME_LENGTH }),
      role: fields.oneOf("role", ROLES),
      serial: fields.text("serial", { maxLength: 2 * SERIAL_BYTES, minLength: 2 * SERIAL_BYTES }),
      issuedAtMs: fields.integer("issued", MILLISECONDS),
      notAfterMs: fields.integer("not_after", MILLISECONDS),
      issuer: issuer === network ? network : admin,
      signed: value,
    });
  } catch (error) {
    if (error instanceof FieldError) throw bad(error.message, error);
    throw error;
  }
}

/**
 * Checks a chain of `network` at `wallMs`: signatures, roles, time. Throws {@link TrustError}
 * `foreign_network`, `bad_certificate` or `certificate_expired`.
 */
export function verifyChain(
  [leaf, issuer]: Chain,
  network: NetworkId,
  options: { readonly verify: VerifySignature; readonly wallMs: number },
): void {
  if (leaf.network !== network) {
    throw new TrustError("foreign_network", "Cannot accept certificate: it is of another network");
  }
  if (leaf.issuer === network) {
    // Whoever checks a chain keeps all of it: nothing may come along unchecked.
    if (issuer) throw bad("the authority signed it, and it comes with another's");
    checkSignature(leaf, authorityKeyOf(network), options.verify);
  } else {
    const isAdmin = issuer?.network === network && issuer.id === leaf.issuer &&
      issuer.role === "admin" && issuer.issuer === network;
    if (!isAdmin) throw bad("no admin of the network signed it");
    if (leaf.role !== "member") throw bad("only the authority makes admins");
    checkSignature(issuer, authorityKeyOf(network), options.verify);
    checkSignature(leaf, publicKeyOf(issuer.id), options.verify);
  }
  const notAfterMs = Math.min(leaf.notAfterMs, issuer?.notAfterMs ?? Infinity);
  // Dated ahead it would outlive its revocation.
  if (leaf.issuedAtMs > notAfterMs) throw bad("it was issued after its end");
  if (options.wallMs <= notAfterMs) return;
  const day = new Date(notAfterMs).toISOString().slice(0, 10);
  throw new TrustError(
    "certificate_expired",
    `Cannot accept certificate: it was valid until ${day}; ask an admin for a new invitation`,
  );
}

function checkSignature(certificate: Certificate, key: Bytes, verify: VerifySignature): void {
  if (!isSignedBy(key, certificate.signed, verify)) throw bad("its signature does not verify");
}

function bad(reason: string, cause?: unknown): TrustError {
  return new TrustError("bad_certificate", `Cannot accept certificate: ${reason}`, { cause });
}
