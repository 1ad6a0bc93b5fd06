/**
 * The control API's routes about what the village tells and asks: event, query, answer, events, sleep, wake.
 */

import type { Agent } from "../agent/agent.ts";
import { encodeUtf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { FieldError, type Fields } from "../base/guards.ts";
import { isEventName, MAX_DATA_BYTES } from "../gossip/event.ts";
import { MAX_ANSWER_BYTES } from "../gossip/event_message.ts";
import { FilterError, MAX_FILTER_LENGTH, parseFilter } from "../gossip/filter.ts";
import type { RecordStatus } from "../gossip/member_record.ts";
import { encodeQuestion, MAX_DEADLINE_MS } from "../gossip/query.ts";
import { EventFeed } from "./event_feed.ts";
import { MemberHistory } from "./member_history.ts";
import { queryResponse } from "./query_route.ts";
import { MEMBER_PREFIX } from "./village_events.ts";

export interface VillageRoutesOptions {
  readonly agent: Agent;
  readonly clock: Clock;
}

export interface EventView {
  readonly name: string;
  /** Bytes of data. */
  readonly bytes: number;
  /** Other members that should hear of it, as far as is known here. */
  readonly members: number;
}

export interface SleepView {
  /** What this device says of itself now. */
  readonly state: RecordStatus;
  /** Neighbours that were told at once. */
  readonly told: number;
}

/** The longest that a query may take, seconds. */
export const MAX_TIMEOUT_S = MAX_DEADLINE_MS / 1_000;
const TIMEOUT_S = Object.freeze({ min: 0.001, max: MAX_TIMEOUT_S, absent: 5 });

export class VillageRoutes {
  readonly history: MemberHistory;
  readonly #options: VillageRoutesOptions;
  readonly #feed: EventFeed;
  readonly #stop = new AbortController();

  constructor(options: VillageRoutesOptions) {
    this.#options = options;
    this.#feed = new EventFeed(options);
    this.history = new MemberHistory(options.agent, options.clock);
  }

  event(fields: Fields): EventView {
    const name = readName(fields);
    const data = readText(fields, "data", MAX_DATA_BYTES);
    const { villager } = this.#options.agent;
    villager.broadcast(name, data);
    const members = villager.gossip.members.awake - Number(this.#state === "alive");
    return { name, bytes: encodeUtf8(data).length, members };
  }

  /** Lines of JSON, until the query is over. */
  query(fields: Fields): Response {
    const question = {
      name: readName(fields),
      where: readFilter(fields),
      data: readText(fields, "data", MAX_DATA_BYTES),
      deadlineMs: Math.round(fields.number("timeout_s", TIMEOUT_S) * 1_000),
    };
    const { length } = encodeUtf8(encodeQuestion(question));
    if (length > MAX_DATA_BYTES) {
      const reason = `${length} bytes with the filter exceed ${MAX_DATA_BYTES}`;
      throw new FieldError("invalid_field", "body.data", reason);
    }
    const { signal } = this.#stop;
    return queryResponse({ ...this.#options, feed: this.#feed, signal }, question);
  }

  /** Lines of JSON, until the client goes. */
  events(search: URLSearchParams): Response {
    const name = search.get("name") ?? undefined;
    if (name !== undefined && !isEventName(name)) throw noName("name");
    return this.#feed.watch(name);
  }

  answer(fields: Fields): { readonly answered: true } {
    const id = fields.text("id", { maxLength: 64 });
    this.#feed.answer(id, readText(fields, "text", MAX_ANSWER_BYTES));
    return { answered: true };
  }

  /** Says that this device will not answer for a while; once is enough. */
  sleep(): SleepView {
    const { villager } = this.#options.agent;
    if (this.#state !== "asleep") villager.sleep();
    return this.#declared();
  }

  wake(): SleepView {
    this.#options.agent.villager.wake();
    return this.#declared();
  }

  /** Ends all watching and asking. */
  close(): void {
    this.history.close();
    this.#feed.close();
    this.#stop.abort();
  }

  get #state(): RecordStatus {
    return this.#options.agent.villager.gossip.own.status;
  }

  #declared(): SleepView {
    const { identity, villager } = this.#options.agent;
    this.history.note(identity.id);
    return { state: this.#state, told: villager.gossip.neighbours.size };
  }
}

function readName(fields: Fields): string {
  const name = fields.text("name", { maxLength: 64 });
  if (!isEventName(name)) throw noName("body.name");
  if (!name.startsWith(MEMBER_PREFIX)) return name;
  throw new FieldError(
    "invalid_field",
    "body.name",
    `names that begin with ${MEMBER_PREFIX} are of member changes`,
  );
}

function noName(field: string): FieldError {
  const reason = "expected 1 to 64 of a-z, 0-9, _, . and -, the first a letter or a digit";
  return new FieldError("invalid_field", field, reason);
}

/** Any text, control characters and all, of so many bytes; none where it is absent. */
function readText(fields: Fields, key: string, maxBytes: number): string {
  const text = fields.raw(key) ?? "";
  if (typeof text !== "string" || !text.isWellFormed()) {
    throw new FieldError("invalid_field", `body.${key}`, "expected text");
  }
  const { length } = encodeUtf8(text);
  if (length <= maxBytes) return text;
  throw new FieldError("invalid_field", `body.${key}`, `${length} bytes exceed ${maxBytes}`);
}

function readFilter(fields: Fields): string {
  const where = fields.textOrNull("where", { minLength: 0, maxLength: MAX_FILTER_LENGTH }) ?? "";
  try {
    if (where !== "") parseFilter(where);
    return where;
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw new FieldError("invalid_field", "body.where", error.message);
  }
}
