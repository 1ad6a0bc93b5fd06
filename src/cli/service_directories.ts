/**
 * The directories that a service writes: made before its start, since a sandbox cannot be opened for what is not
 * there, and given to whom the agent runs as.
 */

import { describeError } from "../base/errors.ts";
import { ServiceError } from "../service/service_manager.ts";
import type { Account } from "./service_plan.ts";

/**
 * Makes `path` and its missing parents, for `owner` alone to enter; what exists is left as it is. Throws
 * {@link ServiceError}.
 */
export async function makeDirectoryFor(
  path: string,
  owner: Account,
  ownUid: number,
): Promise<void> {
  try {
    for (const missing of await missingParts(path)) {
      await Deno.mkdir(missing, { mode: 0o700 });
      if (ownUid !== owner.uid) await Deno.chown(missing, owner.uid, owner.gid);
    }
  } catch (error) {
    throw new ServiceError("failed", `Cannot create ${path}: ${describeError(error)}`, {
      cause: error,
    });
  }
}

/** The outermost first. */
async function missingParts(path: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let part = path; part !== ""; part = part.slice(0, part.lastIndexOf("/"))) {
    try {
      await Deno.stat(part);
      break;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      missing.unshift(part);
    }
  }
  return missing;
}
