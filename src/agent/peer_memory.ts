/**
 * The registry's memory across restarts: loads known peers once, saves them when they changed.
 *
 * A damaged file is set aside with a warning: whom we knew is worth less than starting at all.
 */

import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import {
  decodePeers,
  encodePeers,
  type KnownPeer,
  MAX_STORE_BYTES,
  utcDay,
} from "../mesh/peer_store.ts";
import type { Registry } from "../mesh/registry.ts";
import { readFile, replaceFile, setAside } from "../store/files.ts";

const SAVE_MS = 30_000;

export interface PeerMemoryOptions {
  readonly path: string;
  readonly registry: Registry;
  /** What {@link PeerMemory.load} gave: kept in the file until met or too old. */
  readonly known: readonly KnownPeer[];
  readonly clock: Clock;
  readonly log: Log;
}

export class PeerMemory {
  readonly #options: PeerMemoryOptions;
  readonly #timer: Timer;
  #saved: Bytes | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: PeerMemoryOptions) {
    this.#options = options;
    this.#timer = scheduleEvery(options.clock, SAVE_MS, () => this.#save());
  }

  /** The peers known from earlier runs, the latest seen first. Never rejects. */
  static async load(path: string, clock: Clock, log: Log): Promise<readonly KnownPeer[]> {
    try {
      const bytes = await readFile(path, MAX_STORE_BYTES);
      const known = bytes ? decodePeers(bytes) : [];
      return known.toSorted((a, b) => a.seen < b.seen ? 1 : a.seen > b.seen ? -1 : 0);
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
    const { registry, known, clock } = this.#options;
    const [nowMs, wallMs] = [clock.now(), clock.wallMs()];
    const dayOf = (monotonicMs: number) => utcDay(wallMs - (nowMs - monotonicMs));
    const bytes = encodePeers(registry.authenticated(), known, { wallMs, dayOf });
    if (this.#saved && equalBytes(bytes, this.#saved)) return;
    this.#saving = this.#saving.then(() => this.#write(bytes));
  }

  async #write(bytes: Bytes): Promise<void> {
    try {
      await replaceFile(this.#options.path, bytes);
      this.#saved = bytes;
    } catch (error) {
      this.#options.log("warn", "peers not saved", { error: describeError(error) });
    }
  }
}
