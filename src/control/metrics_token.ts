/**
 * The token that opens `GET /metrics` and nothing else: made once, kept in the state directory.
 *
 * The control token changes at every start and lets its holder revoke members; a program that only reads
 * numbers gets one that stays the same and cannot. Whoever scrapes as another user is given a copy.
 */

import { decodeUtf8, encodeBase64Url, encodeUtf8 } from "../base/bytes.ts";
import { randomBytes } from "../noise/primitives.ts";
import { createFile, readFile, StoreError } from "../store/files.ts";

const FILE_NAME = "metrics.token";
const TOKEN_BYTES = 32;
const TOKEN = /^[\w-]{43}$/;
const MAX_FILE_BYTES = 256;

/** The token of the agent in `stateDir`. Throws `StoreError`: a damaged file is named, never replaced. */
export async function openMetricsToken(stateDir: string): Promise<string> {
  const path = metricsTokenPath(stateDir);
  const kept = await readToken(path);
  if (kept !== undefined) return kept;
  const token = encodeBase64Url(randomBytes(TOKEN_BYTES));
  try {
    await createFile(path, encodeUtf8(token + "\n"));
    return token;
  } catch (error) {
    // Somebody else has just made one.
    const first = error instanceof StoreError && error.code === "exists" && await readToken(path);
    if (first) return first;
    throw error;
  }
}

export function metricsTokenPath(stateDir: string): string {
  return `${stateDir}/${FILE_NAME}`;
}

async function readToken(path: string): Promise<string | undefined> {
  const bytes = await readFile(path, MAX_FILE_BYTES);
  if (!bytes) return undefined;
  const token = decodeUtf8(bytes).trim();
  if (TOKEN.test(token)) return token;
  throw new StoreError(
    "unreadable",
    `Cannot read ${path}: it holds no token; remove it, and the next start makes another`,
  );
}
