/**
 * The byte bounds of PROTOCOL.md sections 1, 2 and 5. They are part of the protocol, so they are
 * constants, not options.
 */

/** `length u32` in front of every payload. */
export const LENGTH_BYTES = 4;
/** The largest payload of any frame. */
export const MAX_PAYLOAD_BYTES = 1_048_576;
/** The largest JSON payload before authentication. */
export const MAX_JSON_BYTES = 65_536;
/** The largest handshake payload. */
export const MAX_HANDSHAKE_BYTES = 4_096;
/** `F9` in front of the ciphertext of every record. */
export const RECORD_HEADER_BYTES = 1;
/** Poly1305's tag. */
export const TAG_BYTES = 16;
/** The largest ciphertext and tag of a record: Noise's message limit. */
export const MAX_CIPHERTEXT_BYTES = 65_535;
/** The largest plaintext of a record. */
export const MAX_PLAINTEXT_BYTES = MAX_CIPHERTEXT_BYTES - TAG_BYTES;
/** What a record costs besides its plaintext. */
export const RECORD_OVERHEAD_BYTES = LENGTH_BYTES + RECORD_HEADER_BYTES + TAG_BYTES;
/** The malformed frame that closes the connection: the first seven are answered and skipped. */
export const MALFORMED_CLOSES_AT = 8;
