/**
 * Joining a network with an invitation: one handshake under the invitation's secret, one request, and the
 * certificate is ours (PROTOCOL.md section 8).
 *
 * It runs beside an agent or without one, on a node of its own that lives for this conversation only.
 */

import { encodeBase64Url } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import { FieldError, Fields, isObject } from "../base/guards.ts";
import { RequestError } from "../channel/requests.ts";
import { reachableFrom, readRecord } from "../mesh/peer_record.ts";
import { type KnownPeer, utcDay } from "../mesh/peer_store.ts";
import { type Address, formatAddress } from "../net/address.ts";
import type { Dialer } from "../net/stream.ts";
import { newCaller } from "../node/caller.ts";
import type { Identity } from "../node/identity.ts";
import type { LocalNode } from "../node/local_node.ts";
import { Node } from "../node/node.ts";
import type { Primitives } from "../noise/primitives.ts";
import { TrustError } from "../trust/certificate.ts";
import { invitationIdOf, invitationKeyOf } from "../trust/invitation.ts";
import type { InvitationToken } from "../trust/invitation_token.ts";
import { readNetwork, type StoredNetwork } from "../trust/network_file.ts";
import { parseChain } from "../trust/proof.ts";
import { Roster } from "../trust/roster.ts";
import { JOIN } from "./gatekeeper.ts";

export interface JoinOptions {
  readonly token: InvitationToken;
  readonly identity: Identity;
  readonly primitives: Primitives;
  readonly dialer: Dialer;
  readonly clock: Clock;
  /** What this device is called in the network. */
  readonly deviceName: string;
  /** Told before each address that is tried. */
  readonly onTrying?: (address: Address) => void;
}

/** What an invitation brought. */
export interface Joined {
  readonly stored: StoredNetwork;
  readonly roster: Roster;
  readonly peers: KnownPeer[];
}

/** The invitation could not be used. `code` is the inviter's, or `not_reached`, `own_invitation`. */
export class JoinError extends CodedError {
  override readonly name = "JoinError";
}

const JOIN_DEADLINE_MS = 10_000;
const MAX_TOLD = 64;

/** Uses an invitation. Rejects with {@link JoinError}. */
export async function joinNetwork(options: JoinOptions): Promise<Joined> {
  const { token, identity, clock } = options;
  if (token.inviter === identity.id) {
    throw new JoinError(
      "own_invitation",
      "Cannot join: this device made the invitation; run the command on the other one",
    );
  }
  const node = new Node({
    local: newcomer(options),
    dialer: options.dialer,
    clock,
    log: () => {},
    onEvent: () => {},
  });
  try {
    const address = await reachInviter(node, options);
    const { data } = await node.request(token.inviter, JOIN, {
      secret: encodeBase64Url(token.secret),
      name: options.deviceName,
    }, { deadlineMs: JOIN_DEADLINE_MS });
    return readAnswer(Fields.of(data, "answer"), address, options);
  } catch (error) {
    if (error instanceof RequestError) {
      throw new JoinError(error.code, error.message, { cause: error });
    }
    const isTheirs = error instanceof FieldError || error instanceof TrustError ||
      error instanceof TypeError;
    if (!isTheirs) throw error;
    throw new JoinError("bad_answer", `Cannot join: ${describeError(error)}`, { cause: error });
  } finally {
    await node.close();
  }
}

/**
 * Dials the token's addresses in turn, until the inviter itself answers at one. A refusal proves nothing of who
 * gave it: somebody else may have got an address of the inviter, so the others are tried all the same.
 */
async function reachInviter(node: Node, options: JoinOptions): Promise<Address> {
  const { inviter, addresses } = options.token;
  const refusals = new Map<string, string>();
  const reasons: string[] = [];
  for (const address of addresses) {
    options.onTrying?.(address);
    const outcome = await node.dial(address, { approach: "seal", expected: inviter });
    if (outcome.type === "session") return address;
    const code = outcome.type === "failed" ? outcome.code : "not_the_inviter";
    if (outcome.type === "failed" && code.startsWith("invitation_")) {
      refusals.set(code, outcome.reason ?? code);
    }
    reasons.push(`${formatAddress(address)} (${code.replaceAll("_", " ")})`);
  }
  // Only the inviter knows an invitation that was used or has expired; anybody may not know it.
  for (const code of ["invitation_used", "invitation_expired", "invitation_unknown"]) {
    const reason = refusals.get(code);
    if (reason) throw new JoinError(code, `${reason}; ask for a new one: hamlet invite`);
  }
  const tried = reasons.join(", ") || "any address";
  throw new JoinError(
    "not_reached",
    `Cannot reach the inviter at ${tried}: it must be running, and both devices on one network; ` +
      "then ask for a new invitation if its addresses have changed",
  );
}

function newcomer({ identity, primitives, clock, token }: JoinOptions): LocalNode {
  return newCaller({
    identity,
    primitives,
    clock,
    psk: invitationKeyOf(token.secret),
    pskId: invitationIdOf(token.secret),
  });
}

/** Believes nothing that is not signed by the network that the inviter named. */
function readAnswer(fields: Fields, address: Address, options: JoinOptions): Joined {
  const { identity, primitives, clock, token } = options;
  const { verify } = primitives;
  const wallMs = clock.wallMs();
  const network = readNetwork(fields.object("network"));
  const chain = parseChain(fields.raw("certificates"));
  const roster = new Roster({ network: network.id, verify });
  roster.check(chain, wallMs);
  if (chain[0].id !== identity.id) throw new TypeError("its certificate is another's");
  roster.keep(chain);
  for (const each of fields.list("roster", { maxItems: MAX_TOLD, absent: [] })) {
    roster.learnCertificate(each, wallMs);
  }
  const seen = utcDay(wallMs);
  const peers = new Map<string, KnownPeer>();
  for (const value of fields.list("peers", { maxItems: MAX_TOLD, absent: [] }).filter(isObject)) {
    const record = readRecord(value, verify, wallMs);
    if (!record || record.id === identity.id) continue;
    const addresses = reachableFrom(address.host, record.addresses);
    peers.set(record.id, { id: record.id, addresses, seen });
  }
  const more = peers.get(token.inviter)?.addresses ?? [];
  peers.set(token.inviter, { id: token.inviter, addresses: [address, ...more].slice(0, 8), seen });
  return {
    stored: { network, chain, authoritySeed: undefined },
    roster,
    peers: [...peers.values()],
  };
}
