/** `hamlet leave` */

import { loadNetwork, removeNetwork } from "../../agent/network_store.ts";
import { ControlClient, ControlClientError } from "../../control/client.ts";
import { identityFromSeed } from "../../node/identity.ts";
import { noblePrimitives } from "../../noise/noble.ts";
import { ensureDirectory, lockFile, StoreError } from "../../store/files.ts";
import { loadSeed } from "../../store/identity_file.ts";
import { IDENTITY_FILE, LOCK_FILE, NETWORK_FILE } from "../../store/state_directory.ts";
import { KEY_BYTES, randomBytes } from "../../noise/primitives.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { untilMoved } from "../moving.ts";
import { checkOwnNetwork } from "../own_network.ts";
import { EXIT } from "../usage_error.ts";

export async function run({ flags, write }: CommandContext): Promise<number> {
  const stateDir = readStateDir(flags, systemSurroundings());
  const force = flags.has("force");
  const left = await throughAgent(stateDir, force) ?? await leaveAlone(stateDir, force);
  if (flags.has("json")) write(JSON.stringify({ left: left ?? null }, null, 2) + "\n");
  else write(left ? `Left ${left}. This device is on its own now.\n` : "No network to leave.\n");
  return EXIT.ok;
}

async function throughAgent(stateDir: string, force: boolean): Promise<string | undefined> {
  try {
    const client = await ControlClient.open(stateDir);
    const { network } = await client.members();
    const { left } = await client.leave({ force });
    await untilMoved(stateDir, client.endpoint, (id) => id !== network.id);
    return left;
  } catch (error) {
    if (error instanceof ControlClientError && error.code === "not_running") return undefined;
    throw error;
  }
}

/** Without an agent nobody is told; our certificate is gone all the same. */
async function leaveAlone(stateDir: string, force: boolean): Promise<string | undefined> {
  await ensureDirectory(stateDir);
  const unlock = await lockFile(`${stateDir}/${LOCK_FILE}`);
  try {
    const { seed } = await loadSeed(`${stateDir}/${IDENTITY_FILE}`, () => randomBytes(KEY_BYTES));
    const identity = identityFromSeed(seed, noblePrimitives);
    const present = await loadOrForce(`${stateDir}/${NETWORK_FILE}`, identity, force);
    if (present && !force) {
      await checkOwnNetwork({ stateDir, identity, primitives: noblePrimitives }, "leave");
    }
    await removeNetwork(stateDir);
    return present &&
      (present === UNREADABLE ? "a network that could not be read" : present.network.name);
  } finally {
    unlock();
  }
}

const UNREADABLE = "unreadable";

/** A damaged network file can only be left by force: it may be the founder's. */
async function loadOrForce(
  ...[path, identity, force]: [...Parameters<typeof loadNetwork>, boolean]
) {
  try {
    return await loadNetwork(path, identity);
  } catch (error) {
    if (force && error instanceof StoreError) return UNREADABLE;
    throw error;
  }
}
