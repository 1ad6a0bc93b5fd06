/**
 * JSON discovery messages, 1.0 and 1.1: their schema, read from untrusted bytes and written for any
 * node, old or new (PROTOCOL.md section 3).
 *
 * 1.1 adds keys that a 1.0 node ignores: `protocols`, `public_key`, `nonce`, `signature`, `reply_to`. A
 * signature is Ed25519 over the RFC 8785 canonical JSON of the message without `signature`.
 */

import {
  type Bytes,
  decodeBase64Url,
  decodeUtf8,
  encodeBase64Url,
  encodeUtf8,
  equalBytes,
} from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { FieldError, Fields, isObject, isShallow, type JsonObject } from "../base/guards.ts";
import { parsePeerId, type PeerId, publicKeyOf } from "../base/peer_id.ts";
import { type Capabilities, readCapabilities, writeCapabilities } from "./capabilities.ts";
import { type MessageSigner, signed, signedBytes, type VerifySignature } from "./signature.ts";

/** Why a message was not accepted; the same word is the `code` of the ERROR reply. */
export type DiscoveryErrorCode =
  | "malformed_json"
  | "missing_field"
  | "invalid_field"
  | "unsupported_type"
  | "bad_signature"
  | "stale_timestamp"
  | "identity_mismatch"
  | "legacy_disabled"
  | "rate_limited";

export class DiscoveryError extends CodedError<DiscoveryErrorCode> {
  override readonly name = "DiscoveryError";
}

/** What we say of ourselves in a request or a reply. */
export interface SelfDescription {
  readonly id: PeerId;
  readonly listenPort: number;
  readonly capabilities: Capabilities;
  readonly status: "starting" | "active" | "resource_constrained";
}

/** A peer that a message told us of. */
export interface DiscoveredPeer {
  /** A {@link PeerId} when `trust` is `authenticated`, else whatever the peer calls itself. */
  readonly id: string;
  readonly trust: "authenticated" | "unverified";
  /** Where it listens, on the host it spoke from; `undefined` when it did not say. */
  readonly listenPort: number | undefined;
  readonly capabilities: Capabilities;
  /** Whether it says it speaks `sealed/1`. */
  readonly speaksSealed: boolean;
  /** When it signed, by its own clock, Unix ms; 0 when it did not sign. */
  readonly signedAtMs: number;
}

/** A valid request: who asks, if anyone, and what to sign back. */
export interface DiscoveryRequest {
  readonly peer: DiscoveredPeer | undefined;
  /** The nonce that a signed reply repeats as `reply_to`. */
  readonly nonce: string | undefined;
}

/** What we speak, in the `protocols` list. */
export const PROTOCOLS: readonly string[] = Object.freeze(["json/1.0", "json/1.1", "sealed/1"]);
const SEALED_PROTOCOL = "sealed/1";

export const REQUEST_TYPE = "PEER_DISCOVERY";
export const REPLY_TYPE = "PEER_DISCOVERY_RESPONSE";
export const ERROR_TYPE = "ERROR";

/** How far a signed timestamp may be from our clock, either way. */
export const FRESHNESS_MS = 300_000;
/** Length of a nonce. */
export const NONCE_BYTES = 16;
/** A free-form id longer than this is refused: twice a UUID with room for a prefix. */
const MAX_ID_LENGTH = 128;
const MAX_DEPTH = 8;
const PORT = Object.freeze({ min: 1, max: 65_535 });
const SIGNATURE_BYTES = 64;
const KEY_BYTES = 32;
/** Unix seconds until the year 5138. Unsigned ones are checked for being a time, not for being now. */
const SECONDS = Object.freeze({ min: 0, max: 1e11 });

/** Parses a JSON payload into an object. Throws {@link DiscoveryError} `malformed_json`. */
export function parseMessage(payload: Bytes): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(payload));
  } catch (error) {
    throw new DiscoveryError("malformed_json", "Cannot read message: it is not JSON in UTF-8", {
      cause: error,
    });
  }
  if (!isObject(value)) {
    throw new DiscoveryError("malformed_json", "Cannot read message: expected a JSON object");
  }
  if (!isShallow(value, MAX_DEPTH)) {
    throw new DiscoveryError(
      "malformed_json",
      `Cannot read message: it nests deeper than ${MAX_DEPTH} levels`,
    );
  }
  return value;
}

/** The message's `type`. Throws {@link DiscoveryError} when there is none. */
export function typeOf(message: JsonObject): string {
  return guarded(() => Fields.of(message).text("type", { maxLength: 64 }));
}

/** Reads a request. Throws {@link DiscoveryError}; nothing of a refused request is believed. */
export function readRequest(
  message: JsonObject,
  options: { readonly verify: VerifySignature; readonly wallMs: number },
): DiscoveryRequest {
  return guarded(() => {
    const fields = Fields.of(message);
    const id = fields.has("sender_id")
      ? fields.text("sender_id", { maxLength: MAX_ID_LENGTH })
      : undefined;
    const common = readCommon(fields, "sender_port");
    const signedAtMs = fields.number("timestamp", { ...SECONDS, absent: 0 }) * 1000;
    const nonce = readNonce(fields, "nonce");
    if (!fields.has("signature")) {
      const peer = id === undefined
        ? undefined
        : { ...common, id, trust: "unverified" as const, signedAtMs: 0 };
      return { peer, nonce };
    }
    if (id === undefined) throw new FieldError("missing_field", "sender_id", "signed without it");
    if (nonce === undefined) throw new FieldError("missing_field", "nonce", "signed without it");
    checkFresh(signedAtMs, options.wallMs);
    const authentic = authenticate(message, fields, id, options.verify);
    return { peer: { ...common, id: authentic, trust: "authenticated", signedAtMs }, nonce };
  });
}

/**
 * Reads a reply to the request that carried `nonce`. An unsigned reply is an old node's; a signed one
 * must sign our nonce back. Throws {@link DiscoveryError}.
 */
export function readReply(
  message: JsonObject,
  options: { readonly verify: VerifySignature; readonly nonce: string; readonly wallMs: number },
): DiscoveredPeer {
  return guarded(() => {
    const fields = Fields.of(message);
    if (fields.raw("type") !== REPLY_TYPE) {
      throw new DiscoveryError("unsupported_type", `Cannot accept reply: it is no ${REPLY_TYPE}`);
    }
    const key = fields.has("node_id") || !fields.has("sender_id") ? "node_id" : "sender_id";
    const id = fields.text(key, { maxLength: MAX_ID_LENGTH });
    if (fields.has("sender_id") && fields.raw("sender_id") !== id) throw mismatch();
    const common = readCommon(fields, "listen_port");
    if (!fields.has("signature")) return { ...common, id, trust: "unverified", signedAtMs: 0 };
    if (fields.raw("reply_to") !== options.nonce) {
      throw new DiscoveryError("bad_signature", "Cannot accept reply: it does not sign our nonce");
    }
    const signedAtMs = fields.number("timestamp", { ...SECONDS, absent: 0 }) * 1000;
    // Our nonce proves freshness; a false clock would make the registry take later news for replays.
    if (signedAtMs > 0) checkFresh(signedAtMs, options.wallMs);
    const authentic = authenticate(message, fields, id, options.verify);
    return { ...common, id: authentic, trust: "authenticated", signedAtMs };
  });
}

/** A signed request, in the order in which people read it. */
export function writeRequest(
  self: SelfDescription,
  signer: MessageSigner,
  options: { readonly nonce: string; readonly wallMs: number },
): JsonObject {
  return signed({
    type: REQUEST_TYPE,
    sender_id: self.id,
    sender_port: self.listenPort,
    timestamp: options.wallMs / 1000,
    capabilities: writeCapabilities(self.capabilities, self.id),
    protocols: PROTOCOLS,
    public_key: encodeBase64Url(signer.publicKey),
    nonce: options.nonce,
  }, signer);
}

/**
 * A reply that old and new nodes understand: both `sender_id` and `node_id`. It is signed when the
 * request brought a nonce; without one a signature would prove nothing.
 */
export function writeReply(
  self: SelfDescription,
  signer: MessageSigner,
  options: { readonly replyTo: string | undefined; readonly wallMs: number },
): JsonObject {
  const reply = {
    type: REPLY_TYPE,
    sender_id: self.id,
    node_id: self.id,
    listen_port: self.listenPort,
    capabilities: writeCapabilities(self.capabilities, self.id),
    status: self.status,
    protocol_version: options.replyTo === undefined ? "1.0" : "1.1",
    protocols: PROTOCOLS,
    public_key: encodeBase64Url(signer.publicKey),
  };
  if (options.replyTo === undefined) return reply;
  return signed(
    { ...reply, reply_to: options.replyTo, timestamp: options.wallMs / 1000 },
    signer,
  );
}

/** An error reply. It has no `sender_id`: old nodes would register its sender as a peer. */
export function writeError(
  code: string,
  message: string,
  more: Readonly<Record<string, number>> = {},
): JsonObject {
  return { type: ERROR_TYPE, code, message, ...more };
}

/** The bytes of a JSON message. */
export function encodeMessage(message: JsonObject): Bytes {
  return encodeUtf8(JSON.stringify(message));
}

/** A fresh nonce's text. `random` are {@link NONCE_BYTES} bytes from the system generator. */
export function nonceText(random: Bytes): string {
  return encodeBase64Url(random);
}

function readCommon(fields: Fields, portKey: string) {
  const protocols = fields.texts("protocols", { maxItems: 16, maxLength: 32, absent: [] });
  return {
    listenPort: fields.has(portKey) ? fields.integer(portKey, PORT) : undefined,
    capabilities: readCapabilities(fields.object("capabilities", { absent: {} }), {
      withLoad: false,
    }),
    speaksSealed: protocols.includes(SEALED_PROTOCOL),
  };
}

function readNonce(fields: Fields, key: string): string | undefined {
  if (!fields.has(key)) return undefined;
  const text = fields.text(key, { maxLength: 64 });
  if (!decodeBase64Url(text, NONCE_BYTES)) {
    throw new FieldError("invalid_field", key, `expected ${NONCE_BYTES} bytes in base64url`);
  }
  return text;
}

function checkFresh(signedAtMs: number, wallMs: number): void {
  if (Math.abs(signedAtMs - wallMs) <= FRESHNESS_MS) return;
  throw new DiscoveryError(
    "stale_timestamp",
    `Cannot accept message: its timestamp is more than ${FRESHNESS_MS / 1000} s from our clock`,
  );
}

/** Proves that the key which `id` spells signed `message`; returns the id as a {@link PeerId}. */
function authenticate(
  message: JsonObject,
  fields: Fields,
  id: string,
  verify: VerifySignature,
): PeerId {
  const publicKey = readKey(fields, "public_key", KEY_BYTES);
  const signature = readKey(fields, "signature", SIGNATURE_BYTES);
  const peerId = parsePeerId(id);
  if (!peerId || !equalBytes(publicKeyOf(peerId), publicKey)) throw mismatch();
  if (!verify(publicKey, signedBytes(message), signature)) {
    throw new DiscoveryError(
      "bad_signature",
      "Cannot accept message: its signature does not verify",
    );
  }
  return peerId;
}

function readKey(fields: Fields, key: string, length: number): Bytes {
  const bytes = decodeBase64Url(fields.text(key, { maxLength: 128 }), length);
  if (!bytes) throw new FieldError("invalid_field", key, `expected ${length} bytes in base64url`);
  return bytes;
}

function mismatch(): DiscoveryError {
  return new DiscoveryError(
    "identity_mismatch",
    "Cannot accept message: the ids and the public key do not belong together",
  );
}

/** Field errors become this layer's error, so that callers see one kind. */
function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FieldError) {
      throw new DiscoveryError(error.code, error.message, { cause: error });
    }
    throw error;
  }
}
