/**
 * The registry's memory across restarts: loads known peers once, saves them when they changed.
 *
 * A damaged file is set aside with a warning: whom we knew is worth less than starting at all.
 */

import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import { equalBytes } from "../base/bytes.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Log } from "../base/log.ts";
import { decodePeers, encodePeers, type KnownPeer, MAX_STORE_BYTES } from "../mesh/peer_store.ts";
import type { Registry } from "../mesh/registry.ts";
import { readFile, replaceFile, setAside } from "../store/files.ts";

const SAVE_MS = 30_000;

export class PeerMemory {
  readonly #path: string;
  readonly #registry: Registry;
  readonly #log: Log;
  readonly #timer: Timer;
  #saved: Bytes | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(path: string, registry: Registry, clock: Clock, log: Log) {
    this.#path = path;
    this.#registry = registry;
    this.#log = log;
    this.#timer = scheduleEvery(clock, SAVE_MS, () => this.#save());
  }

  /** The peers known from earlier runs. Never rejects. */
  static async load(path: string, clock: Clock, log: Log): Promise<readonly KnownPeer[]> {
    try {
      const bytes = await readFile(path, MAX_STORE_BYTES);
      return bytes ? decodePeers(bytes) : [];
    } catch (error) {
      const reason = describeError(error);
      try {
        const aside = await setAside(path, clock.wallMs());
        log("warn", "peers file damaged", { reason, aside });
      } catch (second) {
        log("warn", "peers file unusable", { reason, error: describeError(second) });
      }
      return [];
    }
  }

  /** Saves a last time. */
  async close(): Promise<void> {
    this.#timer.cancel();
    this.#save();
    await this.#saving;
  }

  #save(): void {
    const bytes = encodePeers(this.#registry.authenticated());
    if (this.#saved && equalBytes(bytes, this.#saved)) return;
    this.#saving = this.#saving.then(() => this.#write(bytes));
  }

  async #write(bytes: Bytes): Promise<void> {
    try {
      await replaceFile(this.#path, bytes);
      this.#saved = bytes;
    } catch (error) {
      this.#log("warn", "peers not saved", { error: describeError(error) });
    }
  }
}
