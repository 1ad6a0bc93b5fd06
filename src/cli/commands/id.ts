/** `hamlet id` */

import { shortId } from "../../base/peer_id.ts";
import { identityFromSeed } from "../../node/identity.ts";
import { noblePrimitives } from "../../noise/noble.ts";
import { KEY_BYTES, randomBytes } from "../../noise/primitives.ts";
import { ensureDirectory } from "../../store/files.ts";
import { loadSeed } from "../../store/identity_file.ts";
import { IDENTITY_FILE } from "../../store/state_directory.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { EXIT } from "../usage_error.ts";

export async function run({ flags, write }: CommandContext): Promise<number> {
  const stateDir = readStateDir(flags, systemSurroundings());
  await ensureDirectory(stateDir);
  const { seed } = await loadSeed(`${stateDir}/${IDENTITY_FILE}`, () => randomBytes(KEY_BYTES));
  const { id } = identityFromSeed(seed, noblePrimitives);
  const view = { node_id: id, short_id: shortId(id), state_dir: stateDir };
  write(flags.has("json") ? JSON.stringify(view, null, 2) + "\n" : `${id}\n`);
  return EXIT.ok;
}
