/**
 * The token that `hamlet invite` prints and `hamlet join` reads: at most 200 characters that a person can copy,
 * dictate or scan.
 *
 * ```
 * version 1 | inviter's key 32 | secret 16 | port u16 | (family u8 | address 4 or 16) x 0..4 | checksum 3
 * ```
 *
 * in base32, upper case, for that is what a QR code holds best. The checksum is the beginning of the SHA-256 of
 * the rest: a mistyped token is told from a wrong one.
 */

import { Buffer } from "node:buffer";
import { isIP, SocketAddress } from "node:net";
import { type Bytes, concatBytes, decodeBase32, encodeBase32, equalBytes } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { type PeerId, peerIdOf, publicKeyOf } from "../base/peer_id.ts";
import { type Address, unmapped } from "../net/address.ts";
import { noblePrimitives } from "../noise/noble.ts";

export interface InvitationToken {
  readonly inviter: PeerId;
  /** {@link INVITATION_SECRET_BYTES} random bytes. */
  readonly secret: Bytes;
  /** Where the inviter can be reached, best first. */
  readonly addresses: readonly Address[];
}

/** A text that is no token. */
export class TokenError extends CodedError<"damaged_token"> {
  override readonly name = "TokenError";
}

export const INVITATION_SECRET_BYTES = 16;
/** The longest token. */
export const MAX_TOKEN_LENGTH = 200;

const VERSION = 1;
const MAX_TOKEN_ADDRESSES = 4;
const KEY_BYTES = 32;
const CHECKSUM_BYTES = 3;
const FIXED_BYTES = 1 + KEY_BYTES + INVITATION_SECRET_BYTES + 2;

/** The text of a token. Addresses that are host names, or on another port than the first, are left out. */
export function encodeToken({ inviter, secret, addresses }: InvitationToken): string {
  const port = addresses[0]?.port ?? 0;
  const hosts = addresses.filter((address) => address.port === port && isIP(unmapped(address.host)))
    .slice(0, MAX_TOKEN_ADDRESSES)
    .map(({ host }) => encodeHost(unmapped(host)));
  const body = concatBytes(
    Uint8Array.of(VERSION),
    publicKeyOf(inviter),
    secret,
    Uint8Array.of(port >> 8, port & 0xff),
    ...hosts,
  );
  return encodeBase32(concatBytes(body, checksumOf(body))).toUpperCase();
}

/** Reads a token, forgiving case, spaces and line breaks. Throws {@link TokenError}. */
export function decodeToken(text: string): InvitationToken {
  const compact = text.replace(/\s+/g, "").toLowerCase();
  const bytes = compact.length <= MAX_TOKEN_LENGTH ? decodeBase32(compact) : undefined;
  if (!bytes || bytes.length < FIXED_BYTES + CHECKSUM_BYTES) throw damaged();
  const body = bytes.slice(0, -CHECKSUM_BYTES);
  if (!equalBytes(checksumOf(body), bytes.subarray(-CHECKSUM_BYTES))) throw damaged();
  if (body[0] !== VERSION) {
    throw new TokenError(
      "damaged_token",
      `Cannot read invitation: it is of version ${
        body[0]
      }, this program knows ${VERSION}; update it`,
    );
  }
  const inviter = peerIdOf(body.slice(1, 1 + KEY_BYTES));
  const secret = body.slice(1 + KEY_BYTES, FIXED_BYTES - 2);
  const port = (body[FIXED_BYTES - 2] ?? 0) << 8 | (body[FIXED_BYTES - 1] ?? 0);
  return { inviter, secret, addresses: decodeHosts(body.subarray(FIXED_BYTES), port) };
}

function decodeHosts(bytes: Bytes, port: number): readonly Address[] {
  const addresses: Address[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const length = bytes[offset] === 4 ? 4 : bytes[offset] === 6 ? 16 : 0;
    const raw = bytes.subarray(offset + 1, offset + 1 + length);
    if (length === 0 || raw.length !== length || port === 0) throw damaged();
    addresses.push({ host: hostOf(raw), port });
    offset += 1 + length;
  }
  return addresses.slice(0, MAX_TOKEN_ADDRESSES);
}

/** `family | address`. */
function encodeHost(host: string): Bytes {
  if (isIP(host) === 4) return Uint8Array.of(4, ...host.split(".").map(Number));
  // The system's parser writes every IPv6 text in the same way: eight groups, one run of zeros left out.
  const { address } = new SocketAddress({ address: host, family: "ipv6" });
  if (address !== unmapped(address)) return encodeHost(unmapped(address));
  const [head = "", tail] = address.split("::");
  const groups = (text: string | undefined) => text ? text.split(":") : [];
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const words = [...before, ...zeros, ...after].map((group) => parseInt(group, 16));
  return Uint8Array.of(6, ...words.flatMap((word) => [word >> 8, word & 0xff]));
}

function hostOf(raw: Bytes): string {
  if (raw.length === 4) return raw.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => Buffer.from(raw).readUInt16BE(2 * i));
  const address = groups.map((group) => group.toString(16)).join(":");
  return new SocketAddress({ address, family: "ipv6" }).address;
}

function checksumOf(body: Bytes): Bytes {
  return noblePrimitives.sha256(body).slice(0, CHECKSUM_BYTES);
}

function damaged(): TokenError {
  return new TokenError(
    "damaged_token",
    "Cannot read invitation: it is incomplete or mistyped; copy all of it",
  );
}
