/**
 * The inbox: the directory that receives files from peers, and what bounds them.
 *
 * ```
 * inbox/report.pdf                        received, whole
 * inbox/.partial/SENDER-SIZE-report.pdf   on its way, or waiting for a later attempt
 * ```
 *
 * A file is bounded by its size and by the free space that must remain, all files on their way together;
 * partial files also by their number and their age.
 */

import { describeError } from "../base/errors.ts";
import { safeFileName } from "./file_name.ts";
import { ensureDirectory, removeFile } from "./files.ts";
import { findPartial, InboxError, PartialFile } from "./partial_file.ts";

/** More are not worth their disk space; the longest untouched goes first. */
export const MAX_PARTIAL_FILES = 256;
/** A sender that has not come back in a week starts again. */
const STALE_MS = 7 * 86_400_000;
const PARTIAL_DIRECTORY = ".partial";
const SENDER = /^(?:[a-z2-7]{8}|[a-z2-7]{52})$/;
const PARTIAL_NAME = /^[a-z2-7]+-[0-9]+-./;

/** Where an inbox is and what it takes. */
export interface InboxOptions {
  /** Created when missing, for its owner only. */
  readonly directory: string;
  readonly maxFileBytes: number;
  /** What receiving leaves free on the disk, for everything else there. */
  readonly keepFreeBytes: number;
  /** The time of opening, which tells how old partial files are. */
  readonly wallMs: number;
  /** Free bytes where a directory is; by default as the system counts them for this user. */
  readonly freeBytes?: (directory: string) => Promise<number>;
}

/** A file that a peer wants to send. */
export interface Offer {
  /** The authenticated peer's id, whole or short. */
  readonly sender: string;
  /** What the peer calls the file: untrusted. */
  readonly name: string;
  readonly size: number;
}

/** What a file in use may still write. */
interface Claim {
  readonly missing: number;
}

/** The directory that receives files. */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #partialDirectory: string;
  readonly #freeBytes: (directory: string) => Promise<number>;
  /** Names of partial files, the longest untouched first. */
  readonly #partials = new Set<string>();
  /** Partial files in use, by their key. */
  readonly #claims = new Map<string, Claim>();

  private constructor(options: InboxOptions) {
    this.#options = options;
    this.#partialDirectory = `${options.directory}/${PARTIAL_DIRECTORY}`;
    this.#freeBytes = options.freeBytes ?? systemFreeBytes;
  }

  /**
   * Opens the inbox and removes stale partial files. One inbox at a time uses a directory. Throws
   * `StoreError` or {@link InboxError} where it cannot be used.
   */
  static async open(options: InboxOptions): Promise<Inbox> {
    const inbox = new Inbox(options);
    await ensureDirectory(inbox.#partialDirectory);
    try {
      await inbox.#adoptPartials(options.wallMs);
    } catch (error) {
      if (error instanceof InboxError) throw error;
      throw unreadable(inbox.#partialDirectory, describeError(error), { cause: error });
    }
    return inbox;
  }

  /**
   * Opens the partial file for an offer, with what an earlier attempt left; the caller ends it. Throws
   * {@link InboxError} `too_large`, `busy` while the same file is on its way, `no_space`, `too_many`,
   * `unreadable`, `unwritable`.
   */
  async begin({ sender, name, size }: Offer): Promise<PartialFile> {
    this.#checkOffer(sender, size);
    const safeName = safeFileName(name);
    const partialName = `${sender}-${size}-${safeName}`;
    const path = `${this.#partialDirectory}/${partialName}`;
    const key = claimKey(partialName);
    if (this.#claims.has(key)) {
      throw new InboxError("busy", "Cannot receive a file: the same one is already on its way");
    }
    this.#claims.set(key, { missing: 0 });
    const release = (isKept: boolean) => {
      this.#claims.delete(key);
      this.#partials.delete(partialName);
      if (isKept) this.#partials.add(partialName);
    };
    let held: number | undefined;
    try {
      held = await findPartial(path);
      await this.#claimSpace(key, size - Math.min(held ?? 0, size));
      await this.#claimPlace(partialName);
      const { directory } = this.#options;
      const options = { path, directory, name: safeName, size, release };
      const partial = await PartialFile.open(options, held);
      this.#claims.set(key, partial);
      return partial;
    } catch (error) {
      release(held !== undefined);
      throw error;
    }
  }

  #checkOffer(sender: string, size: number): void {
    if (!SENDER.test(sender)) {
      throw new TypeError("Cannot receive a file: the sender is not a peer id");
    }
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new RangeError(`Cannot receive a file: size ${size} is no length`);
    }
    const { maxFileBytes } = this.#options;
    if (size > maxFileBytes) {
      throw new InboxError(
        "too_large",
        `Cannot receive a file: size ${size} exceeds ${maxFileBytes}`,
      );
    }
  }

  async #adoptPartials(wallMs: number): Promise<void> {
    const directory = this.#partialDirectory;
    if ((await Deno.lstat(directory)).isSymlink) {
      throw unreadable(directory, "it is a symbolic link");
    }
    const found: { readonly name: string; readonly touchedMs: number }[] = [];
    for await (const { name } of Deno.readDir(directory)) {
      if (!PARTIAL_NAME.test(name)) continue;
      const { mtime } = await Deno.lstat(`${directory}/${name}`);
      const touchedMs = mtime?.getTime() ?? wallMs;
      if (wallMs - touchedMs > STALE_MS) await removeFile(`${directory}/${name}`);
      else found.push({ name, touchedMs });
    }
    found.sort((a, b) => a.touchedMs - b.touchedMs);
    for (const { name } of found) this.#partials.add(name);
    while (this.#partials.size > MAX_PARTIAL_FILES) await removeFile(this.#takeOldest());
  }

  /** Claims `missing` bytes of the disk, next to what files in use have still to write. */
  async #claimSpace(key: string, missing: number): Promise<void> {
    const free = await this.#measureFree();
    const { keepFreeBytes } = this.#options;
    let claimed = 0;
    for (const claim of this.#claims.values()) claimed += claim.missing;
    const room = Math.max(0, free - keepFreeBytes - claimed);
    if (missing > room) {
      throw new InboxError(
        "no_space",
        `Cannot receive a file: ${missing} bytes exceed ${room} (${free} free, ${claimed} promised, ` +
          `${keepFreeBytes} to keep)`,
      );
    }
    this.#claims.set(key, { missing });
  }

  async #measureFree(): Promise<number> {
    const { directory } = this.#options;
    try {
      return await this.#freeBytes(directory);
    } catch (error) {
      throw unreadable(directory, describeError(error), { cause: error });
    }
  }

  /** Makes `partialName` the most recent partial file, in place of the oldest where there are too many. */
  async #claimPlace(partialName: string): Promise<void> {
    this.#partials.delete(partialName);
    const isFull = this.#partials.size >= MAX_PARTIAL_FILES;
    const oldest = isFull ? this.#takeOldest() : undefined;
    this.#partials.add(partialName);
    if (oldest) await removeFile(oldest);
  }

  /** The path of the longest untouched partial file that is not in use, counted no more. */
  #takeOldest(): string {
    for (const name of this.#partials) {
      if (this.#claims.has(claimKey(name))) continue;
      this.#partials.delete(name);
      return `${this.#partialDirectory}/${name}`;
    }
    throw new InboxError(
      "too_many",
      `Cannot receive a file: ${this.#partials.size} on their way reach ${MAX_PARTIAL_FILES}`,
    );
  }
}

/** Names that differ in case only are one file on macOS and Windows, so they take turns everywhere. */
function claimKey(partialName: string): string {
  return partialName.toLowerCase();
}

/** Bytes that this user may still write where `directory` lies. */
export async function systemFreeBytes(directory: string): Promise<number> {
  // Loaded when the first file comes: an agent that receives none has no use for its megabytes.
  const { statfs } = await import("node:fs/promises");
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

function unreadable(directory: string, reason: string, options?: ErrorOptions): InboxError {
  return new InboxError("unreadable", `Cannot use ${directory}: ${reason}`, options);
}
