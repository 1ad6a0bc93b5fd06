/**
 * What a signature covers and how it is added: Ed25519 over the RFC 8785 canonical JSON of a message without
 * its `signature` (PROTOCOL.md section 3). Discovery messages and peer records are signed this way.
 */

import canonicalize from "canonicalize";
import { type Bytes, decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../base/bytes.ts";
import { FieldError, type JsonObject } from "../base/guards.ts";

/** An Ed25519 key that can sign; the noise layer's key pairs fit. */
export interface MessageSigner {
  readonly publicKey: Bytes;
  sign(message: Bytes): Bytes;
}

const SIGNATURE_BYTES = 64;

/** Checks an Ed25519 signature. */
export type VerifySignature = (publicKey: Bytes, message: Bytes, signature: Bytes) => boolean;

/**
 * The bytes that a signature covers: RFC 8785 canonical JSON of `message` without `signature`. Throws
 * `FieldError` for what has no canonical form: infinite numbers, lone surrogates.
 */
export function signedBytes(message: JsonObject): Bytes {
  const { signature: _, ...rest } = message;
  try {
    return encodeUtf8(canonicalize(rest) ?? "");
  } catch {
    throw new FieldError("invalid_field", "message", "it has no canonical form");
  }
}

/**
 * Whether `message` carries the signature of whoever holds `publicKey`, over at most `maxBytes`. Throws as {@link
 * signedBytes}.
 */
export function isSignedBy(
  publicKey: Bytes,
  message: JsonObject,
  verify: VerifySignature,
  maxBytes = Infinity,
): boolean {
  const text = message["signature"];
  const signature = typeof text === "string" ? decodeBase64Url(text, SIGNATURE_BYTES) : undefined;
  if (!signature) return false;
  const covered = signedBytes(message);
  return covered.length <= maxBytes && verify(publicKey, covered, signature);
}

/** `message` with the `signature` of `signer`. */
export function signed(message: JsonObject, signer: MessageSigner): JsonObject {
  return { ...message, signature: encodeBase64Url(signer.sign(signedBytes(message))) };
}
