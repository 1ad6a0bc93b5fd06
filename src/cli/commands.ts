/**
 * The commands: names, flags and help, without the code behind them, which is loaded when it is called.
 */

import { CONFIG, JSON_FLAG, STATE, WATCH } from "./common_flags.ts";
import { SETTING_FLAGS } from "./config/settings.ts";
import { type Flag, type GivenFlags, HELP_FLAG } from "./flags.ts";
import { SETUP_COMMANDS } from "./setup_commands.ts";
import { SYSTEM_COMMANDS } from "./system_commands.ts";
import { VILLAGE_COMMANDS } from "./village_commands.ts";
import { WORK_COMMANDS } from "./work_commands.ts";

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
  /** What the first of them may be, for shells that complete, where `operands` does not say it. */
  readonly words?: readonly string[];
  readonly summary: string;
  readonly detail: string;
  readonly flags: readonly Flag[];
  readonly examples: readonly string[];
  /** Not listed: used by other commands. */
  readonly isHidden?: boolean;
  /** Runs it and resolves with the exit code. */
  readonly load: () => Promise<{ run(context: CommandContext): Promise<number> }>;
}

export const COMMANDS: readonly Command[] = Object.freeze([
  {
    name: "up",
    summary: "Start this machine's agent and join the village",
    detail:
      "Runs until Ctrl-C. The first start founds a network of this device alone; others come in by\n" +
      "invitation (hamlet invite), and from then on members find each other by themselves. Old JSON\n" +
      "nodes are served on the same port.",
    flags: [
      ...SETTING_FLAGS,
      {
        name: "leash",
        kind: "switch",
        help: "Stop when standard input ends: for programs that start an agent",
      },
      CONFIG,
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
    name: "invite",
    summary: "Let one more device into the network",
    detail:
      "Prints a token, as text and as a QR code, for: hamlet join TOKEN. It lets one device in, once,\n" +
      "until it expires. The agent must be running here. Admins may invite and revoke members; the\n" +
      "device that founded the network makes admins.",
    flags: [
      { name: "admin", kind: "switch", help: "Make it an admin, who may invite and revoke others" },
      {
        name: "expires",
        kind: "text",
        value: "TIME",
        help: "How long it can be used, e.g. 90s, 15m, 2h, 1d (default: 15m)",
      },
      JSON_FLAG,
      STATE,
    ],
    examples: ["hamlet invite", "hamlet invite --admin --expires 1h"],
    load: () => import("./commands/invite.ts"),
  },
  {
    name: "join",
    operands: "TOKEN",
    operandCount: [1, 32],
    summary: "Join the network that an invitation is for",
    detail:
      "TOKEN is what hamlet invite printed on a member; case and spaces do not matter. The running\n" +
      "agent moves to that network at once; where none runs, the next hamlet up uses it.",
    flags: [
      {
        name: "name",
        kind: "text",
        value: "NAME",
        help: "What this device is called in the village (default: its host name)",
      },
      JSON_FLAG,
      CONFIG,
      STATE,
    ],
    examples: ["hamlet join AHK5W2RQ\u2026"],
    load: () => import("./commands/join.ts"),
  },
  {
    name: "members",
    summary: "List the devices that belong to the village, and how they are",
    detail:
      "STATE is what the village believes: alive, suspect (does not answer, perhaps for a moment), dead,\n" +
      "asleep (said so itself: hamlet sleep), left, or unknown (never heard of). In a large village only\n" +
      "some have a SESSION with this device; of the others it says when they were last heard. INC, the\n" +
      "incarnation, grows whenever a member starts, moves or takes back that it is gone. Where a terminal\n" +
      "has no room for all columns, the last ones are left out. With --watch --json, a line of JSON for each member, and again\n" +
      "whenever one changes.",
    flags: [JSON_FLAG, WATCH, STATE],
    examples: ["hamlet members", "hamlet members --watch", "hamlet members --json"],
    load: () => import("./commands/members.ts"),
  },
  ...VILLAGE_COMMANDS,
  ...WORK_COMMANDS,
  {
    name: "revoke",
    operands: "NODE",
    operandCount: [1, 1],
    summary: "Remove a lost or stolen device from the network",
    detail:
      "NODE is a node id, the beginning of one, or a name, as shown by: hamlet members. Every member\n" +
      "that is online cuts it off at once; the others learn of it first thing when they come back.\n" +
      "Whoever it had let in stays: look at the list.",
    flags: [JSON_FLAG, STATE],
    examples: ["hamlet revoke k5w2rq7a", "hamlet revoke kitchen-pi"],
    load: () => import("./commands/revoke.ts"),
  },
  {
    name: "leave",
    summary: "Take this device out of its network",
    detail:
      "It forgets the network and everybody in it, and founds one of its own at the next start; a\n" +
      "running agent does so at once.",
    flags: [
      { name: "force", kind: "switch", help: "Leave even as the founder of a network of others" },
      JSON_FLAG,
      STATE,
    ],
    examples: ["hamlet leave"],
    load: () => import("./commands/leave.ts"),
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
    operands: "PEER FILE\u2026",
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
  ...SYSTEM_COMMANDS,
  ...SETUP_COMMANDS,
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
