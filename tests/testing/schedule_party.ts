/** One side of a simulated session: who acts there, and what came of it. */

import { type Bytes, readU32, writeU32 } from "../../src/base/bytes.ts";
import { type Clock, pause } from "../../src/base/clock.ts";
import { type Random, randomBelow } from "../../src/base/random.ts";
import { type Appointment, Timetable } from "../../src/base/timetable.ts";
import type { MuxStream } from "../../src/channel/mux_stream.ts";
import { Requester } from "../../src/channel/requests.ts";
import { Responder } from "../../src/channel/responder.ts";
import { PRIORITIES, type Priority } from "../../src/channel/scheduler.ts";
import type { FrameLedger } from "./frame_ledger.ts";
import { type End, otherSide, type SideIndex } from "./link_pair.ts";
import { codeOf, readTape, type Result, type Stage, writeTape } from "./schedule_actors.ts";
import type { MessagePlan, RequestPlan, SchedulePlan, StreamPlan } from "./schedule_plan.ts";
import { ask, handlerOf } from "./schedule_requests.ts";
import { Tape } from "./tape.ts";

/** A stream, and by side how its writing and its reading went and how all of it ended. */
export interface StreamRecord {
  readonly id: number;
  readonly plan: StreamPlan;
  readonly written: (Result | undefined)[];
  readonly read: (Result | undefined)[];
  /** `ok`, or the error's code. */
  readonly closed: (string | undefined)[];
}

export interface PartyOptions {
  readonly end: End;
  readonly plan: SchedulePlan;
  readonly random: Random;
  readonly clock: Clock;
  readonly ledger: FrameLedger;
  /** The streams that are no requests', of both sides. */
  readonly records: Map<number, StreamRecord>;
  readonly onViolation: (rule: string) => void;
}

/** Priority and number in front of a message. */
const MESSAGE_HEAD_BYTES = 5;
const FIRST_MESSAGE_TAPE = 30_000;

export function priorityOf(message: Bytes): Priority {
  return (message[0] ?? 0) as Priority;
}

/** A timetable that knows how many deadlines were neither kept nor dropped. */
class CountedTimetable extends Timetable {
  readonly #open = new Set<Appointment>();

  get open(): number {
    return this.#open.size;
  }

  override add(delayMs: number, onDue: () => void): Appointment {
    const appointment = super.add(delayMs, () => {
      this.#open.delete(appointment);
      onDue();
    });
    this.#open.add(appointment);
    return appointment;
  }

  override remove(appointment: Appointment): void {
    this.#open.delete(appointment);
    super.remove(appointment);
  }
}

export class Party {
  readonly side: SideIndex;
  readonly end: End;
  readonly responder: Responder;
  /** Why the link is gone. */
  lost: string | undefined;
  /** What came of each request. */
  readonly replies = new Map<RequestPlan, string>();
  /** By priority: messages that it sent, and those of the other side that it has. */
  readonly messagesSent: number[] = Array.from({ length: PRIORITIES }, () => 0);
  readonly messagesRead: number[] = Array.from({ length: PRIORITIES }, () => 0);
  readonly #options: PartyOptions;
  readonly #stage: Stage;
  readonly #requester: Requester;
  readonly #timetable: CountedTimetable;
  readonly #accept: () => MuxStream | undefined;
  /** Streams of requests that the responder has not taken. */
  readonly #asked: MuxStream[] = [];
  readonly #actors = new Set<string>();
  #spawned = 0;
  readonly #abort = new AbortController();

  constructor(options: PartyOptions) {
    const { end, plan, random, clock, onViolation } = this.#options = options;
    const { mux, events } = this.end = end;
    this.side = end.index;
    this.#stage = {
      random,
      onViolation,
      pause: () => this.#pause(randomBelow(random, plan.pauseMs)),
    };
    const timetable = this.#timetable = new CountedTimetable(clock);
    this.#accept = mux.accept.bind(mux);
    mux.accept = () => this.#asked.shift();
    this.#requester = new Requester(mux, timetable);
    const handler = handlerOf(plan.requests, this.#stage);
    this.responder = new Responder({
      mux,
      timetable,
      handlerOf: () => handler,
      onFault: (error) => onViolation(`a handler failed: ${error}`),
    });
    events.onIncoming = () => this.#onIncoming();
    events.onMessage = (body) => this.#onMessage(body);
    events.onClosed = (code) => this.#onClosed(code);
  }

  /** Those who have not finished. */
  get busy(): readonly string[] {
    const handlers = Array.from({ length: this.responder.active }, () => "a handler");
    return [...this.#actors, ...handlers];
  }

  openStream(plan: StreamPlan): void {
    this.#spawn("an opener", async () => {
      await this.#pause(plan.atMs);
      if (this.lost) return this.#checkRefusal();
      const stream = this.end.mux.open(plan.priority);
      const record = { id: stream.id, plan, written: [], read: [], closed: [] };
      this.#options.records.set(stream.id, record);
      this.#play(stream, record);
    });
  }

  sendRequest(plan: RequestPlan): void {
    const abort = new AbortController();
    const { number, atMs, cancelAfterMs } = plan;
    this.#spawn(`request ${number}`, async () => {
      await this.#pause(atMs);
      if (cancelAfterMs !== Infinity) {
        this.#spawn(`the end of request ${number}`, async () => {
          await this.#pause(cancelAfterMs);
          abort.abort();
        });
      }
      const { signal } = abort;
      this.replies.set(plan, await ask(this.#requester, plan, { stage: this.#stage, signal }));
    });
  }

  sendMessage({ atMs, priority, bytes }: MessagePlan): void {
    this.#spawn("a message", async () => {
      await this.#pause(atMs);
      if (this.lost) return;
      const number = this.messagesSent[priority] ?? 0;
      this.messagesSent[priority] = number + 1;
      const body = messageTape(this.side, priority, number).copy(0, bytes);
      body[0] = priority;
      writeU32(body, 1, number);
      this.end.mux.sendMessage(body, priority);
    });
  }

  ping(atMs: number): void {
    this.#spawn("a ping", async () => {
      await this.#pause(atMs);
      if (!this.lost) this.end.mux.ping();
    });
  }

  /** Frees what outlives the session's end: a timer or two, and no deadline. */
  close(): void {
    const { open } = this.#timetable;
    if (open > 0) this.#options.onViolation(`${open} deadlines are left at side ${this.side}`);
    this.#timetable.clear();
    this.end.shaper?.close();
  }

  /** Both directions of a stream, as far as they are this side's. */
  #play(stream: MuxStream, { id, plan, written, read, closed }: StreamRecord): void {
    const { side } = this;
    const stage = this.#stage;
    const isOurs = side === plan.opener;
    const [ours, theirs] = isOurs ? [plan.forth, plan.back] : [plan.back, plan.forth];
    this.#options.ledger.attach(side, stream);
    this.#spawn(`the writer of ${id}`, async () => {
      written[side] = await writeTape(stream, streamTape(id, side), { plan: ours, stage });
    });
    this.#spawn(`the reader of ${id}`, async () => {
      const tape = streamTape(id, otherSide(side));
      read[side] = await readTape(stream, tape, { plan: theirs, stage });
    });
    this.#spawn(`the end of ${id}`, async () => {
      closed[side] = await stream.closed.then(() => "ok", codeOf);
    });
  }

  #onIncoming(): void {
    const { acceptLagMs } = this.#options.plan;
    if (acceptLagMs === 0) return this.#takeIncoming();
    this.#spawn("an acceptance", async () => {
      await this.#pause(acceptLagMs);
      this.#takeIncoming();
    });
  }

  #takeIncoming(): void {
    for (let stream = this.#accept(); stream; stream = this.#accept()) {
      const record = this.#options.records.get(stream.id);
      if (record) this.#play(stream, record);
      else this.#asked.push(stream);
    }
    this.responder.serve();
  }

  #onMessage(body: Bytes): void {
    const { onViolation } = this.#options;
    const priority = priorityOf(body);
    const number = this.messagesRead[priority] ?? 0;
    this.messagesRead[priority] = number + 1;
    const found = readU32(body, 1);
    if (found !== number) onViolation(`message ${found} comes where ${number} was due`);
    const tape = messageTape(otherSide(this.side), priority, found);
    const wrong = tape.mismatch(body.subarray(MESSAGE_HEAD_BYTES), MESSAGE_HEAD_BYTES);
    if (wrong !== undefined) onViolation(`message ${found} differs at byte ${wrong}`);
  }

  #onClosed(code: string): void {
    this.lost = code;
    const { streams } = this.end.mux;
    if (streams > 0) {
      this.#options.onViolation(`${streams} streams outlive the session of side ${this.side}`);
    }
    this.#abort.abort();
  }

  /** After the session nothing can be opened. */
  #checkRefusal(): void {
    try {
      this.end.mux.open();
      this.#options.onViolation("a stream was opened after the session");
    } catch (error) {
      const code = codeOf(error);
      if (code !== "lost") this.#options.onViolation(`an opening failed as ${code}`);
    }
  }

  /** Lets somebody act; the session waits for whoever acts. */
  #spawn(name: string, act: () => Promise<void>): void {
    const label = `${name} at side ${this.side}, number ${this.#spawned++}`;
    this.#actors.add(label);
    act().catch((error) => this.#options.onViolation(`${label} failed: ${error}`))
      .finally(() => this.#actors.delete(label));
  }

  #pause(ms: number): Promise<void> {
    return pause(this.#options.clock, ms, this.#abort.signal);
  }
}

function streamTape(id: number, writer: SideIndex): Tape {
  return new Tape(id * 2 + writer);
}

function messageTape(from: SideIndex, priority: Priority, number: number): Tape {
  return new Tape(FIRST_MESSAGE_TAPE + (number * PRIORITIES + priority) * 2 + from);
}
