/**
 * The records we hold of others: the newest of each, bounded, for peers that ask who else there is.
 */

import { isObject } from "../base/guards.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { PeerRecord } from "./peer_record.ts";

/** Records held; past it the one that came first goes. */
const MAX_RECORDS = 4_096;

interface Entry {
  readonly record: PeerRecord;
  readonly arrival: number;
}

export class RecordBook {
  readonly #records = new Map<PeerId, Entry>();
  #arrivals = 0;

  get size(): number {
    return this.#records.size;
  }

  /** Whether `value` has the id, number and signature of a record already held: it brings no news. */
  holds(value: unknown): boolean {
    if (!isObject(value)) return false;
    const held = this.#records.get(value["node_id"] as PeerId)?.record;
    return held !== undefined && held.signed["signature"] === value["signature"] &&
      held.signed["seq"] === value["seq"];
  }

  /** A mark between what has come and what is still to come; see {@link list}. */
  get mark(): number {
    return this.#arrivals;
  }

  /** Keeps `record` if it is newer than the one held; `false` when it is not. */
  keep(record: PeerRecord): boolean {
    const held = this.#records.get(record.id)?.record;
    if (held && held.seqMs >= record.seqMs) return false;
    this.#records.delete(record.id);
    this.#records.set(record.id, { record, arrival: ++this.#arrivals });
    if (this.#records.size > MAX_RECORDS) {
      const [oldest] = this.#records.keys();
      if (oldest !== undefined) this.#records.delete(oldest);
    }
    return true;
  }

  /** Drops the record of `id`. */
  forget(id: PeerId): void {
    this.#records.delete(id);
  }

  /**
   * The records that have not expired at `wallMs`, newest first, without `except`, at most `limit`; of those, what
   * has come since the mark `after`.
   */
  list(
    options: { wallMs: number; except: PeerId; limit: number; after?: number },
  ): readonly PeerRecord[] {
    const listed: PeerRecord[] = [];
    for (const { record, arrival } of [...this.#records.values()].reverse()) {
      if (listed.length === options.limit || arrival <= (options.after ?? 0)) break;
      if (record.expiresAtMs < options.wallMs || record.id === options.except) continue;
      listed.push(record);
    }
    return listed;
  }
}
