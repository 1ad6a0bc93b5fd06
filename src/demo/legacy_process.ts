/**
 * An old node as a process of its own: a hidden mode of the binary that the demo starts, and the lines it
 * prints for the demo, one JSON object each.
 */

import { type Clock, pause } from "../base/clock.ts";
import { FieldError, Fields } from "../base/guards.ts";
import type { Address } from "../net/address.ts";
import { type AskFailure, LegacyNode, type Via } from "./legacy_node.ts";

/** What the process says. */
export type LegacyEvent =
  | { readonly event: "ready"; readonly id: string; readonly port: number }
  | { readonly event: "registered"; readonly id: string; readonly via: Via }
  | { readonly event: "unanswered"; readonly reason: string };

export interface LegacyProcessOptions {
  /** Where to listen; 0 takes any free port. */
  readonly port: number;
  /** Whom to ask, again and again, as the deployed scan does. */
  readonly peers: readonly Address[];
  /** Ends after this time whatever happens, so that it never outlives a demo that was killed. */
  readonly seconds: number;
  readonly clock: Clock;
  /** Pause between two rounds of requests. */
  readonly everyMs?: number;
  /** Ends the process early. */
  readonly signal?: AbortSignal;
  write(text: string): void;
}

/** The deployed scan takes a minute; people who watch a demo have less patience. */
const DEFAULT_EVERY_MS = 500;
const MAX_ID_LENGTH = 512;

/** Runs an old node until its time is over or `signal` aborts; resolves once its sockets are gone. */
export async function runLegacyNode(options: LegacyProcessOptions): Promise<void> {
  const { clock, peers, signal } = options;
  const say = (event: LegacyEvent) => options.write(`${JSON.stringify(event)}\n`);
  const node = new LegacyNode({
    port: options.port,
    clock,
    onRegistered: (peer, via) => say({ event: "registered", id: peer.id, via }),
  });
  const over = new AbortController();
  const end = () => over.abort();
  const timer = clock.schedule(options.seconds * 1000, end);
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted) end();
  say({ event: "ready", id: node.id, port: node.port });
  try {
    let last: AskFailure | undefined;
    while (!over.signal.aborted) {
      for (const { host, port } of peers) {
        const result = await node.ask(host, port);
        const failure = "failure" in result ? result.failure : undefined;
        if (failure && failure !== last) say({ event: "unanswered", reason: failure });
        last = failure;
      }
      await pause(clock, options.everyMs ?? DEFAULT_EVERY_MS, over.signal);
    }
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", end);
    await node.close();
  }
}

/** Reads one printed line; `undefined` when it is none of ours. */
export function readLegacyEvent(line: string): LegacyEvent | undefined {
  try {
    const fields = Fields.of(JSON.parse(line));
    const event = fields.oneOf("event", ["ready", "registered", "unanswered"] as const);
    if (event === "unanswered") return { event, reason: fields.text("reason", { maxLength: 64 }) };
    const id = fields.text("id", { maxLength: MAX_ID_LENGTH });
    if (event === "ready") {
      return { event, id, port: fields.integer("port", { min: 1, max: 65_535 }) };
    }
    return { event, id, via: fields.oneOf("via", ["reply", "request"] as const) };
  } catch (error) {
    if (error instanceof FieldError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
