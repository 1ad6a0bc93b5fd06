/** `hamlet demo` */

import { systemClock } from "../../base/clock.ts";
import {
  DEFAULT_LEGACY,
  DEFAULT_NODES,
  MAX_LEGACY,
  MAX_NODES,
  MAX_SECONDS,
  MIN_NODES,
  runDemo,
} from "../../demo/demo.ts";
import type { CommandContext } from "../commands.ts";
import { wholeNumber } from "../flags.ts";
import { untilInterrupted } from "../signals.ts";
import { EXIT } from "../usage_error.ts";

export async function run({ flags, write }: CommandContext): Promise<number> {
  const number = (name: string, fallback: number, min: number, max: number) =>
    wholeNumber(`--${name}`, flags.text(name) ?? String(fallback), { min, max });
  const stop = new AbortController();
  const release = untilInterrupted(() => stop.abort());
  try {
    const { summary, problems } = await runDemo({
      nodes: number("nodes", DEFAULT_NODES, MIN_NODES, MAX_NODES),
      legacy: number("legacy", DEFAULT_LEGACY, 0, MAX_LEGACY),
      seconds: number("seconds", 0, 0, MAX_SECONDS),
      json: flags.has("json"),
      self: {
        execPath: Deno.execPath(),
        mainModule: Deno.mainModule,
        isStandalone: Deno.build.standalone,
      },
      clock: systemClock,
      terminal: terminalSize(),
      signal: stop.signal,
      write,
    });
    // The JSON object says that something is missing; these lines say what.
    if (flags.has("json")) { for (const problem of problems) console.error(problem); }
    return summary.ok ? EXIT.ok : EXIT.failed;
  } finally {
    release();
  }
}

function terminalSize() {
  return Deno.stdout.isTerminal() ? Deno.consoleSize() : undefined;
}
