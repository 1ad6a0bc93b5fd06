/**
 * The way out of a connection: frames are built here, in one buffer and for one write.
 *
 * The two buffers swap roles at each {@link Outlet.take}: one is filled while the other is written. Both
 * grow on demand, and {@link Outlet.relax} lets what a burst needed go.
 */

import type { Bytes } from "../base/bytes.ts";
import { Prefixes } from "../base/prefixes.ts";
import { type RecordSealer, REKEY_RECORD_BYTES } from "../noise/record.ts";
import { writeFrame } from "../wire/frame.ts";
import { LENGTH_BYTES, MAX_PLAINTEXT_BYTES, RECORD_OVERHEAD_BYTES } from "../wire/limits.ts";

const MIN_BUFFER_BYTES = 2_048;
/** Where every connection's plaintext is put together: it is sealed in the same breath. */
const plaintext: Bytes = new Uint8Array(MAX_PLAINTEXT_BYTES);
const plaintexts = new Prefixes(plaintext);

export class Outlet {
  #filling: Bytes;
  #spare: Bytes;
  #length = 0;
  #sealer: RecordSealer | undefined;

  constructor() {
    // One allocation for both: a handshake needs them, and then as a rule nothing larger.
    const buffers = new ArrayBuffer(2 * MIN_BUFFER_BYTES);
    this.#filling = new Uint8Array(buffers, 0, MIN_BUFFER_BYTES);
    this.#spare = new Uint8Array(buffers, MIN_BUFFER_BYTES);
  }

  /** Bytes that wait for the next write. */
  get pending(): number {
    return this.#length;
  }

  /** Queues a plaintext payload as a frame. */
  pushFrame(payload: Bytes): void {
    this.#reserve(LENGTH_BYTES + payload.length);
    this.#length = writeFrame(this.#filling, this.#length, payload);
  }

  /** Queues bytes as they are: for peers that do not speak our framing. */
  pushRaw(bytes: Bytes): void {
    this.#reserve(bytes.length);
    this.#filling.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** From here on, what leaves are sealed records. */
  startSealing(sealer: RecordSealer): void {
    this.#sealer = sealer;
  }

  /**
   * Seals what `fill` writes into the plaintext it is given, and says the length of, as one record, with a
   * fresh key first where one is due. Returns the bytes queued; 0 when there was nothing to seal.
   */
  pushRecord(fill: (plaintext: Bytes) => number, nowMs: number): number {
    const sealer = this.#sealer;
    if (!sealer) throw new TypeError("Cannot send record: the session is not open");
    const length = fill(plaintext);
    if (length === 0) return 0;
    const start = this.#length;
    this.#reserve(REKEY_RECORD_BYTES + RECORD_OVERHEAD_BYTES + length);
    if (sealer.isRekeyDue(nowMs)) {
      this.#length = sealer.sealRekey(this.#filling, this.#length, nowMs);
    }
    this.#length = sealer.seal([plaintexts.of(length)], this.#filling, this.#length);
    return this.#length - start;
  }

  /** Everything queued, as one view that stays valid until the next `take`. Call when `pending`. */
  take(): Bytes {
    const full = this.#filling.subarray(0, this.#length);
    const next = this.#spare;
    this.#spare = this.#filling;
    this.#filling = next;
    this.#length = 0;
    return full;
  }

  /** Frees the buffer that is not in use, and the other one when nothing is queued in it. */
  relax(): void {
    this.#spare = new Uint8Array(0);
    if (this.#length === 0) this.#filling = new Uint8Array(0);
  }

  #reserve(length: number): void {
    const needed = this.#length + length;
    if (needed <= this.#filling.length) return;
    let size = Math.max(this.#filling.length, MIN_BUFFER_BYTES);
    while (size < needed) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.#filling.subarray(0, this.#length));
    this.#filling = grown;
  }
}
