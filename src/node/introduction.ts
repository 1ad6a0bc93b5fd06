/**
 * The payload that each side seals into its last handshake message: who it is, what it can do and where
 * it listens (PROTOCOL.md section 4). Read from untrusted bytes; believed only once the static key proves
 * the id.
 */

import type { Bytes } from "../base/bytes.ts";
import { FieldError, Fields } from "../base/guards.ts";
import { parsePeerId, type PeerId } from "../base/peer_id.ts";
import {
  type Capabilities,
  readCapabilities,
  writeCapabilities,
} from "../discovery/capabilities.ts";
import { DiscoveryError, encodeMessage, parseMessage } from "../discovery/message.ts";
import { type Address, formatAddress, MAX_ADDRESSES, parseAddress } from "../net/address.ts";
import { NoiseError } from "../noise/symmetric_state.ts";
import { isStaticKeyOf } from "./identity.ts";

/** What a node says of itself when a session begins. */
export interface Introduction {
  readonly id: PeerId;
  /** The sealed version chosen, repeated where nobody can change it. */
  readonly version: number;
  /** What it can speak inside the session; both use the intersection. */
  readonly features: readonly string[];
  readonly listen: readonly Address[];
  readonly capabilities: Capabilities;
  /** Its certificates, sealed for members of its network; see `Membership.prove`. */
  readonly proof: string | undefined;
}

/** Streams, and pings in the session itself (PROTOCOL.md section 6). */
export const STREAMS = "channel/1";
/** Membership and events (PROTOCOL.md section 11). */
export const GOSSIP = "gossip/1";
/** What this build can speak inside a session. */
export const FEATURES: readonly string[] = Object.freeze([
  "envelope/1",
  "exchange/1",
  STREAMS,
  GOSSIP,
]);
const MAX_FEATURES = 32;
const MAX_FEATURE_LENGTH = 32;
const MAX_ADDRESS_LENGTH = 80;
const MAX_PROOF_LENGTH = 2_800;

export function encodeIntroduction(introduction: Introduction): Bytes {
  const { id, version, features, listen, capabilities, proof } = introduction;
  return encodeMessage({
    node_id: id,
    version,
    features,
    listen: listen.slice(0, MAX_ADDRESSES).map(formatAddress),
    capabilities: writeCapabilities(capabilities, id),
    proof: proof ?? null,
  });
}

/**
 * Reads the introduction of the peer whose proved static key is `rs`. Throws {@link NoiseError}
 * `bad_payload`, `version_mismatch` or `identity_mismatch`.
 */
export function decodeIntroduction(
  payload: Bytes,
  proved: { readonly rs: Bytes; readonly version: number },
): Introduction {
  const introduction = readIntroduction(payload);
  if (introduction.version !== proved.version) {
    throw new NoiseError(
      "version_mismatch",
      `Cannot accept peer: it chose version ${introduction.version}, its frame said ` +
        `${proved.version}`,
    );
  }
  if (!isStaticKeyOf(introduction.id, proved.rs)) {
    throw new NoiseError(
      "identity_mismatch",
      "Cannot accept peer: its node id does not belong to its key",
    );
  }
  return introduction;
}

/** The features that both sides speak, in our order. */
export function commonFeatures(theirs: readonly string[]): readonly string[] {
  return FEATURES.filter((feature) => theirs.includes(feature));
}

/** Addresses from untrusted texts; those that are no address are left out. */
export function readAddresses(fields: Fields, key: string): readonly Address[] {
  const texts = fields.texts(key, {
    maxItems: MAX_ADDRESSES,
    maxLength: MAX_ADDRESS_LENGTH,
    absent: [],
  });
  return texts.map((text) => parseAddress(text)).filter((address) => address !== undefined);
}

function readIntroduction(payload: Bytes): Introduction {
  try {
    const fields = Fields.of(parseMessage(payload));
    const id = parsePeerId(fields.text("node_id", { maxLength: 64 }));
    if (!id) throw new FieldError("invalid_field", "node_id", "expected 52 characters of base32");
    return Object.freeze({
      id,
      version: fields.integer("version", { min: 1, max: 255 }),
      features: fields.texts("features", {
        maxItems: MAX_FEATURES,
        maxLength: MAX_FEATURE_LENGTH,
        absent: [],
      }),
      listen: readAddresses(fields, "listen"),
      capabilities: readCapabilities(fields.object("capabilities", { absent: {} }), {
        withLoad: true,
      }),
      proof: fields.textOrNull("proof", { maxLength: MAX_PROOF_LENGTH }) ?? undefined,
    });
  } catch (error) {
    if (!(error instanceof FieldError || error instanceof DiscoveryError)) throw error;
    throw new NoiseError("bad_payload", `Cannot accept peer: ${error.message}`, { cause: error });
  }
}
