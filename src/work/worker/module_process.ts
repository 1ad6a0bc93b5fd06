/**
 * What runs in a module's process: gives up every permission, loads the module, and evaluates what it is told to.
 *
 * Once the module is loaded, nothing here can be trusted any more: it shares this realm, may change what everything
 * means and write whatever it likes. That is of no use to it: the process can do nothing but compute and write to
 * its pipes, and whoever reads those believes no more than a fitness, which the module could make up anyway.
 *
 * Nothing but `base/` may be imported, and no package: run from source, the process has no configuration.
 */

import { systemClock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import { isObject, type JsonObject } from "../../base/guards.ts";
import { LineReader } from "./line_reader.ts";
import { MAX_LOAD_LINE_BYTES, MAX_STATE_BYTES, type WorkerRequest } from "./protocol.ts";

/** Everything that a process can be permitted. */
const PERMISSIONS = ["run", "ffi", "write", "read", "net", "env", "sys", "import"] as const;

/** Whatever reaches further than a calculation, and asks for no permission: files kept for the program, threads. */
const REMOVED_GLOBALS = [
  "localStorage",
  "sessionStorage",
  "caches",
  "Worker",
  "BroadcastChannel",
  "prompt",
  "alert",
  "confirm",
];

/** A batch that takes longer is told of as it goes, so that a slow evaluation is told from one that never ends. */
export const PROGRESS_MS = 100;
const READ_BYTES = 65_536;
const MAX_ERROR_LENGTH = 400;
/** The longest timer that there is; while it is set the process waits for a promise that nothing will resolve. */
const FOREVER_MS = 2 ** 31 - 1;

// What the loop needs, as it was before the module came.
const { parse, stringify } = JSON;
const encoder = new TextEncoder();
const stdin = Deno.stdin;
const stdout = Deno.stdout;
const exit = Deno.exit;

/** The module's own functions, as far as it has them. */
interface Module {
  readonly evaluate: (genome: readonly number[], context: object) => unknown;
  readonly init: ((context: object) => unknown) | undefined;
  readonly describe: (() => unknown) | undefined;
  readonly checkpoint: (() => unknown) | undefined;
}

/** Serves until standard input ends, then ends the process. */
export async function runModuleProcess(): Promise<void> {
  await giveUpPermissions();
  tameGlobals();
  systemClock.schedule(FOREVER_MS, () => {});
  const service = new ModuleService();
  const reader = new LineReader(MAX_LOAD_LINE_BYTES);
  const buffer = new Uint8Array(READ_BYTES);
  for (let count = stdin.readSync(buffer); count !== null; count = stdin.readSync(buffer)) {
    for (const line of reader.push(buffer.subarray(0, count))) {
      if (!await service.serve(parse(line))) exit(0);
    }
  }
  exit(0);
}

/** Gives everything up, and ends the process where anything is left. */
async function giveUpPermissions(): Promise<void> {
  for (const name of PERMISSIONS) {
    const { state } = await Deno.permissions.revoke({ name });
    if (state === "granted") {
      say({ type: "error", code: "init_failed", message: `the permission to ${name} stayed` });
      exit(1);
    }
  }
}

function tameGlobals(): void {
  for (const name of REMOVED_GLOBALS) Reflect.deleteProperty(globalThis, name);
  // Standard output is for answers.
  console.log = console.info = console.debug = console.error;
  for (const event of ["unhandledrejection", "error"]) {
    globalThis.addEventListener(event, (given) => {
      given.preventDefault();
      console.error("left behind:", "reason" in given ? given.reason : describeOf(given));
    });
  }
}

class ModuleService {
  #module: Module | undefined;
  #context: JsonObject = {};
  #index = 0;

  /** Answers one request; `false` when it was the last. */
  async serve(request: WorkerRequest): Promise<boolean> {
    switch (request.type) {
      case "load":
        return await this.#load(request);
      case "describe":
        return await this.#attempt(async () => {
          const description = await this.#module?.describe?.();
          say({ type: "description", description: isObject(description) ? description : {} });
        });
      case "init":
        return await this.#init(request);
      case "evaluate":
        await this.#evaluate(request);
        return true;
      case "checkpoint":
        say({ type: "checkpoint", state: await this.#state() });
        return true;
      case "stop":
        return false;
    }
  }

  async #load({ source, language }: WorkerRequest & { type: "load" }): Promise<boolean> {
    try {
      const { evaluate, init, describe, checkpoint } = await importSource(source, language);
      if (typeof evaluate !== "function") throw new TypeError("it exports no function evaluate");
      this.#module = {
        evaluate: evaluate as Module["evaluate"],
        init: functionOf(init),
        describe: functionOf(describe),
        checkpoint: functionOf(checkpoint),
      };
      return true;
    } catch (error) {
      say({ type: "error", code: "invalid_module", message: describeOf(error) });
      return false;
    }
  }

  async #init(request: WorkerRequest & { type: "init" }): Promise<boolean> {
    const { seed, options, space, state } = request;
    this.#context = { seed, options, space, dims: space.dims, state };
    return await this.#attempt(async () => {
      await this.#module?.init?.({ ...this.#context, index: 0 });
      say({ type: "ready" });
    });
  }

  async #evaluate({ id, genomes }: WorkerRequest & { type: "evaluate" }): Promise<void> {
    const fitness: unknown[] = [];
    let toldMs = systemClock.now();
    for (const genome of genomes) {
      // Not pushed: the module may have changed what that does.
      fitness[fitness.length] = await this.#one(genome);
      const nowMs = systemClock.now();
      if (nowMs - toldMs < PROGRESS_MS || fitness.length === genomes.length) continue;
      say({ type: "progress", id, fitness });
      toldMs = nowMs;
    }
    say({ type: "result", id, fitness });
  }

  async #one(genome: readonly number[]): Promise<unknown> {
    try {
      let value = this.#module?.evaluate(genome, { ...this.#context, index: this.#index++ });
      if (typeof value === "object") value = await value;
      // What JSON has no number for becomes null, as does what is none.
      return typeof value === "number" ? value : null;
    } catch (error) {
      return { error: describeOf(error) };
    }
  }

  async #state(): Promise<unknown> {
    try {
      const state = await this.#module?.checkpoint?.();
      const text = stringify(state ?? null);
      return text.length <= MAX_STATE_BYTES ? parse(text) : null;
    } catch (error) {
      console.error("no checkpoint:", error);
      return null;
    }
  }

  /** Does what may fail before anything was evaluated. */
  async #attempt(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      say({ type: "error", code: "init_failed", message: describeOf(error) });
      return false;
    }
  }
}

/** Loads a module from its text: a `data:` URL, which a compiled program can import as well. */
async function importSource(source: string, language: "js" | "ts"): Promise<JsonObject> {
  const code = language === "ts" ? await stripTypes(source) : source;
  // Without quotes, the address can be told from the rest of a message.
  const address = encodeURIComponent(code).replaceAll("'", "%27");
  return await import(`data:text/javascript;charset=utf-8,${address}`);
}

async function stripTypes(source: string): Promise<string> {
  const { stripTypeScriptTypes } = await import("node:module");
  return stripTypeScriptTypes(source);
}

function functionOf<T>(value: unknown): T | undefined {
  return typeof value === "function" ? value as T : undefined;
}

/** What the module threw, without its own source, which is its address. */
function describeOf(error: unknown): string {
  return describeError(error).replaceAll(/data:text\/javascript[^\s"']*/g, "module")
    .slice(0, MAX_ERROR_LENGTH);
}

function say(answer: object): void {
  const bytes = encoder.encode(stringify(answer) + "\n");
  for (let written = 0; written < bytes.length;) {
    written += stdout.writeSync(bytes.subarray(written));
  }
}
