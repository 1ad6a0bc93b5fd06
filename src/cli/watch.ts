/**
 * `--watch`: shows a text again every second, in place on a terminal, until Ctrl-C.
 */

import { pause, systemClock } from "../base/clock.ts";
import { untilInterrupted } from "./signals.ts";

const PERIOD_MS = 1_000;
const HOME_AND_CLEAR = "\x1b[H\x1b[J";
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

/** Shows `render()` once, or again and again when `isWatching`; resolves when stopped. */
export async function showText(
  isWatching: boolean,
  render: () => Promise<string>,
  write: (text: string) => void,
): Promise<void> {
  if (!isWatching) return write(await render());
  const isTerminal = Deno.stdout.isTerminal();
  if (isTerminal) write(HIDE_CURSOR);
  try {
    await everySecond(async () => {
      const text = await render();
      write(isTerminal ? HOME_AND_CLEAR + text : text);
    });
  } finally {
    if (isTerminal) write(SHOW_CURSOR);
  }
}

/** Calls `act` every second until Ctrl-C. */
export async function everySecond(act: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const release = untilInterrupted(() => stop.abort());
  try {
    while (!stop.signal.aborted) {
      await act();
      await pause(systemClock, PERIOD_MS, stop.signal);
    }
  } finally {
    release();
  }
}
