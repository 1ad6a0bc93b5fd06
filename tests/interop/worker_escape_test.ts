/**
 * A job's code reaches nothing beyond its process, whichever way that process came to be without permissions: never
 * having had any, as from source, or having had all and given them up, as a compiled program.
 */

import { assert, assertEquals } from "@std/assert";
import { testLauncher, withEvaluator } from "../work/worker/workers.ts";
import { escapeModule, ESCAPES } from "./worker_escapes.ts";

const isUnix = Deno.build.os !== "windows";

/** What an attempt must not touch, and what is left of it afterwards. */
class Surroundings {
  readonly directory = Deno.makeTempDirSync();
  readonly canary = `${this.directory}/canary.json`;
  readonly listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  visits = 0;
  readonly #serving: Promise<void>;

  constructor() {
    Deno.writeTextFileSync(this.canary, `"alive"`);
    this.#serving = this.#count();
  }

  get places() {
    const { port } = this.listener.addr as Deno.NetAddr;
    return { port, canary: this.canary, pid: this.child.pid };
  }

  async close(): Promise<void> {
    this.listener.close();
    await this.#serving;
    this.child.kill("SIGKILL");
    await this.child.status;
    await Deno.remove(this.directory, { recursive: true });
  }

  async #count(): Promise<void> {
    for await (const connection of this.listener) {
      this.visits++;
      connection.close();
    }
  }
}

/** A program that starts with every permission and reads its command line itself, as a compiled one does. */
function standalone(directory: string): string {
  const path = `${directory}/hamlet`;
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const home = Deno.env.get("HOME") ?? "/";
  Deno.writeTextFileSync(
    path,
    `#!/bin/sh\nunset DENO_DIR\nHOME='${home}' exec '${Deno.execPath()}' run -A --no-lock --cached-only --no-remote '${main}' "$@"\n`,
    { mode: 0o755 },
  );
  return path;
}

for (const start of ["never had any", "had all and gave them up"] as const) {
  Deno.test(`a module's process that ${start} refuses every escape`, {
    ignore: !isUnix,
  }, async (t) => {
    const surroundings = new Surroundings();
    const { directory, canary } = surroundings;
    try {
      const launcher = testLauncher(start === "never had any" ? undefined : standalone(directory));
      await withEvaluator(
        escapeModule(surroundings.places),
        { launcher, limits: { evaluationMs: 20_000, memoryMb: 512 } },
        async (evaluator) => {
          for (const [index, { name }] of ESCAPES.entries()) {
            await t.step(name, async () => {
              const [evaluation] = await evaluator.evaluate([[index]]);
              assert(evaluation && !evaluation.isOk, "it got through");
              // Threads of threads do not fit into what the process may hold.
              const codes = name.startsWith("a thread of") ? ["threw", "memory"] : ["threw"];
              assert(codes.includes(evaluation.code), `${evaluation.code}: ${evaluation.message}`);
            });
          }
        },
      );
      await t.step("nothing was touched", () => {
        assertEquals(surroundings.visits, 0);
        assertEquals(Deno.readTextFileSync(canary), `"alive"`);
        const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
        assertEquals(names.filter((name) => name.startsWith("canary")), ["canary.json"]);
        Deno.kill(surroundings.child.pid, "SIGCONT");
      });
    } finally {
      await surroundings.close();
    }
  });
}
