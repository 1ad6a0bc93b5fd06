/**
 * A file of this machine that is read to be sent.
 */

import { describeError } from "../base/errors.ts";
import type { Bytes } from "../base/bytes.ts";
import { StoreError } from "./files.ts";

export class SourceFile {
  /** Without its directory. */
  readonly name: string;
  /** As it was when the file was opened. */
  readonly size: number;
  readonly #file: Deno.FsFile;
  #lastTurn: Promise<unknown> = Promise.resolve();

  private constructor(file: Deno.FsFile, name: string, size: number) {
    this.#file = file;
    this.name = name;
    this.size = size;
  }

  /** Opens a regular file. Throws `StoreError` `unreadable`. */
  static async open(path: string): Promise<SourceFile> {
    let file: Deno.FsFile | undefined;
    try {
      // Asked before it is opened: opening a pipe would wait for its writer.
      if (!(await Deno.stat(path)).isFile) throw new TypeError("it is no regular file");
      file = await Deno.open(path, { read: true });
      const { isFile, size } = await file.stat();
      if (!isFile) throw new TypeError("it is no regular file");
      return new SourceFile(file, path.split(/[\\/]/).at(-1) ?? path, size);
    } catch (error) {
      file?.close();
      throw unreadable(path, error);
    }
  }

  /**
   * Fills `buffer` from `offset` on; fewer bytes only at the end. Reads take turns. Throws `StoreError`
   * `unreadable`.
   */
  read(offset: number, buffer: Bytes): Promise<number> {
    const reading = this.#lastTurn.then(() => this.#read(offset, buffer));
    this.#lastTurn = reading.catch(() => {
      // Told to whoever asked; the next turn is another's.
    });
    return reading;
  }

  async #read(offset: number, buffer: Bytes): Promise<number> {
    try {
      await this.#file.seek(offset, Deno.SeekMode.Start);
      let filled = 0;
      while (filled < buffer.length) {
        const count = await this.#file.read(buffer.subarray(filled));
        if (count === null) break;
        filled += count;
      }
      return filled;
    } catch (error) {
      throw unreadable(this.name, error);
    }
  }

  close(): void {
    this.#file.close();
  }
}

function unreadable(path: string, error: unknown): StoreError {
  return new StoreError("unreadable", `Cannot read ${path}: ${describeError(error)}`, {
    cause: error,
  });
}
