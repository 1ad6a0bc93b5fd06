/**
 * The demo's result in words: the figures in the terms of those who asked for them, what is missing, and
 * what to do about it. Pure.
 */

import { shortId } from "../base/peer_id.ts";
import type { AgentSample, VillageSample } from "./sample.ts";
import {
  countCandidates,
  countRegistered,
  countRegisteredUs,
  countSessions,
  type DemoSummary,
  expectedSessions,
  idsOf,
} from "./summary.ts";

/** More problems of one kind are counted, not listed. */
const MAX_LISTED = 5;
const LABEL_WIDTH = 34;
/** More than the default limit of any village. */
const MORE_SECONDS = 300;
/** What the agents say of one whose processor or memory is nearly used up. */
const BUSY = "not_available";

/** The summary for people, one line a figure. */
export function renderSummary(summary: DemoSummary, problems: readonly string[]): string[] {
  const { nodes, legacy, sessions_formed, sessions_expected } = summary;
  const fewest = summary.evolution_candidates_min;
  const candidates = `${fewest < nodes - 1 ? "at least " : ""}${fewest} of ${
    nodes - 1
  } at every agent`;
  const rows = [
    [
      "Peer connection success rate",
      `${summary.success_rate} %, ${sessions_formed} of ${sessions_expected} sealed sessions`,
    ],
    [
      "Discovery protocol compatibility",
      legacy === 0
        ? "no old nodes were asked for"
        : `${summary.legacy_registered_us} of ${legacy} old nodes registered us, ` +
          `we registered ${summary.legacy_registered} of ${legacy}`,
    ],
    ["Time to full discovery", inWords(summary.discovery_ms_p50, summary.discovery_ms)],
    ["Time to full mesh", inWords(summary.mesh_ms_p50, summary.mesh_ms)],
    ["Evolution candidates", candidates],
    ["Protocol overhead", `${summary.overhead_percent} % of reading a message`],
    [
      "Memory per agent",
      summary.rss_mb_p50 === null
        ? "not known"
        : `${summary.rss_mb_p50} MB (p50), ${summary.rss_mb_max} MB (max)`,
    ],
  ];
  return [
    summary.ok ? "The village is complete." : "The village is NOT complete.",
    "",
    ...rows.map(([label = "", value]) => `  ${label.padEnd(LABEL_WIDTH)}${value}`),
    ...(problems.length === 0 ? [] : ["", ...problems.map((problem) => `  ${problem}`)]),
  ];
}

/** What is missing in `sample`, then what to do; nothing when it is complete. */
export function findProblems(sample: VillageSample, isInterrupted = false): string[] {
  const gone = [...notReady(sample), ...failures(sample)];
  // Where processes are missing, everything else that is missing follows from that.
  const problems = gone.length > 0 ? gone : [
    ...missingSessions(sample),
    ...missingCandidates(sample),
    ...missingLegacy(sample),
  ];
  if (problems.length === 0) return [];
  return [...problems, advice(sample, { isInterrupted, isGone: gone.length > 0 })];
}

function advice(
  { agents }: VillageSample,
  { isInterrupted, isGone }: { readonly isInterrupted: boolean; readonly isGone: boolean },
): string {
  if (isInterrupted) return "It was interrupted: let it run to its end.";
  const fewer = Math.max(2, Math.ceil(agents.length / 2));
  if (isGone) {
    return `Try fewer agents, --nodes ${fewer}, or start one alone to see what it says: hamlet up.`;
  }
  const isBusy = agents.some(({ leftOut }) => leftOut.some(({ reason }) => reason === BUSY));
  if (isBusy) {
    return "This machine is busy (processor above 95 % or memory above 90 %): end other programs, " +
      `or try fewer agents: --nodes ${fewer}.`;
  }
  return `Try again with --seconds ${MORE_SECONDS} to give it more time, ` +
    `or with fewer agents: --nodes ${fewer}.`;
}

function notReady({ agents, legacy }: VillageSample): string[] {
  const lines: string[] = [];
  const waiting = agents.filter((agent) => agent.readyUnixMs === undefined && !agent.failure);
  if (waiting.length > 0) {
    lines.push(`${waiting.length} of ${agents.length} agents did not get ready in time.`);
  }
  const silent = legacy.filter(({ id, failure }) => id === undefined && !failure);
  if (silent.length > 0) {
    lines.push(`${silent.length} of ${legacy.length} old nodes did not get ready in time.`);
  }
  return lines;
}

function failures({ agents, legacy }: VillageSample): string[] {
  return limited([
    ...agents.flatMap(({ failure }, i) => failure ? `Agent ${i + 1} is gone: ${failure}.` : []),
    ...legacy.flatMap(({ failure }, i) => failure ? `Old node ${i + 1} is gone: ${failure}.` : []),
  ]);
}

function missingSessions({ agents }: VillageSample): string[] {
  const expected = expectedSessions(agents.length);
  const missing = expected - countSessions(agents);
  if (missing === 0) return [];
  const short = agents.flatMap((agent, index) =>
    agent.sessions < agents.length - 1
      ? `${nameOf(agent, index)} has ${agent.sessions} of ${agents.length - 1} sessions.`
      : []
  );
  return [`${missing} of ${expected} sessions did not form.`, ...limited(short)];
}

function missingCandidates({ agents }: VillageSample): string[] {
  const ids = idsOf(agents);
  return limited(agents.flatMap((agent, index) => {
    const candidates = countCandidates(agent, ids);
    if (agent.candidates === undefined || candidates === agents.length - 1) return [];
    const reasons = new Set(
      agent.leftOut.flatMap(({ id, reason }) => ids.has(id) ? reason : []),
    );
    const why = reasons.size === 0 ? "" : `, the others are ${[...reasons].join(", ")}`;
    const name = nameOf(agent, index);
    return `${name} has ${candidates} of ${agents.length - 1} evolution candidates${why}.`;
  }));
}

function missingLegacy(sample: VillageSample): string[] {
  return limited(sample.legacy.flatMap((node, index) => {
    const alone = { ...sample, legacy: [node] };
    const why = node.unanswered === undefined ? "" : `: ${node.unanswered}`;
    return [
      ...(countRegisteredUs(alone) === 1
        ? []
        : [`Old node ${index + 1} did not register us${why}.`]),
      ...(countRegistered(alone) === 1 ? [] : [`No agent registered old node ${index + 1}.`]),
    ];
  }));
}

function nameOf({ id }: AgentSample, index: number): string {
  return `Agent ${index + 1}${id === undefined ? "" : ` (${shortId(id)})`}`;
}

function limited(lines: readonly string[]): string[] {
  if (lines.length <= MAX_LISTED) return [...lines];
  return [...lines.slice(0, MAX_LISTED), `And ${lines.length - MAX_LISTED} more like these.`];
}

function inWords(p50: number | null, max: number | null): string {
  if (p50 === null) return "not reached";
  const text = (ms: number | null) => ms === null ? "not reached" : `${Math.round(ms)} ms`;
  return `${text(p50)} (p50), ${text(max)} (max), after the last agent was ready`;
}
