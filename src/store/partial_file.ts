/**
 * A received file that is not in the inbox yet.
 *
 * ```
 *          write, truncate
 *             +----+
 *             v    |
 *  begin --> open -+- finish --> in the inbox, under the first free name
 *             +------ close ---> kept for a later attempt, if it holds a whole chunk
 *             +------ discard -> gone
 * ```
 *
 * Calls take turns, so that `close` waits for a write under way. Nothing here replaces a file or follows a
 * symbolic link.
 */

import { CodedError, describeError } from "../base/errors.ts";
import { alternativeName } from "./file_name.ts";
import { makePrivate, removeFile } from "./files.ts";

/** Why a file could not be received. */
export type InboxErrorCode =
  | "too_large"
  | "no_space"
  | "busy"
  | "too_many"
  | "closed"
  | "unreadable"
  | "unwritable";

/** A file that cannot be received; the runtime's own error, where there is one, is the `cause`. */
export class InboxError extends CodedError<InboxErrorCode> {
  override readonly name = "InboxError";
}

/** A later attempt resumes at a multiple of this: what a torn write left behind a chunk does not count. */
export const CHUNK_BYTES = 1_048_576;

/** How many files of one name the inbox tells apart. */
const MAX_ALTERNATIVE = 9_999;
const PRIVATE_FILE = 0o600;

/** What a partial file needs to know. */
export interface PartialFileOptions {
  readonly path: string;
  /** Where the finished file goes, and its safe name there. */
  readonly directory: string;
  readonly name: string;
  /** The length of the finished file. */
  readonly size: number;
  /** Called once, when the file is no longer in use. */
  readonly release: (isKept: boolean) => void;
}

/** A file that grows to its size and then moves into the inbox. */
export class PartialFile {
  readonly #file: Deno.FsFile;
  readonly #options: PartialFileOptions;
  #length: number;
  #isOpen = true;
  #lastTurn: Promise<void> = Promise.resolve();

  /** Takes over `file`, which holds `length` bytes that count. */
  constructor(file: Deno.FsFile, length: number, options: PartialFileOptions) {
    this.#file = file;
    this.#length = length;
    this.#options = options;
  }

  /** Opens what {@link findPartial} found: `held` bytes, or nothing yet. Throws {@link InboxError}. */
  static async open(options: PartialFileOptions, held: number | undefined): Promise<PartialFile> {
    const { path, size } = options;
    const length = wholeChunks(held ?? 0, size);
    let file: Deno.FsFile | undefined;
    try {
      const createNew = held === undefined;
      if (!createNew) await makePrivate(path);
      file = await Deno.open(path, { read: true, write: true, createNew, mode: PRIVATE_FILE });
      if (!createNew && held !== length) await file.truncate(length);
      return new PartialFile(file, length, options);
    } catch (error) {
      file?.close();
      throw unwritable(error);
    }
  }

  /** Bytes held; at first those of an earlier attempt, in whole chunks unless they are all. */
  get length(): number {
    return this.#length;
  }

  /** Bytes still to come. */
  get missing(): number {
    return this.#options.size - this.#length;
  }

  /**
   * Reads held bytes from `offset` on and returns how many: fewer than `buffer` takes only at the end.
   * Throws {@link InboxError} `unreadable`, `closed`.
   */
  read(offset: number, buffer: Uint8Array): Promise<number> {
    return this.#inTurn(async () => {
      this.#checkPosition("read", offset);
      const wanted = buffer.subarray(0, this.#length - offset);
      try {
        return await readFully(this.#file, offset, wanted);
      } catch (error) {
        const reason = `Cannot read a partial file: ${describeError(error)}`;
        throw new InboxError("unreadable", reason, { cause: error });
      }
    });
  }

  /** Forgets what is held from `length` on. Throws {@link InboxError} `unwritable`, `closed`. */
  truncate(length: number): Promise<void> {
    return this.#inTurn(async () => {
      this.#checkPosition("truncate", length);
      await orUnwritable(this.#file.truncate(length));
      this.#length = length;
    });
  }

  /**
   * Appends `bytes`, the caller's again once the promise settles; after a failure none of them count.
   * Throws `RangeError` past the file's size, {@link InboxError} `no_space`, `unwritable`, `closed`.
   */
  write(bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      const end = this.#length + bytes.length;
      if (end > this.#options.size) {
        throw new RangeError(`Cannot write a partial file: ${end} exceeds ${this.#options.size}`);
      }
      await orUnwritable(writeFully(this.#file, this.#length, bytes));
      this.#length = end;
    });
  }

  /**
   * Moves the whole file into the inbox and returns its name there. Throws `RangeError` while bytes are
   * missing, {@link InboxError} `too_many` when every alternative is taken, `no_space`, `unwritable`,
   * `closed`. After a failed move the file is closed and kept.
   */
  finish(): Promise<string> {
    return this.#inTurn(async () => {
      const { size, path, directory, name, release } = this.#options;
      if (this.#length !== size) {
        throw new RangeError(`Cannot finish a partial file: length ${this.#length} is not ${size}`);
      }
      await orUnwritable(this.#file.sync());
      this.#isOpen = false;
      this.#file.close();
      let isKept = true;
      try {
        const finalName = await moveToFreeName(path, directory, name);
        isKept = false;
        return finalName;
      } finally {
        release(isKept);
      }
    });
  }

  /** Lets go of the file; what it holds waits for a later attempt. Idempotent. */
  close(): Promise<void> {
    return this.#end(true);
  }

  /** Removes the file; a closed one stays. Idempotent. */
  discard(): Promise<void> {
    return this.#end(false);
  }

  async #end(isWanted: boolean): Promise<void> {
    await this.#afterOthers(async () => {
      if (!this.#isOpen) return;
      this.#isOpen = false;
      this.#file.close();
      // Less than a chunk would be cut away by the next attempt: better to leave no file at all.
      const isKept = isWanted && wholeChunks(this.#length, this.#options.size) > 0;
      if (!isKept) await removeFile(this.#options.path);
      this.#options.release(isKept);
    });
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    return this.#afterOthers(() => {
      if (this.#isOpen) return action();
      throw new InboxError("closed", "Cannot use a partial file: it is closed");
    });
  }

  /** The file has one position, and an end that must not overtake a write. */
  #afterOthers<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(action);
    // A failure is its caller's; the next turn comes all the same.
    const settled = () => {};
    this.#lastTurn = turn.then(settled, settled);
    return turn;
  }

  #checkPosition(action: string, position: number): void {
    if (Number.isInteger(position) && position >= 0 && position <= this.#length) return;
    throw new RangeError(
      `Cannot ${action} a partial file: position ${position} is outside 0..${this.#length}`,
    );
  }
}

/**
 * The length of the partial file at `path`; `undefined` when there is none. What else is found there is
 * removed: a symbolic link, or a file that a crash left linked into the inbox, where writing would change
 * what was delivered. Throws {@link InboxError} `unwritable`.
 */
export async function findPartial(path: string): Promise<number | undefined> {
  try {
    const { isFile, nlink, size } = await Deno.lstat(path);
    if (isFile && (nlink ?? 1) === 1) return size;
    await Deno.remove(path);
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw unwritable(error);
  }
}

/** How many of `held` bytes count towards `size`; too many are some other file's. */
function wholeChunks(held: number, size: number): number {
  if (held === size) return size;
  return held > size ? 0 : held - held % CHUNK_BYTES;
}

async function readFully(file: Deno.FsFile, offset: number, buffer: Uint8Array): Promise<number> {
  await file.seek(offset, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < buffer.length) {
    const read = await file.read(buffer.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return filled;
}

async function writeFully(file: Deno.FsFile, offset: number, bytes: Uint8Array): Promise<void> {
  await file.seek(offset, Deno.SeekMode.Start);
  let written = 0;
  while (written < bytes.length) written += await file.write(bytes.subarray(written));
}

async function moveToFreeName(path: string, directory: string, name: string): Promise<string> {
  for (let n = 1; n <= MAX_ALTERNATIVE; n++) {
    const candidate = n === 1 ? name : alternativeName(name, n);
    if (await moveIfFree(path, `${directory}/${candidate}`)) return candidate;
  }
  const reason = `Cannot finish a partial file: all ${MAX_ALTERNATIVE} names for it are taken`;
  throw new InboxError("too_many", reason);
}

/** Moves a file to where nothing is; `false` when something is. */
async function moveIfFree(from: string, to: string): Promise<boolean> {
  try {
    // Unlike a rename, a link never replaces a file that has appeared meanwhile.
    await Deno.link(from, to);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    return await renameIfFree(from, to);
  }
  await removeFile(from);
  return true;
}

/** For a file system without links (FAT): an empty file of our own holds the name until the rename. */
async function renameIfFree(from: string, to: string): Promise<boolean> {
  try {
    await Deno.writeFile(to, new Uint8Array(), { createNew: true, mode: PRIVATE_FILE });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw unwritable(error);
  }
  try {
    await Deno.rename(from, to);
    return true;
  } catch (error) {
    await removeFile(to);
    throw unwritable(error);
  }
}

async function orUnwritable(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw unwritable(error);
  }
}

function unwritable(error: unknown): InboxError {
  const isFull = error instanceof Error && "code" in error && error.code === "ENOSPC";
  const reason = `Cannot write a partial file: ${describeError(error)}`;
  return new InboxError(isFull ? "no_space" : "unwritable", reason, { cause: error });
}
