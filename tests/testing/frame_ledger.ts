/**
 * An account of what two multiplexers say to each other, kept from the frames alone: whether each follows
 * PROTOCOL.md section 6, above all whether it stays within its credit and gives every stream its turns.
 */

import { type Bytes, readU32 } from "../../src/base/bytes.ts";
import type { Mux } from "../../src/channel/mux.ts";
import { MUX_KINDS, PONG_FLAG, readFrames } from "../../src/channel/mux_frame.ts";
import type { MuxStream } from "../../src/channel/mux_stream.ts";
import type { Priority } from "../../src/channel/scheduler.ts";
import { otherSide, type SideIndex, SIDES } from "./link_pair.ts";
import { type Queued, TurnLedger } from "./turn_ledger.ts";

/** What PROTOCOL.md says of each direction's credit and of where data is cut. */
const INITIAL_CREDIT_BYTES = 262_144;
const MAX_DATA_BYTES = 16_384;

/** One direction of one stream. */
export interface Direction extends Queued {
  stream: MuxStream | undefined;
  sentBytes: number;
  arrivedBytes: number;
  /** Further credit: what the reader's side sent, and what has come of it. */
  grantedBytes: number;
  isOpenSent: boolean;
  isCloseSent: boolean;
  isResetSent: boolean;
}

/** What one side sent and what of it arrived. */
interface Flow {
  readonly directions: Map<number, Direction>;
  readonly turns: TurnLedger;
  sentBytes: number;
  arrivedBytes: number;
  pings: number;
  pongs: number;
}

export interface FrameLedgerOptions {
  readonly now: () => number;
  /** Tells a message's priority, which the wire does not. */
  readonly priorityOf: (message: Bytes) => Priority;
  readonly onViolation: (rule: string) => void;
}

export class FrameLedger {
  /** Times a sender had used up its credit. */
  stalls = 0;
  resets = 0;
  #trace = 0x811c9dc5;
  readonly #options: FrameLedgerOptions;
  readonly #flows: readonly Flow[];

  constructor(options: FrameLedgerOptions) {
    this.#options = options;
    this.#flows = SIDES.map((side) => ({
      directions: new Map(),
      turns: new TurnLedger((rule) => this.#violate(side, rule)),
      sentBytes: 0,
      arrivedBytes: 0,
      pings: 0,
      pongs: 0,
    }));
  }

  /** A digest of every frame that left either side, and when (FNV-1a, 32 bits). */
  get trace(): number {
    return this.#trace >>> 0;
  }

  /** Whether all that left has arrived. */
  get isQuiet(): boolean {
    return this.#flows.every(({ sentBytes, arrivedBytes }) => sentBytes === arrivedBytes);
  }

  /** Reads what `mux` sends and receives from now on. */
  watch(side: SideIndex, mux: Mux): void {
    const { turns } = this.#flow(side);
    const fill = mux.fill.bind(mux);
    mux.fill = (out, limits) => {
      turns.begin(limits?.bulkBytes ?? Infinity);
      const length = fill(out, limits);
      this.#flow(side).sentBytes += length;
      readFrames(out.subarray(0, length), (kind, flags, id, body) => {
        this.#mix(side, kind, flags, id, body.length, this.#options.now());
        this.#send(side, { kind, flags, id, body });
      });
      turns.end(out.length - length, mux.messageBytes > 0);
      return length;
    };
    const receive = mux.receive.bind(mux);
    mux.receive = (plaintext) => {
      this.#flow(otherSide(side)).arrivedBytes += plaintext.length;
      readFrames(plaintext, (kind, flags, id, body) => {
        this.#arrive(otherSide(side), { kind, flags, id, body });
      });
      return receive(plaintext);
    };
  }

  /** Follows the queue of a stream at `side`, which the test holds. */
  attach(side: SideIndex, stream: MuxStream): void {
    const direction = this.#direction(side, stream.id) ?? this.#add(side, stream);
    direction.stream = stream;
  }

  /** What `side` sent on stream `id`. */
  sentOn(side: SideIndex, id: number): Readonly<Direction> | undefined {
    return this.#direction(side, id);
  }

  /** Notes what is missing, once nothing moves any more and the link is up. */
  settle(): void {
    for (const side of SIDES) {
      const { sentBytes, arrivedBytes, pings, directions } = this.#flow(side);
      const { pongs } = this.#flow(otherSide(side));
      if (sentBytes !== arrivedBytes) {
        this.#violate(side, `${arrivedBytes} of ${sentBytes} bytes arrived`);
      }
      if (pings !== pongs) this.#violate(side, `${pongs} of ${pings} pings were answered`);
      for (const { id, isOpenSent, isCloseSent, isResetSent } of directions.values()) {
        const isReset = isResetSent || this.#direction(otherSide(side), id)?.isResetSent;
        if (isOpenSent && !isCloseSent && !isReset) {
          this.#violate(side, `stream ${id} was left open`);
        }
      }
    }
  }

  #send(side: SideIndex, frame: Frame): void {
    const { kind, flags, id, body } = frame;
    const flow = this.#flow(side);
    switch (kind) {
      case MUX_KINDS.message:
        return flow.turns.addMessage(this.#options.priorityOf(body), body.length);
      case MUX_KINDS.ping:
        if (flags === PONG_FLAG) flow.pongs++;
        else flow.pings++;
        return;
      case MUX_KINDS.goaway:
        return;
      case MUX_KINDS.open:
        this.#sendOpen(side, id, flags as Priority);
    }
    const direction = this.#direction(side, id);
    if (!direction) return this.#violate(side, `kind ${kind} on stream ${id} before its opening`);
    if (direction.isResetSent) this.#violate(side, `kind ${kind} on stream ${id} after a reset`);
    this.#sendOn(side, direction, frame);
  }

  #sendOpen(side: SideIndex, id: number, priority: Priority): void {
    const isOdd = id % 2 === 1;
    if (isOdd !== (side === 0)) this.#violate(side, `stream ${id} has the peer's parity`);
    const direction = this.#direction(side, id) ?? this.#add(side, { id, priority });
    if (direction.isOpenSent) this.#violate(side, `stream ${id} is opened twice`);
    direction.isOpenSent = true;
    if (direction.priority !== priority) this.#violate(side, `stream ${id} changes its priority`);
    const back = this.#direction(otherSide(side), id) ?? this.#add(otherSide(side), direction);
    back.isOpenSent = true;
  }

  #sendOn(side: SideIndex, direction: Direction, { kind, id, body }: Frame): void {
    if (!direction.isOpenSent) {
      this.#violate(side, `kind ${kind} on stream ${id} before its opening`);
    }
    const { turns } = this.#flow(side);
    const back = this.#direction(otherSide(side), id);
    switch (kind) {
      case MUX_KINDS.open:
        return turns.addFrame(id, kind, 0);
      case MUX_KINDS.data:
        direction.sentBytes += body.length;
        direction.credit -= body.length;
        if (direction.credit === 0) this.stalls++;
        if (direction.credit < 0) {
          this.#violate(side, `stream ${id} exceeds its credit by ${-direction.credit}`);
        }
        if (body.length === 0 || body.length > MAX_DATA_BYTES) {
          this.#violate(side, `stream ${id} sends ${body.length} bytes at once`);
        }
        if (direction.isCloseSent) this.#violate(side, `stream ${id} sends after its end`);
        return turns.addFrame(id, kind, body.length);
      case MUX_KINDS.window:
        if (!back) return;
        back.grantedBytes += readU32(body, 0);
        if (back.grantedBytes > back.arrivedBytes - (direction.stream?.unread ?? 0)) {
          this.#violate(side, `stream ${id} gives credit for what was not read`);
        }
        return;
      case MUX_KINDS.close:
        if (direction.isCloseSent) this.#violate(side, `stream ${id} ends twice`);
        direction.isCloseSent = true;
        turns.addFrame(id, kind, 0);
        return turns.remove(id);
      case MUX_KINDS.reset:
        this.resets++;
        direction.isResetSent = true;
        return turns.remove(id);
    }
  }

  /** A frame of `side` has come to the other one. */
  #arrive(side: SideIndex, { kind, id, body }: Frame): void {
    const direction = this.#direction(side, id);
    if (direction && kind === MUX_KINDS.data) direction.arrivedBytes += body.length;
    if (kind === MUX_KINDS.reset) this.#flow(otherSide(side)).turns.remove(id);
    if (kind !== MUX_KINDS.window) return;
    const back = this.#direction(otherSide(side), id);
    if (back) back.credit += readU32(body, 0);
  }

  #add(
    side: SideIndex,
    { id, priority }: { readonly id: number; readonly priority: Priority },
  ): Direction {
    const direction: Direction = {
      id,
      priority,
      stream: undefined,
      credit: INITIAL_CREDIT_BYTES,
      sentBytes: 0,
      arrivedBytes: 0,
      grantedBytes: 0,
      isOpenSent: false,
      isCloseSent: false,
      isResetSent: false,
    };
    this.#flow(side).directions.set(id, direction);
    this.#flow(side).turns.add(direction);
    return direction;
  }

  #direction(side: SideIndex, id: number): Direction | undefined {
    return this.#flow(side).directions.get(id);
  }

  #flow(side: SideIndex): Flow {
    const flow = this.#flows[side];
    if (!flow) throw new RangeError(`Cannot find flow: side ${side} exceeds 1`);
    return flow;
  }

  #violate(side: SideIndex, rule: string): void {
    this.#options.onViolation(`side ${side}: ${rule}`);
  }

  #mix(...numbers: readonly number[]): void {
    for (const number of numbers) this.#trace = Math.imul(this.#trace ^ number, 0x01000193);
  }
}

interface Frame {
  readonly kind: number;
  readonly flags: number;
  readonly id: number;
  readonly body: Bytes;
}
