/**
 * The identity file: the node's Ed25519 seed, created once, readable by its owner only.
 *
 * ```
 * {"version":1,"ed25519_seed":"<32 bytes, base64url>"}
 * ```
 */

import {
  type Bytes,
  decodeBase64Url,
  decodeUtf8,
  encodeBase64Url,
  encodeUtf8,
} from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import { Fields } from "../base/guards.ts";
import { createFile, makePrivate, readFile, StoreError } from "./files.ts";

const SEED_BYTES = 32;
const MAX_FILE_BYTES = 4_096;
const VERSION = 1;

/** What {@link loadSeed} found or did. */
export interface LoadedSeed {
  readonly seed: Bytes;
  readonly wasCreated: boolean;
  /** Whether others could read the file until now. */
  readonly wasExposed: boolean;
}

/**
 * The seed in the file at `path`; a missing file is created from `fresh`. Two processes that start at once
 * get the same seed. Throws `StoreError` `unreadable` for a damaged file: a new identity must never replace
 * an old one silently.
 */
export async function loadSeed(path: string, fresh: () => Bytes): Promise<LoadedSeed> {
  const existing = await readSeed(path);
  if (existing) return { seed: existing, wasCreated: false, wasExposed: await makePrivate(path) };
  const seed = fresh();
  const text = JSON.stringify({ version: VERSION, ed25519_seed: encodeBase64Url(seed) });
  try {
    await createFile(path, encodeUtf8(text + "\n"));
    return { seed, wasCreated: true, wasExposed: false };
  } catch (error) {
    const first = error instanceof StoreError && error.code === "exists" && await readSeed(path);
    if (first) return { seed: first, wasCreated: false, wasExposed: false };
    throw error;
  }
}

/** The seed in the file at `path`; `undefined` when there is none. Throws `StoreError`. */
export async function readSeed(path: string): Promise<Bytes | undefined> {
  const bytes = await readFile(path, MAX_FILE_BYTES);
  if (!bytes) return undefined;
  try {
    const fields = Fields.of(JSON.parse(decodeUtf8(bytes)), "identity");
    fields.integer("version", { min: VERSION, max: VERSION });
    const seed = decodeBase64Url(fields.text("ed25519_seed", { maxLength: 64 }), SEED_BYTES);
    if (!seed) throw new TypeError("its seed is not 32 bytes of base64url");
    return seed;
  } catch (error) {
    // The cause is told without the file's content, which is a secret.
    const reason = error instanceof SyntaxError ? "it is not JSON" : describeError(error);
    throw new StoreError(
      "unreadable",
      `Cannot read identity ${path}: ${reason}; restore it from a backup, or move it away to become ` +
        "a new node",
      { cause: error },
    );
  }
}
