/**
 * A job as people see it: what it is, how far it is, who contributes how much, what came of it. At most 80 columns.
 */

import type {
  HereView,
  JobMemberView,
  JobResultView,
  JobState,
  JobSummaryView,
  JobView,
} from "../agent/job_views.ts";
import { printable } from "./progress.ts";
import { formatBytes, formatDuration, formatSpan } from "./quantities.ts";
import { cell, renderTable } from "./table.ts";
import { UNFIT_REASONS } from "./unfit_reasons.ts";

const LIST_COLUMNS = [
  { heading: "JOB" },
  { heading: "NAME" },
  { heading: "STATE" },
  { heading: "BEST", isNumber: true },
  { heading: "EVALS", isNumber: true },
  { heading: "/S", isNumber: true },
  { heading: "WITH", isNumber: true },
  { heading: "LEFT", isNumber: true },
];
const MEMBER_COLUMNS = [
  { heading: "PARTICIPANT" },
  { heading: "STATE" },
  { heading: "SHARE", isNumber: true },
  { heading: "EVALUATIONS", isNumber: true },
  { heading: "/S", isNumber: true },
  { heading: "BEST", isNumber: true },
];
const MAX_NAME_COLUMNS = 16;
/** In a list, whose other columns need the room. */
const MAX_LISTED_COLUMNS = 11;
const LISTED_DIGITS = 4;
/** Counts from here on are shown in thousands, millions and so on. */
const MIN_ROUNDED = 1e6;
const MAX_MEMBERS = 20;
const MAX_DECLINES = 8;
const MAX_GENOME_COLUMNS = 72;
const BAR_CELLS = 20;

const ENDED: readonly JobState[] = ["accepted", "unconfirmed", "stopped"];

/** Why a member does not take part, in words. */
const DECLINES: Readonly<Record<string, string>> = {
  busy: "it works on another job, or is busy with its own",
  off: "its owner allows no work (hamlet up --work off)",
  battery: "it runs on battery",
  hot: "it is too hot",
  not_configured: "it has no worker of that name (hamlet up --worker NAME='COMMAND')",
  not_permitted: "it does not take work from this owner",
  full: "the job has as many participants as it may",
  unknown_owner: "it does not know the job's owner as a member",
  ended: "it knows that the job has ended",
  ...UNFIT_REASONS,
  unanswered: "it has not answered",
};

export function hasEnded(state: JobState): boolean {
  return ENDED.includes(state);
}

/** All jobs, a line each. */
export function renderJobs(jobs: readonly JobSummaryView[]): string {
  if (jobs.length === 0) return "No jobs. To start one: hamlet evolve FILE.ts --dims N\n";
  return renderTable(
    LIST_COLUMNS,
    jobs.map((job) => [
      job.short_id,
      shortened(job.name, MAX_LISTED_COLUMNS),
      job.state,
      numberText(job.best, LISTED_DIGITS),
      countText(job.evaluations),
      rateText(job.per_second),
      String(job.participants),
      // The largest unit alone.
      hasEnded(job.state) ? "-" : formatDuration(job.remaining_s).split(" ", 2).join(" "),
    ]),
  );
}

/** One job, as it is now. */
export function renderJob(job: JobView): string {
  const lines = [
    `${printable(job.name)} (${job.short_id}): ${job.state}`,
    `  ${taskText(job)}`,
    "",
    `  best         ${numberText(job.best)}${targetText(job)}`,
    `  evaluations  ${wholeText(job.evaluations)}, ${rateText(job.per_second)}/s, ` +
    `${job.participants} taking part${limitText(job)}`,
    `  time         ${timeText(job)}`,
    ...(hasEnded(job.state) ? [] : [`  here         ${hereText(job.here)}`]),
  ];
  const members = job.members.length > 0 ? `\n${membersTable(job.members)}` : "";
  return lines.join("\n") + "\n" + members + declinesText(job) + resultText(job);
}

/** One line of a job that goes on, for where output is no terminal. */
export function progressText(job: JobView): string {
  return `${job.state}: best ${numberText(job.best)}, ${wholeText(job.evaluations)} evaluations, ` +
    `${rateText(job.per_second)}/s, ${job.participants} taking part, ` +
    `${formatDuration(job.remaining_s)} left\n`;
}

/** How it ended; empty while it goes on. */
export function resultText({ result, directory, members }: JobView): string {
  if (!result) return "";
  const nameOf = (id: string) => {
    const member = members.find(({ node_id }) => node_id === id);
    return member ? nameText(member) : id.slice(0, 8);
  };
  const lines = [`${verdictText(result, nameOf)}`];
  if (result.genome) lines.push(genomeText(result.genome));
  if (directory) lines.push(`files: ${directory}`);
  return "\n" + lines.join("\n") + "\n";
}

function verdictText(result: JobResultView, nameOf: (id: string) => string): string {
  const { state, fitness, finder, jurors, agreed } = result;
  const found = fitness === null ? "" : ` ${numberText(fitness)}` +
    (finder ? `, found by ${nameOf(finder)}` : "");
  switch (state) {
    case "accepted":
      return `accepted:${found}, ` +
        (result.self_confirmed
          ? "confirmed by nobody else: no other device took part"
          : `measured again by ${jurors}, of whom ${agreed} agree`);
    case "unconfirmed":
      return fitness === null
        ? "unconfirmed: nothing was found in time"
        : `unconfirmed:${found}; too few others could measure it again in time`;
    case "stopped":
      return `stopped: best so far${found || " nothing"}`;
    case "running":
    case "stopping":
    case "confirming":
      return state;
  }
}

function genomeText(genome: readonly number[]): string {
  const parts: string[] = [];
  let columns = 0;
  for (const value of genome) {
    const part = numberText(value);
    columns += part.length + 2;
    if (columns > MAX_GENOME_COLUMNS) break;
    parts.push(part);
  }
  const rest = genome.length - parts.length;
  return `genome: ${parts.join(", ")}` +
    (rest > 0 ? `, \u2026\n        and ${rest} more: --json, or --result FILE` : "");
}

function taskText({ direction, space, type, worker }: JobView): string {
  const what =
    { real: "real numbers", bits: "bits", permutation: "places of an order" }[space.kind];
  const by = worker.kind === "command" ? `, by the worker ${printable(worker.name)}` : "";
  return `${direction} over ${space.dims} ${what}, ${type}${by}`;
}

function targetText({ target }: JobView): string {
  return target === null ? "" : `, target ${numberText(target)}`;
}

function limitText({ limits: { evaluations } }: JobView): string {
  return evaluations === null ? "" : `, of ${wholeText(evaluations)}`;
}

function timeText({ elapsed_s, limits, state }: JobView): string {
  const passed = `${formatDuration(elapsed_s)} of ${formatSpan(limits.time_s)}`;
  if (hasEnded(state)) return passed;
  const cells = Math.floor(BAR_CELLS * Math.min(1, elapsed_s / limits.time_s));
  const left = Math.max(0, limits.time_s - elapsed_s);
  return `${passed}  [${"\u2588".repeat(cells).padEnd(BAR_CELLS)}]  ETA ${formatDuration(left)}`;
}

function hereText({ state, reason }: HereView): string {
  return state.replaceAll("_", " ") + (reason === null ? "" : `: ${printable(reason)}`);
}

function membersTable(members: readonly JobMemberView[]): string {
  const shown = members.toSorted((a, b) => b.evaluations - a.evaluations).slice(0, MAX_MEMBERS);
  const table = renderTable(
    MEMBER_COLUMNS,
    shown.map((member) => [
      nameText(member) + (member.this_device ? " *" : ""),
      shortened(member.reason === null ? member.state : `${member.state}: ${member.reason}`),
      `${Math.round(member.share * 100)} %`,
      countText(member.evaluations),
      rateText(member.per_second),
      numberText(member.best),
    ]),
  );
  const rest = members.length - shown.length;
  return table + (rest > 0 ? `and ${rest} more: --json\n` : "");
}

function declinesText({ declined, state }: JobView): string {
  if (declined.length === 0 || hasEnded(state)) return "";
  const lines = declined.slice(0, MAX_DECLINES).map((each) =>
    `  ${nameText(each)}: ${DECLINES[each.reason] ?? printable(each.reason)}\n`
  );
  const rest = declined.length - lines.length;
  return `\nNot taking part:\n${lines.join("")}` + (rest > 0 ? `  and ${rest} more: --json\n` : "");
}

function nameText({ name, short_id }: { readonly name: string | null; readonly short_id: string }) {
  return name === null ? short_id : shortened(name);
}

function shortened(text: string, maxColumns = MAX_NAME_COLUMNS): string {
  const clean = printable(text);
  return clean.length <= maxColumns ? clean : `${clean.slice(0, maxColumns - 1)}\u2026`;
}

/** So many significant digits at most. */
export function numberText(value: number | null, digits = 6): string {
  return cell(value === null ? null : Number(value.toPrecision(digits)));
}

function wholeText(value: number): string {
  return Math.round(value).toLocaleString("en-GB");
}

/** E.g. `999,999`, then `1.23 M`. */
function countText(value: number): string {
  return value < MIN_ROUNDED ? wholeText(value) : formatBytes(value).replace(/B$/, "");
}

function rateText(perSecond: number): string {
  return perSecond < 100 ? String(Math.round(perSecond * 10) / 10) : countText(perSecond);
}
