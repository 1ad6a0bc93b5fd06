/**
 * The attacker: ten thousand hostile discoveries from a hundred addresses against one agent, with an honest
 * newcomer asking all the while. A program: `attacker.ts PLAN` prints one {@link AttackReport}.
 */

import type { JsonObject } from "../../../src/base/guards.ts";
import { pause, systemClock } from "../../../src/base/clock.ts";
import { signedRequest } from "../../../tests/interop/counterpart.ts";
import { createIdentity, isSignedBy } from "../../../tests/interop/counterpart_identity.ts";
import { type HostileMessages, hostileMessages, type Knowledge } from "./hostile_messages.ts";
import { SourcedWire } from "./sourced_wire.ts";

export interface AttackPlan extends Knowledge {
  readonly target: { readonly host: string; readonly port: number };
  /** Addresses of this host to attack from. */
  readonly sources: readonly string[];
  /** Addresses of this host that nobody has used yet: one asks during the attack, one afterwards. */
  readonly honest: readonly [during: string, after: string];
}

export interface AttackReport {
  readonly sent: number;
  readonly seconds: number;
  /** How often each answer came: a reply, an error's code, or none. */
  readonly answers: Readonly<Record<string, number>>;
  /** How long each honest discovery took, s; `null` where it was not answered rightly. */
  readonly honest_during_s: readonly (number | null)[];
  readonly honest_after_s: number | null;
}

/** Of each kind, from each address: together what an address may ask in one burst. */
const PER_SOURCE = Object.freeze({ unsigned: 40, misSigned: 20, replayed: 20, stale: 20 });
/** Addresses at work at the same time. */
const WORKERS = 16;
const HONEST_MS = 250;

async function attack(plan: AttackPlan): Promise<AttackReport> {
  const messages = hostileMessages(plan);
  const answers = new Map<string, number>();
  const startMs = systemClock.now();
  const over = new AbortController();
  const honest = askHonestly(plan, over.signal);
  const waiting = plan.sources.map((source, number) => ({ source, number }));
  await Promise.all(Array.from({ length: WORKERS }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      await attackFrom(plan, next.source, next.number, messages, (answer) => {
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      });
    }
  }));
  const seconds = (systemClock.now() - startMs) / 1000;
  over.abort();
  return {
    sent: [...answers.values()].reduce((sum, count) => sum + count, 0),
    seconds,
    answers: Object.fromEntries([...answers].sort()),
    honest_during_s: await honest,
    honest_after_s: await timeHonest(plan, plan.honest[1]),
  };
}

/** All that one address sends. What is unsigned goes over one connection, a signature needs its own. */
async function attackFrom(
  { target }: AttackPlan,
  source: string,
  number: number,
  messages: HostileMessages,
  count: (answer: string) => void,
): Promise<void> {
  let wire = SourcedWire.open(source, target);
  for (let i = 0; i < PER_SOURCE.unsigned; i++) {
    const answer = await wire.ask(messages.unsigned(number * PER_SOURCE.unsigned + i));
    count(wordFor(answer));
    if (answer) continue;
    wire[Symbol.dispose]();
    wire = SourcedWire.open(source, target);
  }
  wire[Symbol.dispose]();
  for (const kind of ["misSigned", "replayed", "stale"] as const) {
    for (let i = 0; i < PER_SOURCE[kind]; i++) {
      using own = SourcedWire.open(source, target);
      count(wordFor(await own.ask(messages[kind](number * PER_SOURCE[kind] + i))));
    }
  }
}

function wordFor(answer: JsonObject | undefined): string {
  if (!answer) return "none";
  return answer["type"] === "ERROR" ? String(answer["code"]) : "reply";
}

async function askHonestly(plan: AttackPlan, signal: AbortSignal): Promise<(number | null)[]> {
  const times: (number | null)[] = [];
  while (!signal.aborted) {
    times.push(await timeHonest(plan, plan.honest[0]));
    await pause(systemClock, HONEST_MS, signal);
  }
  return times;
}

/** From connecting to the signed reply, s; `null` when that does not come. */
async function timeHonest({ target }: AttackPlan, source: string): Promise<number | null> {
  const request = signedRequest(createIdentity());
  const startMs = systemClock.now();
  using wire = SourcedWire.open(source, target);
  const reply = await wire.ask(request);
  const seconds = Math.round(systemClock.now() - startMs) / 1000;
  const isRight = reply && reply["reply_to"] === request["nonce"];
  return isRight && isSignedBy(reply["node_id"], reply) ? seconds : null;
}

// Our own trial's words.
if (import.meta.main) console.log(JSON.stringify(await attack(JSON.parse(Deno.args[0] ?? ""))));
