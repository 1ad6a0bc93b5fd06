/**
 * How a benchmark script begins and ends: its flags, its help, its report as a table or as JSON.
 */

import { describeError } from "../../src/base/errors.ts";

/** What every benchmark's flags say. */
export interface BenchOptions {
  readonly json: boolean;
}

export interface Bench<Options extends BenchOptions, Report> {
  readonly help: string;
  /** Reads the flags; a string is what is wrong with them. */
  readonly readOptions: (args: readonly string[]) => Options | "help" | string;
  readonly run: (options: Options) => Promise<Report>;
  readonly tableOf: (report: Report) => string;
}

/** Runs the script; its exit code is 0, 1 when it could not measure, or 2 when it was called wrongly. */
export async function benchMain<Options extends BenchOptions, Report>(
  { help, readOptions, run, tableOf }: Bench<Options, Report>,
): Promise<void> {
  const options = readOptions(Deno.args);
  if (options === "help") return console.log(help);
  if (typeof options === "string") {
    console.error(options);
    Deno.exitCode = 2;
    return;
  }
  try {
    const report = await run(options);
    console.log(options.json ? JSON.stringify(report, null, 2) : tableOf(report));
  } catch (error) {
    console.error(`Cannot measure: ${describeError(error)}`);
    Deno.exitCode = 1;
  }
}
