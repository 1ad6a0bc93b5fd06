/**
 * Small files kept safely: bounded reads, atomic replacement, private modes.
 *
 * A file is replaced by writing its successor beside it, flushing that to the disk and renaming it over the
 * old one, so that a crash or a full disk leaves the old file whole.
 */

import type { Bytes } from "../base/bytes.ts";
import { CodedError, describeError } from "../base/errors.ts";

/** Why a file could not be used. */
export type StoreErrorCode = "unreadable" | "unwritable" | "too_large" | "exists" | "locked";

/** A file that failed us; the runtime's own error is the `cause`. */
export class StoreError extends CodedError<StoreErrorCode> {
  override readonly name = "StoreError";
}

/** Owner only. */
const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;

/** Makes `path` a directory that only its owner enters, parents included. */
export async function ensureDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: PRIVATE_DIRECTORY });
  } catch (error) {
    throw new StoreError("unwritable", `Cannot create ${path}: ${describeError(error)}`, {
      cause: error,
    });
  }
}

/** The bytes of a file; `undefined` when there is none. Throws {@link StoreError}. */
export async function readFile(path: string, maxBytes: number): Promise<Bytes | undefined> {
  try {
    const { size } = await Deno.stat(path);
    if (size > maxBytes) {
      throw new StoreError("too_large", `Cannot read ${path}: ${size} bytes exceed ${maxBytes}`);
    }
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new StoreError("unreadable", `Cannot read ${path}: ${describeError(error)}`, {
      cause: error,
    });
  }
}

/** Replaces a file by `bytes`, readable by its owner only. Throws {@link StoreError}. */
export async function replaceFile(path: string, bytes: Bytes): Promise<void> {
  const successor = await writeBeside(path, bytes);
  try {
    await renameTo(successor, path);
  } finally {
    await discard(successor);
  }
}

/**
 * Creates a file with `bytes`, whole or not at all. Throws {@link StoreError} `exists` when another process
 * was first.
 */
export async function createFile(path: string, bytes: Bytes): Promise<void> {
  const successor = await writeBeside(path, bytes);
  try {
    // Unlike a rename, a link never replaces a file that has appeared meanwhile.
    await Deno.link(successor, path);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists || await exists(path)) {
      throw new StoreError("exists", `Cannot create ${path}: it exists`, { cause: error });
    }
    // A file system without links (FAT): a rename is the next best.
    await renameTo(successor, path);
  } finally {
    await discard(successor);
  }
}

/** Removes a file; a missing one is fine. Throws {@link StoreError} `unwritable`. */
export async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw unwritable(path, error);
  }
}

/** Moves a damaged file out of the way and returns its new name. Throws {@link StoreError}. */
export async function setAside(path: string, wallMs: number): Promise<string> {
  const aside = `${path}.damaged-${new Date(wallMs).toISOString().replace(/[:.]/g, "-")}`;
  await renameTo(path, aside);
  return aside;
}

/** Takes the rights of group and others away; `true` when there were any. A no-op on Windows. */
export async function makePrivate(path: string): Promise<boolean> {
  try {
    const { mode } = await Deno.stat(path);
    if (mode === null || (mode & 0o077) === 0) return false;
    await Deno.chmod(path, PRIVATE_FILE);
    return true;
  } catch (error) {
    throw unwritable(path, error);
  }
}

/**
 * Holds `path` for this process alone until the returned function is called or the process ends. Throws
 * {@link StoreError} `locked` when another process holds it.
 */
export async function lockFile(path: string): Promise<() => void> {
  let file: Deno.FsFile | undefined;
  try {
    const held = file = await Deno.open(path, { create: true, write: true, mode: PRIVATE_FILE });
    if (await held.tryLock(true)) return () => held.close();
  } catch (error) {
    file?.close();
    throw unwritable(path, error);
  }
  file.close();
  throw new StoreError("locked", `Cannot lock ${path}: another process holds it`);
}

async function writeBeside(path: string, bytes: Bytes): Promise<string> {
  const successor = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    const file = await Deno.open(successor, { createNew: true, write: true, mode: PRIVATE_FILE });
    try {
      let written = 0;
      while (written < bytes.length) written += await file.write(bytes.subarray(written));
      await file.sync();
    } finally {
      file.close();
    }
    return successor;
  } catch (error) {
    await discard(successor);
    throw unwritable(path, error);
  }
}

async function renameTo(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    throw unwritable(to, error);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    // Absent, or not ours to see: then the rename says so.
    return false;
  }
}

async function discard(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch {
    // Nothing to remove, or a leftover that the next start does not read.
  }
}

function unwritable(path: string, error: unknown): StoreError {
  return new StoreError("unwritable", `Cannot write ${path}: ${describeError(error)}`, {
    cause: error,
  });
}
