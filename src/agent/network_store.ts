/**
 * Our network on the disk: founded at the first start, loaded at the next, kept up to date in between.
 *
 * The network's own file is as precious as the identity: damaged, it stops the start and is never replaced. The
 * roster and the invitations are set aside with a warning, since others can tell us again.
 */

import type { Clock } from "../base/clock.ts";
import type { Bytes } from "../base/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import { Fields } from "../base/guards.ts";
import type { Log } from "../base/log.ts";
import type { KnownPeer } from "../mesh/peer_store.ts";
import { encodeKnown } from "../mesh/peer_store.ts";
import type { Identity } from "../node/identity.ts";
import type { Primitives } from "../noise/primitives.ts";
import {
  makePrivate,
  readFile,
  removeFile,
  replaceFile,
  setAside,
  StoreError,
} from "../store/files.ts";
import {
  INVITATIONS_FILE,
  MEMBERS_FILE,
  NETWORK_FILE,
  PEERS_FILE,
} from "../store/state_directory.ts";
import { foundNetwork } from "../trust/founding.ts";
import { InvitationBook } from "../trust/invitation.ts";
import { verifyChain } from "../trust/certificate.ts";
import { Membership } from "../trust/membership.ts";
import {
  decodeNetwork,
  decodeRoster,
  encodeNetwork,
  encodeRoster,
  MAX_NETWORK_FILE_BYTES,
  MAX_ROSTER_FILE_BYTES,
  type StoredNetwork,
} from "../trust/network_file.ts";
import { networkIdOf } from "../trust/network_id.ts";
import { Roster } from "../trust/roster.ts";

export interface NetworkStoreOptions {
  readonly stateDir: string;
  readonly identity: Identity;
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly log: Log;
  readonly isOpen: boolean;
  /** What this device, and a network that it founds, are called. */
  readonly deviceName: string;
  readonly networkName: string;
}

/** What can change by itself while the agent runs. */
export type NetworkPart = "network" | "roster" | "invitations";

const INVITATIONS_VERSION = 1;
const MAX_INVITATIONS_BYTES = 262_144;

export class NetworkStore {
  readonly membership: Membership;
  readonly invitations: InvitationBook;
  /** Whether this start has founded the network. */
  readonly wasFounded: boolean;
  readonly #options: NetworkStoreOptions;
  readonly #authoritySeed: Bytes | undefined;
  #isAbandoned = false;
  readonly #writes = new Map<NetworkPart, Promise<void>>();
  /** Those of the writes that have not begun. */
  readonly #waiting = new Map<NetworkPart, Promise<void>>();

  private constructor(
    options: NetworkStoreOptions,
    parts: Pick<NetworkStore, "membership" | "invitations" | "wasFounded"> & {
      readonly authoritySeed: Bytes | undefined;
    },
  ) {
    this.#options = options;
    this.membership = parts.membership;
    this.invitations = parts.invitations;
    this.wasFounded = parts.wasFounded;
    this.#authoritySeed = parts.authoritySeed;
  }

  /** Loads the network, or founds one. Throws `StoreError` `unreadable` for a damaged network file. */
  static async open(options: NetworkStoreOptions): Promise<NetworkStore> {
    const { stateDir, identity, primitives, clock, log, isOpen } = options;
    const path = `${stateDir}/${NETWORK_FILE}`;
    const existing = await loadNetwork(path, identity);
    if (existing) {
      checkGenuine(path, existing, primitives);
      const wasExposed = await makePrivate(path);
      if (wasExposed) log("warn", "network was readable by others; now private", { path });
    }
    const stored = existing ?? foundNetwork({
      name: options.networkName,
      founder: { id: identity.id, name: options.deviceName },
      primitives,
      wallMs: clock.wallMs(),
    });
    const { network, chain, authoritySeed } = stored;
    const roster = new Roster({ network: network.id, verify: primitives.verify });
    const membership = new Membership({
      network,
      chain,
      secrets: stored.secrets,
      roster,
      isOpen,
      id: identity.id,
      signer: identity.signing,
      authority: authoritySeed && primitives.importSigningKeyPair(authoritySeed),
      wallMs: () => clock.wallMs(),
    });
    await loadOrSetAside(options, MEMBERS_FILE, MAX_ROSTER_FILE_BYTES, (bytes) => {
      decodeRoster(bytes, roster, clock.wallMs());
    });
    let invitations = new InvitationBook();
    await loadOrSetAside(options, INVITATIONS_FILE, MAX_INVITATIONS_BYTES, (bytes) => {
      invitations = readInvitations(bytes, network.id) ?? invitations;
    });
    const wasFounded = existing === undefined;
    const store = new NetworkStore(options, { membership, invitations, wasFounded, authoritySeed });
    if (wasFounded) await store.save("network");
    return store;
  }

  /**
   * Writes a part, as it will be once what is being written of it is on the disk; however often it is asked for
   * meanwhile, that is one write. Rejects with `StoreError`.
   */
  save(part: NetworkPart): Promise<void> {
    const waiting = this.#waiting.get(part);
    if (waiting) return waiting;
    const before = this.#writes.get(part) ?? Promise.resolve();
    const write = before.catch(() => {}).then(() => {
      this.#waiting.delete(part);
      return this.#write(part);
    });
    this.#waiting.set(part, write);
    this.#writes.set(part, write);
    return write;
  }

  /** Resolves when everything is written; nothing is from then on. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#writes.values());
    this.abandon();
  }

  /** Writes nothing more: another network is about to take this one's place. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  async #write(part: NetworkPart): Promise<void> {
    if (this.#isAbandoned) return;
    const { stateDir, log } = this.#options;
    const [name, bytes] = this.#encode(part);
    try {
      await replaceFile(`${stateDir}/${name}`, bytes);
    } catch (error) {
      log("warn", "network not saved", { file: name, error: describeError(error) });
      throw error;
    }
  }

  #encode(part: NetworkPart): readonly [name: string, bytes: Bytes] {
    const { network, chain, roster, secrets } = this.membership;
    switch (part) {
      case "network":
        return [
          NETWORK_FILE,
          encodeNetwork({
            network,
            chain,
            secrets: secrets.stored,
            authoritySeed: this.#authoritySeed,
          }),
        ];
      case "roster":
        return [MEMBERS_FILE, encodeRoster(network.id, roster)];
      case "invitations": {
        const body = { version: INVITATIONS_VERSION, network: network.id };
        const text = JSON.stringify({ ...body, ...this.invitations.encode() });
        return [INVITATIONS_FILE, encodeUtf8(text + "\n")];
      }
    }
  }
}

/** Puts a network that we have joined in the place of the one before. Throws `StoreError`. */
export async function writeJoined(
  stateDir: string,
  joined: { readonly stored: StoredNetwork; readonly roster: Roster; readonly peers: KnownPeer[] },
): Promise<void> {
  const { stored, roster, peers } = joined;
  await removeFile(`${stateDir}/${INVITATIONS_FILE}`);
  await replaceFile(`${stateDir}/${PEERS_FILE}`, encodeKnown(peers));
  await replaceFile(`${stateDir}/${MEMBERS_FILE}`, encodeRoster(stored.network.id, roster));
  await replaceFile(`${stateDir}/${NETWORK_FILE}`, encodeNetwork(stored));
}

/** Forgets the network and everybody in it: the next start founds another. */
export async function removeNetwork(stateDir: string): Promise<void> {
  for (const name of [NETWORK_FILE, MEMBERS_FILE, INVITATIONS_FILE, PEERS_FILE]) {
    await removeFile(`${stateDir}/${name}`);
  }
}

/** The network of a state directory; `undefined` where there is none. Throws `StoreError`. */
export async function loadNetwork(
  path: string,
  identity: Identity,
): Promise<StoredNetwork | undefined> {
  const bytes = await readFile(path, MAX_NETWORK_FILE_BYTES);
  if (!bytes) return undefined;
  try {
    const stored = decodeNetwork(bytes);
    if (stored.chain[0].id !== identity.id) {
      throw new TypeError("its certificate is of another device");
    }
    return stored;
  } catch (error) {
    throw damaged(path, error);
  }
}

/** Throws `StoreError` unless the authority signed the certificates, expired or not, and its key is its own. */
function checkGenuine(
  path: string,
  { network, chain, authoritySeed }: StoredNetwork,
  { verify, importSigningKeyPair }: Primitives,
): void {
  try {
    verifyChain(chain, network.id, { verify, wallMs: 0 });
    const authority = authoritySeed && importSigningKeyPair(authoritySeed);
    if (authority && networkIdOf(authority.publicKey) !== network.id) {
      throw new TypeError("its authority_seed is another network's");
    }
  } catch (error) {
    throw damaged(path, error);
  }
}

function damaged(path: string, error: unknown): StoreError {
  return new StoreError(
    "unreadable",
    `Cannot read network ${path}: ${
      describeError(error)
    }; restore it from a backup, or run: hamlet leave --force`,
    { cause: error },
  );
}

async function loadOrSetAside(
  { stateDir, clock, log }: NetworkStoreOptions,
  name: string,
  maxBytes: number,
  decode: (bytes: Bytes) => void,
): Promise<void> {
  const path = `${stateDir}/${name}`;
  try {
    const bytes = await readFile(path, maxBytes);
    if (bytes) decode(bytes);
  } catch (error) {
    const reason = describeError(error);
    const aside = await setAside(path, clock.wallMs()).catch(describeError);
    log("warn", "file damaged", { file: name, reason, aside });
  }
}

/** `undefined` for another network's. */
function readInvitations(bytes: Bytes, network: string): InvitationBook | undefined {
  const fields = Fields.of(JSON.parse(decodeUtf8(bytes)), "invitations file");
  fields.integer("version", { min: INVITATIONS_VERSION, max: INVITATIONS_VERSION });
  return fields.raw("network") === network ? InvitationBook.decode(fields) : undefined;
}
