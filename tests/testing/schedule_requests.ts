/** Who asks and who answers in a simulated session, each knowing what the other is to do. */

import type { Bytes } from "../../src/base/bytes.ts";
import { randomBelow } from "../../src/base/random.ts";
import type { IncomingBody } from "../../src/channel/body.ts";
import type { Requester } from "../../src/channel/requests.ts";
import {
  type IncomingRequest,
  type OutgoingReply,
  Refusal,
  type RequestHandler,
} from "../../src/channel/responder.ts";
import { codeOf, type Stage, TapeChecker } from "./schedule_actors.ts";
import { chance, type RequestPlan } from "./schedule_plan.ts";
import { Tape } from "./tape.ts";

/** Where the tapes of requests begin: far behind those of streams. */
const FIRST_TAPE = 20_000;
const MAX_PIECE_BYTES = 30_000;

/** Asks as planned. Returns `ok`, or why there was no whole reply. */
export async function ask(
  requester: Requester,
  plan: RequestPlan,
  { stage, signal }: { readonly stage: Stage; readonly signal: AbortSignal },
): Promise<string> {
  const { number, type, bodyBytes, deadlineMs, priority, isBodyStreamed } = plan;
  const tape = tapeOf(plan, "body");
  const padding = "x".repeat(plan.paddingBytes);
  const body = isBodyStreamed ? pieces(tape, bodyBytes, stage) : tape.copy(0, bodyBytes);
  try {
    const options = { body, deadlineMs, priority, signal };
    const reply = await requester.request(type, { number, padding }, options);
    const expected = type === "ECHO" ? bodyBytes : plan.replyBytes;
    const back = type === "ECHO" ? tape : tapeOf(plan, "reply");
    const checker = new TapeChecker(back, { stage, label: `reply ${number}` });
    const bytes = await readBody(reply.body, checker, stage);
    if (bytes !== expected) {
      stage.onViolation(`reply ${number} has ${bytes} bytes, not ${expected}`);
    }
    if (type === "COUNT" && reply.data["bytes"] !== bodyBytes) {
      stage.onViolation(`request ${number} arrived with ${reply.data["bytes"]} bytes`);
    }
    return "ok";
  } catch (error) {
    return codeOf(error);
  }
}

/** Answers as the asker's plan says. */
export function handlerOf(plans: readonly RequestPlan[], stage: Stage): RequestHandler {
  return (request) => {
    const plan = plans.find(({ number }) => number === request.data["number"]);
    if (!plan) throw new TypeError("Cannot answer: the request is not planned");
    return answer(request, plan, stage);
  };
}

/** What {@link ask} may come to, if the session lasts. */
export function outcomesOf({ type, cancelAfterMs, deadlineMs }: RequestPlan): readonly string[] {
  const outcomes = [type === "REFUSE" ? "busy" : "ok"];
  if (cancelAfterMs !== Infinity) outcomes.push("cancelled");
  if (type === "WAIT" && deadlineMs < 1_000) outcomes.push("timeout");
  return outcomes;
}

function answer(
  { body }: IncomingRequest,
  plan: RequestPlan,
  stage: Stage,
): OutgoingReply | Promise<OutgoingReply> {
  const reply = tapeOf(plan, "reply");
  switch (plan.type) {
    case "COUNT":
      return count(body, plan, stage);
    case "FETCH":
      return { body: pieces(reply, plan.replyBytes, stage) };
    case "ECHO":
      return { body };
    case "IGNORE":
      return {};
    case "REFUSE":
      throw new Refusal("busy", "Cannot answer: the plan says so");
    case "WAIT":
      return stage.pause().then(() => ({}));
  }
}

async function count(
  body: IncomingBody,
  plan: RequestPlan,
  stage: Stage,
): Promise<OutgoingReply> {
  const label = `request ${plan.number}`;
  const checker = new TapeChecker(tapeOf(plan, "body"), { stage, label });
  return { data: { bytes: await readBody(body, checker, stage) } };
}

/** Reads to the end, in one of the two ways. */
async function readBody(body: IncomingBody, checker: TapeChecker, stage: Stage): Promise<number> {
  if (chance(stage.random, 0.5)) {
    for (let piece = await body.read(); piece; piece = await body.read()) checker.check(piece);
    return checker.bytes;
  }
  const buffer = new Uint8Array(100 + randomBelow(stage.random, MAX_PIECE_BYTES));
  for (let n = await body.readInto(buffer); n !== undefined; n = await body.readInto(buffer)) {
    checker.check(buffer.slice(0, n));
  }
  return checker.bytes;
}

/** A body that is made while it is sent. */
async function* pieces(tape: Tape, bytes: number, stage: Stage): AsyncGenerator<Bytes> {
  for (let at = 0; at < bytes;) {
    const piece = tape.copy(
      at,
      Math.min(bytes - at, 1 + randomBelow(stage.random, MAX_PIECE_BYTES)),
    );
    at += piece.length;
    yield piece;
    if (randomBelow(stage.random, 8) === 0) await stage.pause();
  }
}

function tapeOf({ number }: RequestPlan, part: "body" | "reply"): Tape {
  return new Tape(FIRST_TAPE + number * 2 + (part === "body" ? 0 : 1));
}
