/**
 * Runs published Noise handshake vectors through our code, with every cryptographic backend that this
 * machine has.
 *
 * The form of the files and the run of one vector are in `tests/noise/vector_runner.ts`; this is the
 * command around them.
 */

import { describeError } from "../src/base/errors.ts";
import { chooseBackend } from "../src/noise/backend.ts";
import { noblePrimitives } from "../src/noise/noble.ts";
import type { Primitives } from "../src/noise/primitives.ts";
import { parseVectors, runVector, type VectorFile } from "../tests/noise/vector_runner.ts";

export { parseVectors, runVector };

const HELP = `Usage: deno run --allow-read scripts/noise_vectors.ts FILE...

Runs the Noise handshake vectors of each JSON FILE in both roles: every message is written
and compared, then the published bytes are read and compared; handshake hash and transport
messages included. Vectors of protocols that hamlet does not speak are skipped and counted.

The last line is "N passed, N failed". One vector counts once for each cryptographic backend:
the reference, and the runtime's own where it is in use.

Exit code: 0 when at least one vector ran and none failed; 1 after a failure, an unreadable
file or when nothing ran; 2 for wrong usage.

Options:
  -h, --help   Show this text`;

/** What the command needs from outside. */
export interface Shell {
  readText(path: string): Promise<string>;
  print(line: string): void;
  printError(line: string): void;
}

interface NamedBackend {
  readonly name: string;
  readonly primitives: Primitives;
}

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** Runs the command and returns its exit code. */
export async function main(args: readonly string[], shell: Shell): Promise<number> {
  const flags = args.filter((arg) => arg.startsWith("-"));
  if (flags.includes("--help") || flags.includes("-h")) {
    shell.print(HELP);
    return 0;
  }
  const usage = flags.length > 0 ? `Unknown option ${flags[0]}` : "No file was given";
  if (flags.length > 0 || args.length === 0) {
    shell.printError(`${usage}; see --help`);
    return 2;
  }

  const backends = availableBackends(shell);
  let passed = 0;
  let failed = 0;
  let isEveryFileRead = true;
  for (const path of args) {
    const file = await readVectors(path, shell);
    isEveryFileRead &&= file !== undefined;
    if (!file) continue;
    shell.print(`${path}: ${file.vectors.length} to run, ${file.skipped} skipped`);
    for (const backend of backends) {
      const tally = runFile(path, file, backend, shell);
      passed += tally.passed;
      failed += tally.failed;
    }
  }
  shell.print(`${passed} passed, ${failed} failed`);
  return isEveryFileRead && failed === 0 && passed > 0 ? 0 : 1;
}

async function readVectors(path: string, shell: Shell): Promise<VectorFile | undefined> {
  try {
    return parseVectors(await shell.readText(path));
  } catch (error) {
    shell.printError(`Cannot read vectors from ${path}: ${firstLine(describeError(error))}`);
    return undefined;
  }
}

function runFile(path: string, file: VectorFile, backend: NamedBackend, shell: Shell): Tally {
  let failed = 0;
  for (const [index, vector] of file.vectors.entries()) {
    const failure = runVector(vector, backend.primitives);
    if (!failure) continue;
    failed++;
    const place = failure.messageIndex === undefined ? "" : `, message ${failure.messageIndex}`;
    shell.print(
      `FAILED ${vector.protocolName}${place} [${backend.name}, ${path} run ${index}]: ` +
        firstLine(failure.what),
    );
  }
  return { passed: file.vectors.length - failed, failed };
}

/** The reference, then the chosen backend unless that is the reference itself. */
function availableBackends(shell: Shell): NamedBackend[] {
  const { primitives, report } = chooseBackend();
  const reference = { name: noblePrimitives.name, primitives: noblePrimitives };
  if (report.refused !== null) shell.print(`native backend not run: ${firstLine(report.refused)}`);
  return primitives === noblePrimitives
    ? [reference]
    : [reference, { name: report.aead, primitives }];
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

if (import.meta.main) {
  Deno.exitCode = await main(Deno.args, {
    readText: (path) => Deno.readTextFile(path),
    print: (line) => console.log(line),
    printError: (line) => console.error(line),
  });
}
