/**
 * `GET /v1/events`: what the village tells and asks, for commands that wait for it, one line of JSON each.
 *
 * ```
 * villager -- event | query | member change --> watchers that want its name --> 256 lines each --> client
 *    ^                    +- kept until answered, or 5 min
 *    +---------------- POST /v1/answer -------------------------------------------------------------+
 * ```
 *
 * A watcher that does not read is told so and ended: what it missed it could not know.
 */

import type { Agent } from "../agent/agent.ts";
import type { Clock } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { ReceivedQuery } from "../gossip/events.ts";
import type { GossipEvent } from "../gossip/gossip.ts";
import { MAX_DEADLINE_MS, MAX_QUERIES } from "../gossip/query.ts";
import { memberNameOf } from "./gossip_views.ts";
import { JsonLines } from "./json_lines.ts";
import { type Happening, MEMBER_PREFIX, type VillageEvent } from "./village_events.ts";

export interface EventFeedOptions {
  readonly agent: Agent;
  readonly clock: Clock;
}

/** A request about events that cannot be served. */
export class EventFeedError extends CodedError<"too_many_watchers" | "unknown_query"> {
  override readonly name = "EventFeedError";
}

export const MAX_WATCHERS = 16;
/** Lines that wait for one watcher. */
export const MAX_WAITING_LINES = 256;

interface Watcher {
  /** Of what it wants to hear; absent, everything. */
  readonly name: string | undefined;
  readonly lines: JsonLines;
}

interface OpenQuery {
  readonly query: ReceivedQuery;
  readonly sinceMs: number;
}

export class EventFeed {
  readonly #options: EventFeedOptions;
  readonly #watchers = new Set<Watcher>();
  /** Queries that watchers were told of and nobody has answered, the oldest first. */
  readonly #queries = new Map<string, OpenQuery>();
  readonly #release: () => void;

  constructor(options: EventFeedOptions) {
    this.#options = options;
    this.#release = options.agent.villager.watch((event) => this.#onEvent(event));
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  get openQueries(): number {
    return this.#queries.size;
  }

  /**
   * An answer that tells what happens from now on: everything, or what has `name`. Throws {@link EventFeedError}
   * `too_many_watchers`.
   */
  watch(name: string | undefined): Response {
    if (this.#watchers.size >= MAX_WATCHERS) {
      throw new EventFeedError(
        "too_many_watchers",
        `Cannot watch: ${MAX_WATCHERS} watch already; end one of them`,
      );
    }
    const onGone = () => this.#watchers.delete(watcher);
    const watcher = { name, lines: new JsonLines({ maxLines: MAX_WAITING_LINES, onGone }) };
    this.#watchers.add(watcher);
    return watcher.lines.response;
  }

  /** Whether somebody here was told of a query, and may answer it. */
  isOpen(id: string): boolean {
    return this.#queries.has(id);
  }

  /** Answers a query. Throws {@link EventFeedError} `unknown_query`, `RangeError` above 1,024 bytes. */
  answer(id: string, text: string): void {
    const open = this.#queries.get(id);
    const isTaken = open !== undefined && this.#options.agent.villager.respond(open.query, text);
    this.#queries.delete(id);
    if (isTaken) return;
    throw new EventFeedError(
      "unknown_query",
      "Cannot answer: the query is over, was answered already, or was never asked here",
    );
  }

  /** Ends every watcher. */
  close(): void {
    this.#release();
    const message = "the agent stops, or moves to another network";
    for (const { lines } of this.#watchers) lines.end(ended("stopped", message));
    this.#watchers.clear();
    this.#queries.clear();
  }

  #onEvent(event: GossipEvent): void {
    if (this.#watchers.size === 0) return;
    switch (event.type) {
      case "event": {
        const { name, data, origin } = event.event;
        return void this.#tell({ kind: "event", name, data, ...this.#whose(origin) });
      }
      case "query": {
        const { id, name, data, origin } = event.query;
        const isTold = this.#tell({ kind: "query", id, name, data, ...this.#whose(origin) });
        if (isTold) this.#keep(event.query);
        return;
      }
      case "member": {
        const { id, incarnation, change } = event.member;
        const name = `${MEMBER_PREFIX}${change}`;
        const rest = { name, data: "", ...this.#whose(id), incarnation };
        return void this.#tell({ kind: "member", ...rest });
      }
      case "capabilities":
        return;
    }
  }

  /** Tells who wants to hear of it; whether anybody was told. */
  #tell(happening: Happening): boolean {
    let isTold = false;
    for (const watcher of this.#watchers) {
      if (!wants(watcher, happening)) continue;
      if (watcher.lines.push(happening)) isTold = true;
      else {
        this.#watchers.delete(watcher);
        const message = `${MAX_WAITING_LINES} lines were not read`;
        watcher.lines.cut(ended("too_slow", message));
      }
    }
    return isTold;
  }

  #keep(query: ReceivedQuery): void {
    const nowMs = this.#options.clock.now();
    for (const [id, { sinceMs }] of this.#queries) {
      if (nowMs - sinceMs < MAX_DEADLINE_MS && this.#queries.size < MAX_QUERIES) break;
      this.#queries.delete(id);
    }
    this.#queries.set(query.id, { query, sinceMs: nowMs });
  }

  #whose(id: PeerId) {
    const { agent, clock } = this.#options;
    return {
      origin: id,
      origin_name: memberNameOf(agent, id),
      received_unix_ms: Math.round(clock.wallMs()),
    };
  }
}

/** Of whatever name an event is, it is never taken for a member's change. */
function wants({ name }: Watcher, happening: Happening): boolean {
  if (name === undefined) return true;
  const isOfMember = happening.kind === "member";
  return happening.name === name && name.startsWith(MEMBER_PREFIX) === isOfMember;
}

function ended(code: "too_slow" | "stopped", message: string): VillageEvent {
  return { kind: "ended", code, message };
}
