/**
 * The near process of the js-libp2p contender: connects to the far one and measures on command, one
 * line in, one line of JSON out. See {@link HELP}.
 *
 * No figure is printed before its answer was checked: a wrong one ends the process with exit code 1.
 */

import type { Connection, Stream } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import {
  ECHO_PROTOCOL,
  MAX_IN_FLIGHT,
  MAX_STREAMS,
  REQUEST_PROTOCOL,
  ROUND_BYTES,
  ROUND_DONE,
  ROUND_WRITES,
  SINK_PROTOCOL,
  startNode,
  WRITE_BYTES,
} from "./libp2p_node.ts";
import { AnswerReader, drained } from "./libp2p_stream.ts";

const SMALL_BYTES = 64;

const HELP = `Usage: deno run -A libp2p_near.ts ADDRESS

Connects to ADDRESS, as libp2p_far.ts prints it, and obeys the lines of standard input:

  push          One round of ${ROUND_WRITES} writes of ${WRITE_BYTES} bytes: {"MBps": x}
  echo N        N round trips of ${SMALL_BYTES} bytes on an open stream: {"us": [...]}
  request N     N requests of ${SMALL_BYTES} bytes, each on a stream of its own: {"us": [...]}
  requests N M  N such requests, M of them in flight: {"per_s": x}
  pid           The id of this process: {"pid": n}
  quit          Ends, as the end of the input does`;

/** A stream and the reader of its answers. */
interface Line {
  readonly stream: Stream;
  readonly answers: AnswerReader;
}

/** What the commands work with. */
interface Lines {
  readonly connection: Connection;
  readonly sink: Line;
  readonly echo: Line;
}

async function openLine(connection: Connection, protocol: string): Promise<Line> {
  const stream = await connection.newStream(protocol, { maxOutboundStreams: MAX_STREAMS });
  return { stream, answers: new AnswerReader(stream) };
}

/** Megabytes a second of one round, from its first write until the far side has counted it. */
async function push({ stream, answers }: Line): Promise<number> {
  const bytes = new Uint8Array(WRITE_BYTES);
  const startedMs = performance.now();
  for (let i = 0; i < ROUND_WRITES; i++) {
    if (stream.writableNeedsDrain) await drained(stream);
    stream.send(bytes);
  }
  const answer = await answers.read(ROUND_DONE.length, "full");
  const tookMs = performance.now() - startedMs;
  checkEqual(answer, ROUND_DONE);
  return ROUND_BYTES / 1000 / tookMs;
}

/** Microseconds of `count` round trips, one after the other. */
async function echo({ stream, answers }: Line, count: number): Promise<number[]> {
  const tookUs: number[] = [];
  for (let i = 0; i < count; i++) {
    const question = questionOf(i);
    const startedMs = performance.now();
    stream.send(question);
    const answer = await answers.read(SMALL_BYTES, "full");
    tookUs.push((performance.now() - startedMs) * 1000);
    checkEqual(answer, question);
  }
  return tookUs;
}

/** One request: a new stream, the question, the end of writing, the answer until its end. */
async function request(connection: Connection, question: Uint8Array): Promise<Uint8Array> {
  const { stream, answers } = await openLine(connection, REQUEST_PROTOCOL);
  stream.send(question);
  const [answer] = await Promise.all([answers.read(SMALL_BYTES, "end"), stream.close()]);
  return answer;
}

/** Microseconds of `count` requests, one after the other. */
async function requestInTurn(connection: Connection, count: number): Promise<number[]> {
  const tookUs: number[] = [];
  for (let i = 0; i < count; i++) {
    const question = questionOf(i);
    const startedMs = performance.now();
    const answer = await request(connection, question);
    tookUs.push((performance.now() - startedMs) * 1000);
    checkEqual(answer, question);
  }
  return tookUs;
}

/** Requests a second of `count` in all, `inFlight` at a time. */
async function requestAtOnce(
  connection: Connection,
  count: number,
  inFlight: number,
): Promise<number> {
  let next = 0;
  let answered = 0;
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (next < count) {
      const question = questionOf(next++);
      checkEqual(await request(connection, question), question);
      answered++;
    }
  }));
  const tookMs = performance.now() - startedMs;
  if (answered !== count) throw new Error(`Cannot count requests: ${answered} of ${count}`);
  return count / tookMs * 1000;
}

/** Bytes that differ in each place from those of the questions just before and after. */
function questionOf(index: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: SMALL_BYTES }, (_, place) => index * 7 + place);
}

function checkEqual(answer: Uint8Array, expected: Uint8Array): void {
  const isEqual = answer.length === expected.length &&
    answer.every((byte, i) => byte === expected[i]);
  if (!isEqual) throw new Error("Cannot trust the figure: the answer is not the one expected");
}

/** Obeys one command; what it returns is printed. */
async function obey(command: string, lines: Lines): Promise<unknown> {
  const [name, ...numbers] = command.trim().split(/\s+/);
  switch (name) {
    case "push":
      return { MBps: await push(lines.sink) };
    case "echo":
      return { us: await echo(lines.echo, readCount(numbers[0])) };
    case "request":
      return { us: await requestInTurn(lines.connection, readCount(numbers[0])) };
    case "requests": {
      const inFlight = readCount(numbers[1], MAX_IN_FLIGHT);
      return { per_s: await requestAtOnce(lines.connection, readCount(numbers[0]), inFlight) };
    }
    case "pid":
      return { pid: Deno.pid };
    default:
      throw new TypeError(`Cannot obey ${JSON.stringify(command)}: see --help`);
  }
}

function readCount(text: string | undefined, max = 1_000_000): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= max) return count;
  throw new RangeError(`Cannot count ${text}: expected a whole number within 1..${max}`);
}

async function* linesOf(input: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of input.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

async function run(address: string): Promise<void> {
  const node = await startNode([]);
  const connection = await node.dial(multiaddr(address));
  const lines: Lines = {
    connection,
    sink: await openLine(connection, SINK_PROTOCOL),
    echo: await openLine(connection, ECHO_PROTOCOL),
  };
  for await (const command of linesOf(Deno.stdin.readable)) {
    if (command.trim() === "quit") break;
    console.log(JSON.stringify(await obey(command, lines)));
  }
  await node.stop();
}

if (import.meta.main) {
  const [address] = Deno.args;
  if (address === "--help" || address === "-h") {
    console.log(HELP);
    Deno.exit(0);
  }
  if (address === undefined || Deno.args.length > 1) {
    console.error("Expected one ADDRESS; see --help");
    Deno.exit(2);
  }
  try {
    await run(address);
    Deno.exit(0);
  } catch (error) {
    console.error(`Cannot measure: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
