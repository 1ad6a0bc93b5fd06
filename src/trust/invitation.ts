/**
 * Invitations given out: each a 128-bit secret that lets one device in, once, until it expires.
 *
 * Of the secret only a hash is kept. That hash is also the pre-shared key of the newcomer's handshake, and whoever
 * finds the file still cannot join: the newcomer must show the secret itself inside the session.
 *
 * ```
 * open --redeemed by a node--> used --7 days--> forgotten
 *   +------time------> expired --7 days--> forgotten
 * ```
 */

import {
  type Bytes,
  decodeBase64Url,
  encodeBase64Url,
  encodeHex,
  equalBytes,
} from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { Fields, type JsonObject } from "../base/guards.ts";
import { parsePeerId, type PeerId } from "../base/peer_id.ts";
import { randomBytes } from "../noise/primitives.ts";
import { deriveKey } from "../noise/secret_box.ts";
import { type Role, ROLES } from "./certificate.ts";
import { INVITATION_SECRET_BYTES } from "./invitation_token.ts";

/** Why an invitation cannot be used. */
export type InvitationCode =
  | "invitation_unknown"
  | "invitation_used"
  | "invitation_expired"
  | "too_many_invitations";

export class InvitationError extends CodedError<InvitationCode> {
  override readonly name = "InvitationError";
}

/** Names an invitation on the wire without telling anything else of it. */
const INVITATION_ID_BYTES = 8;
/** Invitations that may be open at once. */
export const MAX_OPEN_INVITATIONS = 64;
/** Used and expired ones that are remembered, so that a person is told which it was. */
const MAX_CLOSED = 256;
const REMEMBER_MS = 7 * 86_400_000;
const HASH_BYTES = 32;
const MILLISECONDS = Object.freeze({ min: 0, max: 1e14 });

interface Invitation {
  readonly id: string;
  /** Of the secret; the handshake's pre-shared key. */
  readonly hash: Bytes;
  readonly role: Role;
  readonly expiresAtMs: number;
  readonly usedBy: PeerId | undefined;
}

/** Who uses an invitation, and when. */
export interface InvitationUse {
  readonly by: PeerId;
  /** Whether it has been a member and is none any more. */
  readonly wasRemoved: boolean;
  readonly wallMs: number;
}

/** The invitation's id, as it stands in the first handshake message. */
export function invitationIdOf(secret: Bytes): Bytes {
  return deriveKey(secret, "hamlet invitation id", INVITATION_ID_BYTES);
}

/** The handshake's pre-shared key. */
export function invitationKeyOf(secret: Bytes): Bytes {
  return deriveKey(secret, "hamlet invitation key", HASH_BYTES);
}

export class InvitationBook {
  readonly #invitations = new Map<string, Invitation>();

  /** Gives out an invitation. Throws {@link InvitationError} `too_many_invitations`. */
  create(options: { readonly role: Role; readonly expiresAtMs: number; readonly wallMs: number }): {
    readonly secret: Bytes;
  } {
    this.#forget(options.wallMs);
    const open = this.open(options.wallMs);
    if (open >= MAX_OPEN_INVITATIONS) {
      throw new InvitationError(
        "too_many_invitations",
        `Cannot invite: ${open} invitations are open; wait until one is used or expires`,
      );
    }
    const secret = randomBytes(INVITATION_SECRET_BYTES);
    const id = encodeHex(invitationIdOf(secret));
    const { role, expiresAtMs } = options;
    const hash = invitationKeyOf(secret);
    this.#invitations.set(id, { id, hash, role, expiresAtMs, usedBy: undefined });
    return { secret };
  }

  /** How many could still be used. */
  open(wallMs: number): number {
    let count = 0;
    for (const { usedBy, expiresAtMs } of this.#invitations.values()) {
      if (usedBy === undefined && expiresAtMs >= wallMs) count++;
    }
    return count;
  }

  /**
   * The pre-shared key of the invitation with this id. Throws {@link InvitationError}. One that was used is
   * given until it expires: its own user may not have heard the answer.
   */
  keyOf(id: Bytes, wallMs: number): Bytes {
    return this.#find(encodeHex(id), wallMs).hash;
  }

  /**
   * Uses the invitation `id` for the node `by`, which has shown `secret`; the role that it gives. The same node
   * may do so again, unless it was removed meanwhile. Throws {@link InvitationError}.
   */
  redeem(id: string, secret: Bytes, use: InvitationUse): Role {
    const { by, wallMs } = use;
    const invitation = this.#find(id, wallMs);
    if (!equalBytes(invitationKeyOf(secret), invitation.hash)) throw unknown();
    const { usedBy } = invitation;
    if (usedBy !== undefined && (usedBy !== by || use.wasRemoved)) throw used();
    this.#invitations.set(id, { ...invitation, usedBy: by });
    return invitation.role;
  }

  encode(): JsonObject {
    const invitations = [...this.#invitations.values()].map((each) => ({
      id: each.id,
      hash: encodeBase64Url(each.hash),
      role: each.role,
      expires: each.expiresAtMs,
      used_by: each.usedBy ?? null,
    }));
    return { invitations };
  }

  /** Reads what {@link encode} wrote. Throws `FieldError`. */
  static decode(fields: Fields): InvitationBook {
    const book = new InvitationBook();
    const maxItems = MAX_OPEN_INVITATIONS + MAX_CLOSED;
    for (const item of fields.list("invitations", { maxItems })) {
      const each = Fields.of(item, "invitations");
      const id = each.text("id", { maxLength: 2 * INVITATION_ID_BYTES });
      const hash = decodeBase64Url(each.text("hash", { maxLength: 64 }), HASH_BYTES);
      const usedText = each.textOrNull("used_by", { maxLength: 64 });
      const usedBy = usedText === null ? undefined : parsePeerId(usedText);
      if (!hash) throw new TypeError("Cannot read invitation: its hash is not 32 bytes");
      if (usedText !== null && !usedBy) {
        throw new TypeError("Cannot read invitation: its used_by is no node id");
      }
      book.#invitations.set(id, {
        id,
        hash,
        role: each.oneOf("role", ROLES),
        expiresAtMs: each.integer("expires", MILLISECONDS),
        usedBy,
      });
    }
    return book;
  }

  #find(id: string, wallMs: number): Invitation {
    const invitation = this.#invitations.get(id);
    if (!invitation) throw unknown();
    if (invitation.expiresAtMs < wallMs) {
      if (invitation.usedBy !== undefined) throw used();
      throw new InvitationError(
        "invitation_expired",
        "Cannot join: the invitation has expired; ask for a new one",
      );
    }
    return invitation;
  }

  /** Drops what ended long ago, and the oldest of what ended past the cap. */
  #forget(wallMs: number): void {
    const closed: string[] = [];
    for (const { id, usedBy, expiresAtMs } of this.#invitations.values()) {
      if (expiresAtMs + REMEMBER_MS < wallMs) this.#invitations.delete(id);
      else if (usedBy !== undefined || expiresAtMs < wallMs) closed.push(id);
    }
    for (const id of closed.slice(0, -MAX_CLOSED)) this.#invitations.delete(id);
  }
}

function unknown(): InvitationError {
  return new InvitationError(
    "invitation_unknown",
    "Cannot join: the inviter does not know this invitation; check the token, or ask for a new one",
  );
}

function used(): InvitationError {
  return new InvitationError(
    "invitation_used",
    "Cannot join: the invitation was used already; each lets one device in, ask for a new one",
  );
}
