/**
 * The village as lines of text: a table that is redrawn on a terminal, one line a second elsewhere. Pure.
 */

import { shortId } from "../base/peer_id.ts";
import type { AgentSample, LegacySample, VillageSample } from "./sample.ts";
import {
  countCandidates,
  countRegistered,
  countRegisteredUs,
  expectedSessions,
  idsOf,
} from "./summary.ts";

/** The size of a terminal, characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

const BAR_CELLS = 20;
/** Lines of the table that are neither agents nor old nodes, and the one the cursor is on. */
const FIXED_LINES = 6;
/** What is shown where nothing is known yet. */
const UNKNOWN = "-";

/** The live table; never higher or wider than the terminal. */
export function renderTable(sample: VillageSample, size: TerminalSize): string[] {
  const { agents, legacy } = sample;
  const room = Math.max(1, size.rows - FIXED_LINES - legacy.length);
  const ids = idsOf(agents);
  const shown = agents.length <= room ? agents.length : Math.max(0, room - 1);
  const lines = [
    `${count(agents.length, "agent")} and ${count(legacy.length, "old node")} on this machine`,
    "",
    "agent           sealed sessions                candidates     memory",
    ...agents.slice(0, shown).map((agent, index) =>
      agentLine(agent, { index, ids, total: agents.length })
    ),
    ...(shown < agents.length ? [restLine(agents.slice(shown), agents.length)] : []),
    ...legacy.map((node, index) => legacyLine(node, index, sample)),
    "",
    `${bar(progressOf(sample))}  ${renderProgress(sample)}`,
  ];
  return lines.map((line) => line.slice(0, size.columns));
}

/** The whole village in one line. */
export function renderProgress(sample: VillageSample): string {
  const { agents, legacy } = sample;
  const elapsed = `${(sample.elapsedMs / 1000).toFixed(1)} s`;
  const ready = agents.filter(({ readyUnixMs }) => readyUnixMs !== undefined).length;
  if (ready < agents.length) {
    return `${elapsed}: starting, ${ready} of ${count(agents.length, "agent")} ready`;
  }
  const parts = [`${liveSessions(agents)} of ${expectedSessions(agents.length)} sessions`];
  if (legacy.length > 0) {
    const knowUs = countRegisteredUs(sample);
    const known = countRegistered(sample);
    parts.push(`old nodes: ${knowUs} of ${legacy.length} know us, we know ${known}`);
  }
  const ids = idsOf(agents);
  const asked = agents.filter(({ candidates }) => candidates !== undefined);
  const waiting = asked.filter((agent) => countCandidates(agent, ids) < agents.length - 1).length;
  if (waiting > 0) parts.push(`${count(waiting, "agent")} with too few candidates`);
  return `${elapsed}: ${parts.join(", ")}`;
}

/** Terminal codes that replace the `previous` lines drawn last by `lines`. */
export function redraw(lines: readonly string[], previous: number): string {
  const up = previous === 0 ? "" : `\x1b[${previous}A`;
  // Each line clears what was right of it; at the end, what was below.
  return `${up}\r${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`;
}

/** Done of all that is to be done, 0..1. */
export function progressOf(sample: VillageSample): number {
  const { agents, legacy } = sample;
  const expected = expectedSessions(agents.length) + 2 * legacy.length;
  if (expected === 0) return 1;
  return (liveSessions(agents) + countRegistered(sample) + countRegisteredUs(sample)) / expected;
}

/** A bar of {@link BAR_CELLS} cells; full only when everything is done. */
export function bar(share: number, cells = BAR_CELLS): string {
  const full = Math.floor(Math.min(1, Math.max(0, share)) * cells);
  return "\u2588".repeat(full) + "\u2591".repeat(cells - full);
}

/** Sessions by the agents' own counts, before both ends have been compared. */
function liveSessions(agents: readonly AgentSample[]): number {
  const ends = agents.reduce((sum, { sessions }) => sum + Math.min(sessions, agents.length - 1), 0);
  return Math.floor(ends / 2);
}

function agentLine(
  agent: AgentSample,
  { index, ids, total }: {
    readonly index: number;
    readonly ids: ReadonlySet<string>;
    readonly total: number;
  },
): string {
  const others = total - 1;
  const name = `${index + 1}`.padStart(3);
  const id = agent.id ? shortId(agent.id) : UNKNOWN;
  if (agent.failure !== undefined) return `${name} ${id.padEnd(8)}    ${agent.failure}`;
  if (agent.readyUnixMs === undefined) return `${name} ${id.padEnd(8)}    starting`;
  const sessions = `${agent.sessions}/${others}`.padStart(7);
  const share = others === 0 ? 1 : agent.sessions / others;
  const candidates = agent.candidates ? `${countCandidates(agent, ids)}/${others}` : UNKNOWN;
  const memory = agent.rssMb === undefined ? UNKNOWN : `${Math.round(agent.rssMb)} MB`;
  return `${name} ${id.padEnd(8)}    ${bar(share)} ${sessions}   ${candidates.padStart(10)} ${
    memory.padStart(10)
  }`;
}

function restLine(agents: readonly AgentSample[], total: number): string {
  const done = agents.filter(({ sessions }) => sessions >= total - 1).length;
  return `    and ${agents.length} more, ${done} of them with all their sessions`;
}

function legacyLine(node: LegacySample, index: number, sample: VillageSample): string {
  const name = `old ${index + 1}`.padEnd(12);
  if (node.failure !== undefined) return `${name}    ${node.failure}`;
  const knowsUs = countRegisteredUs({ ...sample, legacy: [node] }) === 1;
  const isKnown = countRegistered({ ...sample, legacy: [node] }) === 1;
  const us = knowsUs ? "knows us" : "does not know us yet";
  return `${name}    ${us}, ${isKnown ? "we know it" : "we do not know it yet"}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
