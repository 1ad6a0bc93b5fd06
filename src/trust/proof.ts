/**
 * The proof of membership: the certificates that a node shows of itself in a handshake, sealed under a key that
 * every member knows and no stranger (PROTOCOL.md section 8).
 *
 * ```
 * base64url of  nonce 24 | [own certificate, its issuer's?] as JSON | tag 16
 * ```
 */

import { type Bytes, decodeUtf8, encodeBase64Url, encodeUtf8 } from "../base/bytes.ts";
import { openBox, sealBox } from "../noise/secret_box.ts";
import { type Chain, readCertificate, TrustError } from "./certificate.ts";

/** Two of the longest certificates. */
export const MAX_PROOF_LENGTH = 2_800;

export function sealProof(key: Bytes, chain: Chain): string {
  const certificates = chain.flatMap((each) => each ? [each.signed] : []);
  return encodeBase64Url(sealBox(key, encodeUtf8(JSON.stringify(certificates))));
}

/** Opens a proof; nothing in it is checked yet. Throws {@link TrustError} `foreign_network`, `bad_certificate`. */
export function openProof(key: Bytes, proof: string): Chain {
  const box = proof.length > MAX_PROOF_LENGTH ? undefined : decodeProof(proof);
  const plaintext = box && openBox(key, box);
  if (!plaintext) {
    throw new TrustError("foreign_network", "Cannot accept peer: it belongs to another network");
  }
  return parseChain(parseJson(plaintext));
}

/** Reads a chain from its certificates. Throws {@link TrustError} `bad_certificate`. */
export function parseChain(value: unknown): Chain {
  if (!Array.isArray(value) || value.length < 1 || value.length > 2) {
    throw new TrustError("bad_certificate", "Cannot accept certificate: expected one or two");
  }
  const leaf = readCertificate(value[0]);
  return value.length === 1 ? [leaf] : [leaf, readCertificate(value[1])];
}

function parseJson(bytes: Bytes): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch (error) {
    throw new TrustError("bad_certificate", "Cannot accept certificate: it is not JSON", {
      cause: error,
    });
  }
}

function decodeProof(text: string): Bytes | undefined {
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    // Not base64url: it is nobody's proof.
    return undefined;
  }
}
