/**
 * `POST /v1/query {"name", "where", "data", "timeout_s"}`: asks the village and answers with lines of JSON, each
 * member's answer as it comes. Closing the connection ends the query.
 */

import type { Agent } from "../agent/agent.ts";
import type { Clock } from "../base/clock.ts";
import { isObject } from "../base/guards.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import { type Filter, matchesFilter, parseFilter } from "../gossip/filter.ts";
import { MAX_ANSWERS_OF_QUERY } from "../gossip/query.ts";
import type { EventFeed } from "./event_feed.ts";
import { memberNameOf } from "./gossip_views.ts";
import { JsonLines } from "./json_lines.ts";
import type { QueryEvent } from "./query_events.ts";

export interface QueryRequest {
  readonly name: string;
  /** A filter that can be read, or nothing: everybody. */
  readonly where: string;
  readonly data: string;
  readonly deadlineMs: number;
}

export interface QueryRouteOptions {
  readonly agent: Agent;
  readonly clock: Clock;
  /** Who answers on this device. */
  readonly feed: EventFeed;
  readonly signal: AbortSignal;
}

/** Asks the village, until everybody has answered, the time is up or `signal` ends it. Throws `EventError` `too_fast`. */
export function queryResponse(
  { agent, clock, feed, signal }: QueryRouteOptions,
  request: QueryRequest,
): Response {
  const startMs = clock.now();
  const seconds = () => Math.round(clock.now() - startMs) / 1000;
  let answers = 0;
  let asked = membersAsked(agent, request.where);
  const stop = () => handle.stop();
  // As many as can answer at all, and the first and the last line.
  const lines = new JsonLines({ maxLines: MAX_ANSWERS_OF_QUERY + 2, onGone: stop });
  const tell = (event: QueryEvent) => lines.push(event);
  const handle = agent.villager.query({
    ...request,
    onAnswer(id, text) {
      answers++;
      tell({ event: "answer", ...memberOf(agent, id), text, seconds: seconds() });
      // With a filter others may match than those of whom we know it.
      if (request.where === "" && answers >= asked) stop();
    },
    onEnd() {
      signal.removeEventListener("abort", stop);
      lines.end({ event: "done", answers, asked: Math.max(asked, answers), seconds: seconds() });
    },
  });
  signal.addEventListener("abort", stop);
  // This device is asked where somebody on it waits for such queries.
  if (feed.isOpen(handle.id)) asked++;
  tell({ event: "asked", asked });
  if (asked === 0 && request.where === "") stop();
  return lines.response;
}

/** Members but us that should answer and may match. */
function membersAsked(agent: Agent, where: string): number {
  const { members } = agent.villager.gossip;
  const filter = where === "" ? undefined : parseFilter(where);
  let count = 0;
  for (const { id } of members.records()) {
    const isAwake = ["alive", "suspect"].includes(members.stateOf(id) ?? "");
    if (id !== agent.identity.id && isAwake && (!filter || mayMatch(agent, id, filter))) count++;
  }
  return count;
}

/** Whether the last word of a member on what it can do matches; whoever said nothing yet may. */
function mayMatch({ villager }: Agent, id: PeerId, filter: Filter): boolean {
  const record = villager.gossip.capabilitiesOf(id);
  if (record === undefined) return true;
  const value: unknown = JSON.parse(record);
  return isObject(value) && matchesFilter(filter, value);
}

function memberOf(agent: Agent, id: PeerId) {
  return { node_id: id, short_id: shortId(id), name: memberNameOf(agent, id) };
}
