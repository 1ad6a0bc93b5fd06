/**
 * Following a job until it has ended: in place on a terminal, a line now and then elsewhere.
 */

import { type Clock, pause } from "../base/clock.ts";
import type { JobView } from "../agent/job_views.ts";
import { hasEnded, progressText, renderJob, resultText } from "./job_display.ts";

export interface FollowOptions {
  readonly look: () => Promise<JobView>;
  readonly write: (text: string) => void;
  /** Whether what is written is seen at once, and may be written over. */
  readonly isTerminal: boolean;
  /** Ends the following, and not the job. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

const LOOK_MS = 500;
/** Where nothing can be written over, a line this often. */
const LINE_MS = 10_000;
const HOME_AND_CLEAR = "\x1b[H\x1b[J";
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

/** Resolves with the job as it was last seen: ended, unless `signal` came first. Rejects as `look` does. */
export async function followJob(options: FollowOptions): Promise<JobView> {
  const { look, write, isTerminal, signal, clock } = options;
  if (isTerminal) write(HIDE_CURSOR);
  let told: { readonly state: string; readonly atMs: number } | undefined;
  try {
    for (;;) {
      const job = await look();
      const isOver = hasEnded(job.state) || signal.aborted;
      if (isTerminal) write(HOME_AND_CLEAR + renderJob(job));
      else if (hasEnded(job.state)) write(resultText(job).trimStart());
      else if (job.state !== told?.state || clock.now() - told.atMs >= LINE_MS) {
        told = { state: job.state, atMs: clock.now() };
        write(progressText(job));
      }
      if (isOver) return job;
      await pause(clock, LOOK_MS, signal);
    }
  } finally {
    if (isTerminal) write(SHOW_CURSOR);
  }
}

/** What to type after the watching was ended and the job was not. */
export function detachedText({ short_id }: Pick<JobView, "short_id">): string {
  return `The job goes on in the village. To watch it again: hamlet job ${short_id} --watch\n` +
    `To stop it: hamlet job stop ${short_id}\n`;
}
