/**
 * The two whose villages are compared: how an agent of each is started, and what its log lines say.
 *
 * Agents are not asked while time is taken: 30 of them that answer questions on two cores are busy with that.
 * Both log every change of a member, and a line is timed when it arrives. serf holds its lines back until its
 * first attempt to join is over, some milliseconds.
 */

import { isObject } from "../../src/base/guards.ts";
import { type CommandLine, hamletLine } from "../../scripts/lib/lan/process.ts";

export const LOOPBACK = "127.0.0.1";

export type ContenderName = "serf" | "hamlet";
export type MemberState = "alive" | "suspect" | "dead" | "left" | "asleep";

/** What a line says: that the agent itself is ready under `id`, or how it sees the member `id`. */
export type Saying =
  | { readonly type: "ready"; readonly id: string }
  | { readonly type: "member"; readonly id: string; readonly state: MemberState };

/** Where an agent is and whom it is told of. */
export interface Post {
  readonly index: number;
  /** Where its peers reach it. */
  readonly port: number;
  /** Where the first agent listens; `undefined` for itself. */
  readonly firstPort: number | undefined;
  /** A directory of its own. */
  readonly directory: string;
}

export interface Contender {
  readonly name: ContenderName;
  commandLine(post: Post): CommandLine;
  /** What a line of the agent at `post` says; `undefined` where it does not matter here. */
  read(line: string, post: Post): Saying | undefined;
}

/** serf with its defaults, the LAN profile, and the key `key` for encryption. */
export function serfContender(key: string): Contender {
  return {
    name: "serf",
    commandLine: (post) => [
      ...["serf", "agent", "-node", serfName(post.index)],
      ...["-bind", `${LOOPBACK}:${post.port}`, "-rpc-addr", serfRpcAddress(post.index)],
      ...["-encrypt", key],
      ...(post.firstPort === undefined ? [] : ["-join", `${LOOPBACK}:${post.firstPort}`]),
    ],
    read(line, post) {
      if (line.includes("Serf agent running!")) return { type: "ready", id: serfName(post.index) };
      const [, word = "", id = ""] = line.match(/ serf: EventMember(\w+): (\S+)/) ?? [];
      const state = SERF_WORDS[word];
      return state && { type: "member", id, state };
    },
  };
}

/** Where the agent answers `serf members`. */
export function serfRpcAddress(index: number): string {
  return `${LOOPBACK}:${FIRST_RPC_PORT + index}`;
}

/** `hamlet up`, open, with its defaults. */
export const hamletContender: Contender = {
  name: "hamlet",
  commandLine: (post) =>
    hamletLine(
      ...["up", "--config", "off", "--open", "--listen", LOOPBACK, "--port", String(post.port)],
      ...["--state", post.directory],
      // It tells of members that are well at this level only.
      ...["--log", "json", "--log-level", "debug"],
      ...(post.firstPort === undefined ? [] : ["--peer", `${LOOPBACK}:${post.firstPort}`]),
    ),
  read(line) {
    const said: unknown = line.startsWith("{") ? JSON.parse(line) : undefined;
    if (!isObject(said)) return undefined;
    const { event, node, peer } = said;
    if (event === "hamlet is up") return { type: "ready", id: String(node) };
    const state = HAMLET_WORDS[String(event)];
    return state && { type: "member", id: String(peer), state };
  },
};

const FIRST_RPC_PORT = 21_000;

const SERF_WORDS: Readonly<Record<string, MemberState>> = Object.freeze({
  Join: "alive",
  Failed: "dead",
  Leave: "left",
});

/** The events by which an agent tells what became of a member; nothing else of its log is read. */
const HAMLET_WORDS: Readonly<Record<string, MemberState>> = Object.freeze({
  "member joined": "alive",
  "member alive": "alive",
  "member suspect": "suspect",
  "member dead": "dead",
  "member left": "left",
  "member asleep": "asleep",
});

function serfName(index: number): string {
  return `agent${index}`;
}
