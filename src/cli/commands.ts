/**
 * The commands: names, flags and help, without the code behind them, which is loaded when it is called.
 */

import { type Flag, type GivenFlags, HELP_FLAG } from "./flags.ts";

/** What a command is given besides its flags. */
export interface CommandContext {
  readonly flags: GivenFlags;
  /** Writes to standard output. */
  readonly write: (text: string) => void;
}

export interface Command {
  readonly name: string;
  /** Positional arguments in help, e.g. `PEER`. */
  readonly operands?: string;
  /** How many positional arguments it takes. */
  readonly operandCount?: readonly [min: number, max: number];
  readonly summary: string;
  readonly detail: string;
  readonly flags: readonly Flag[];
  readonly examples: readonly string[];
  /** Not listed: used by other commands. */
  readonly isHidden?: boolean;
  /** Runs it and resolves with the exit code. */
  readonly load: () => Promise<{ run(context: CommandContext): Promise<number> }>;
}

const STATE: Flag = {
  name: "state",
  kind: "text",
  value: "DIR",
  help: "State directory (default: HAMLET_STATE, or your system's place for such files)",
};
const JSON_FLAG: Flag = { name: "json", kind: "switch", help: "Print JSON instead of text" };
const WATCH: Flag = {
  name: "watch",
  short: "w",
  kind: "switch",
  help: "Show it again every second until Ctrl-C",
};

export const COMMANDS: readonly Command[] = Object.freeze([
  {
    name: "up",
    summary: "Start this machine's agent and join the village",
    detail:
      "Runs until Ctrl-C. Serves old JSON nodes and encrypted peers on one port, finds out what\n" +
      "this device can do, and keeps dialling the peers you name and those it learns of.",
    flags: [
      {
        name: "peer",
        kind: "list",
        value: "HOST:PORT",
        help: "Dial this address, and again whenever the session is lost (repeatable)",
      },
      {
        name: "port",
        kind: "text",
        value: "PORT",
        help: "Port to serve (default: the first free one of 9000 to 9005; 0 takes any)",
      },
      {
        name: "listen",
        kind: "text",
        value: "HOST",
        help: "Address to serve on (default: 0.0.0.0, every IPv4 interface)",
      },
      {
        name: "legacy",
        kind: "text",
        value: "off|lan|any",
        help: "Who may use the old unsigned discovery (default: lan, private networks)",
      },
      {
        name: "open",
        kind: "switch",
        help: "Let any authenticated key join (always so in this version)",
      },
      {
        name: "crypto",
        kind: "text",
        value: "auto|noble",
        help:
          "Cryptography: the fastest that passes its self-test, or the reference (default: auto)",
      },
      {
        name: "max-up",
        kind: "text",
        value: "RATE",
        help: "Send at most so many bit/s, over all peers, e.g. 10M (default: no limit)",
      },
      {
        name: "max-down",
        kind: "text",
        value: "RATE",
        help: "Receive at most so many bit/s (default: no limit)",
      },
      {
        name: "max-connections",
        kind: "text",
        value: "N",
        help: "Connections at once (default: 4608)",
      },
      {
        name: "inbox",
        kind: "text",
        value: "DIR|off",
        help: "Where files from peers go (default: inbox in the state directory)",
      },
      {
        name: "max-file",
        kind: "text",
        value: "SIZE",
        help: "Largest file taken from a peer, e.g. 500M (default: 16GiB)",
      },
      {
        name: "leash",
        kind: "switch",
        help: "Stop when standard input ends: for programs that start an agent",
      },
      { name: "log", kind: "text", value: "text|json", help: "Form of log lines (default: text)" },
      {
        name: "log-level",
        kind: "text",
        value: "LEVEL",
        help: "Least important level to show: debug, info, warn, error (default: info)",
      },
      STATE,
    ],
    examples: [
      "hamlet up",
      "hamlet up --peer 192.168.1.20:9000",
      "hamlet up --port 9100 --legacy off",
      "hamlet up --max-up 10M --inbox ~/Downloads",
    ],
    load: () => import("./commands/up.ts"),
  },
  {
    name: "peers",
    summary: "List the peers that this agent knows",
    detail: "Authenticated peers have proved their key; unverified ones are old nodes.",
    flags: [JSON_FLAG, WATCH, STATE],
    examples: ["hamlet peers", "hamlet peers --watch", "hamlet peers --json"],
    load: () => import("./commands/peers.ts"),
  },
  {
    name: "ping",
    operands: "PEER",
    operandCount: [1, 1],
    summary: "Measure the round trip to a peer, through its sealed session",
    detail: "PEER is a node id or the beginning of one, as shown by: hamlet peers",
    flags: [
      { name: "count", short: "c", kind: "text", value: "N", help: "How often (default: 4)" },
      JSON_FLAG,
      STATE,
    ],
    examples: ["hamlet ping k5w2rq7a"],
    load: () => import("./commands/ping.ts"),
  },
  {
    name: "send",
    operands: "PEER FILE…",
    operandCount: [2, 1_025],
    summary: "Send files to a peer's inbox",
    detail:
      "Encrypted, verified, and resumable: interrupted by whatever it was, the same command goes\n" +
      "on where it stopped. PEER is a node id or the beginning of one, as shown by: hamlet peers",
    flags: [JSON_FLAG, STATE],
    examples: ["hamlet send k5w2rq7a holiday.mp4", "hamlet send k5w2 *.jpg"],
    load: () => import("./commands/send.ts"),
  },
  {
    name: "status",
    summary: "Show how this agent is doing",
    detail: "Who it is, where it listens, which cryptography it uses, what it has counted.",
    flags: [JSON_FLAG, STATE],
    examples: ["hamlet status", "hamlet status --json"],
    load: () => import("./commands/status.ts"),
  },
  {
    name: "candidates",
    summary: "List the peers fit for evolution, best first",
    detail: "With their priority, and for the others the reason why they are left out.",
    flags: [JSON_FLAG, WATCH, STATE],
    examples: ["hamlet candidates", "hamlet candidates --json"],
    load: () => import("./commands/candidates.ts"),
  },
  {
    name: "id",
    summary: "Print this node's id, creating its identity if there is none",
    detail: "The id is the node's public key; it is safe to share.",
    flags: [JSON_FLAG, STATE],
    examples: ["hamlet id"],
    load: () => import("./commands/id.ts"),
  },
  {
    name: "demo",
    summary: "Watch a village form on this machine",
    detail:
      "Starts agents as separate processes on loopback, each knowing one address only, and old\n" +
      "JSON nodes beside them; shows how they find one another. Exits 1 unless all do.",
    flags: [
      { name: "nodes", kind: "text", value: "N", help: "Agents to start (default: 10)" },
      { name: "legacy", kind: "text", value: "M", help: "Old nodes to start (default: 2)" },
      {
        name: "seconds",
        kind: "text",
        value: "S",
        help: "How long the complete village is kept alive (default: 0)",
      },
      JSON_FLAG,
    ],
    examples: ["hamlet demo", "hamlet demo --nodes 30 --legacy 4", "hamlet demo --json"],
    load: () => import("./commands/demo.ts"),
  },
  {
    name: "version",
    summary: "Print the version",
    detail: "Of this program, the runtime and the protocol.",
    flags: [JSON_FLAG],
    examples: ["hamlet version"],
    load: () => import("./commands/version.ts"),
  },
  {
    name: "legacy-node",
    summary: "Run an old node's double, for the demo",
    detail: "Speaks as the older Python nodes do. Not part of the agent.",
    isHidden: true,
    flags: [
      { name: "port", kind: "text", value: "PORT", help: "Port to serve" },
      { name: "peer", kind: "list", value: "HOST:PORT", help: "Address to ask" },
      { name: "seconds", kind: "text", value: "S", help: "How long to live" },
    ],
    examples: [],
    load: () => import("./commands/legacy_node.ts"),
  },
].map((command) => ({ ...command, flags: [...command.flags, HELP_FLAG] } as Command)));
