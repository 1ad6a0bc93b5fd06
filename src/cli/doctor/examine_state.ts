/**
 * Reads what the agent keeps on the disk, and changes nothing of it.
 */

import { loadNetwork } from "../../agent/network_store.ts";
import type { Clock } from "../../base/clock.ts";
import { CodedError, describeError } from "../../base/errors.ts";
import { decodePeers, type KnownPeer, MAX_STORE_BYTES } from "../../mesh/peer_store.ts";
import { type Identity, identityFromSeed } from "../../node/identity.ts";
import type { Primitives } from "../../noise/primitives.ts";
import { readFile } from "../../store/files.ts";
import { readSeed } from "../../store/identity_file.ts";
import { systemFreeBytes } from "../../store/inbox.ts";
import {
  IDENTITY_FILE,
  INVITATIONS_FILE,
  MEMBERS_FILE,
  NETWORK_FILE,
  PEERS_FILE,
} from "../../store/state_directory.ts";
import { Membership } from "../../trust/membership.ts";
import {
  decodeRoster,
  MAX_ROSTER_FILE_BYTES,
  type StoredNetwork,
} from "../../trust/network_file.ts";
import { Roster } from "../../trust/roster.ts";
import type { FileFacts, IdentityFacts, NetworkFacts, StateFacts } from "./judge_state.ts";

/** What a state directory holds. */
export interface Belongings {
  readonly identity: Identity | undefined;
  readonly membership: Membership | undefined;
  readonly known: readonly KnownPeer[];
  readonly identityFacts: IdentityFacts;
  readonly networkFacts: NetworkFacts;
}

interface Stored {
  readonly stored: StoredNetwork;
  readonly identity: Identity;
  readonly primitives: Primitives;
  readonly clock: Clock;
}

/** Files with secrets in them. */
const SECRET_FILES: readonly string[] = Object.freeze([
  IDENTITY_FILE,
  NETWORK_FILE,
  INVITATIONS_FILE,
  "control.json",
]);
const WRITE = 0o200;

export async function examineState(directory: string): Promise<StateFacts> {
  const self = await examineFile(directory);
  const files = new Map<string, FileFacts>();
  for (const name of SECRET_FILES) {
    const file = await examineFile(`${directory}/${name}`);
    if (file.kind !== "missing") files.set(name, file);
  }
  const mode = self.kind === "present" ? self.mode : null;
  // The administrator may write anywhere; elsewhere it must be one's own.
  const isAllowed = self.kind === "present" &&
    (Deno.build.os === "windows" || Deno.uid() === 0 || self.isOwn);
  return {
    directory,
    self,
    isWritable: self.kind === "missing" || isAllowed && (mode === null || (mode & WRITE) !== 0),
    files,
  };
}

/** Reads identity, network and peers. Whatever is damaged is told, not thrown. */
export async function readBelongings(
  directory: string,
  primitives: Primitives,
  clock: Clock,
): Promise<Belongings> {
  const [identityFacts, identity] = await readIdentity(directory, primitives);
  const known = await readKnown(directory);
  const nothing = { identity, membership: undefined, known, identityFacts };
  if (!identity) return { ...nothing, networkFacts: { kind: "none" } };
  try {
    const stored = await loadNetwork(`${directory}/${NETWORK_FILE}`, identity);
    if (!stored) return { ...nothing, networkFacts: { kind: "none" } };
    const membership = await membershipOf(directory, { stored, identity, primitives, clock });
    const isFounder = stored.authoritySeed !== undefined;
    return { ...nothing, membership, networkFacts: factsOf(membership, isFounder) };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { ...nothing, networkFacts: { kind: "damaged", reason: error.message } };
  }
}

/** Bytes free where `directory` lies or will lie; `undefined` where the system does not tell. */
export async function freeBytesAt(directory: string): Promise<number | undefined> {
  for (let part = directory; part !== ""; part = part.slice(0, part.lastIndexOf("/"))) {
    try {
      return await systemFreeBytes(part);
    } catch (error) {
      if (describeError(error).includes("ENOENT") || error instanceof Deno.errors.NotFound) {
        continue;
      }
      return undefined;
    }
  }
  return undefined;
}

function factsOf(membership: Membership, isFounder: boolean): NetworkFacts {
  const { network, certificate, isRevoked, isOpen } = membership;
  return {
    kind: "member",
    name: network.name,
    isRevoked,
    isOpen,
    isFounder,
    expiresMs: certificate.notAfterMs,
  };
}

async function examineFile(path: string): Promise<FileFacts> {
  try {
    const { mode, uid } = await Deno.stat(path);
    const isOwn = uid === null || Deno.uid() === 0 || uid === Deno.uid();
    return { kind: "present", mode: mode === null ? null : mode & 0o777, isOwn };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { kind: "missing" };
    return { kind: "unreadable", reason: describeError(error) };
  }
}

async function readIdentity(
  directory: string,
  primitives: Primitives,
): Promise<readonly [IdentityFacts, Identity | undefined]> {
  try {
    const seed = await readSeed(`${directory}/${IDENTITY_FILE}`);
    if (!seed) return [{ kind: "none" }, undefined];
    const identity = identityFromSeed(seed, primitives);
    return [{ kind: "whole", id: identity.id }, identity];
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return [{ kind: "damaged", reason: error.message }, undefined];
  }
}

/** Who was known; a damaged list is none, as the agent itself has it. */
async function readKnown(directory: string): Promise<readonly KnownPeer[]> {
  try {
    const bytes = await readFile(`${directory}/${PEERS_FILE}`, MAX_STORE_BYTES);
    return bytes ? decodePeers(bytes) : [];
  } catch {
    return [];
  }
}

/** Our place in the network, to look at: it holds no authority, and nothing of it is written. */
async function membershipOf(
  directory: string,
  { stored, identity, primitives: { verify }, clock }: Stored,
): Promise<Membership> {
  const roster = new Roster({ network: stored.network.id, verify });
  try {
    const bytes = await readFile(`${directory}/${MEMBERS_FILE}`, MAX_ROSTER_FILE_BYTES);
    if (bytes) decodeRoster(bytes, roster, clock.wallMs());
  } catch {
    // Others can tell us again: the agent sets such a file aside.
  }
  return new Membership({
    network: stored.network,
    chain: stored.chain,
    secrets: stored.secrets,
    roster,
    isOpen: false,
    id: identity.id,
    signer: identity.signing,
    authority: undefined,
    wallMs: () => clock.wallMs(),
  });
}
