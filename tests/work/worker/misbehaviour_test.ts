/** Modules that do what they must not, in real processes: each costs its own evaluations and nothing else. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { WorkerError } from "../../../src/work/worker/evaluator.ts";
import { withEvaluator } from "./workers.ts";

const isUnix = Deno.build.os !== "windows";
/** Time enough on a busy machine, for what does not run out of it. */
const LIMITS = { evaluationMs: 20_000, memoryMb: 160 };
const SHORT = { ...LIMITS, evaluationMs: 300 };

/** A module that does `what` when the genome is 13, and otherwise returns its square. */
function unless13(what: string): string {
  return `export async function evaluate([x]) { if (x === 13) { ${what} } return x * x; }`;
}

/** How each of `genomes` ended: a fitness or a code. */
async function outcomes(
  source: string,
  genomes: readonly number[],
  limits = LIMITS,
): Promise<readonly (number | string)[]> {
  let result: readonly (number | string)[] = [];
  await withEvaluator(source, { limits }, async (evaluator) => {
    const evaluations = await evaluator.evaluate(genomes.map((x) => [x]));
    result = evaluations.map((each) => each.isOk ? each.fitness : each.code);
  });
  return result;
}

/** The code of the error with which a module is refused. */
async function refusal(source: string, limits = LIMITS): Promise<readonly [string, string]> {
  const error = await assertRejects(
    () => withEvaluator(source, { limits }, () => Promise.resolve()),
    WorkerError,
  );
  return [error.code, error.message];
}

/** What `measure` gives for each, some at once: they wait more than they compute. */
async function severally<T, R>(
  items: readonly T[],
  measure: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const waiting = [...items.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      results[next[0]] = await measure(next[1]);
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  return results;
}

const COSTS_ITSELF: readonly (readonly [name: string, what: string, code: string])[] = [
  ["throws", `throw new Error("no")`, "threw"],
  ["throws nothing", `throw undefined`, "threw"],
  ["throws what cannot become text", `throw Object.create(null)`, "threw"],
  ["returns NaN", `return NaN`, "not_a_number"],
  ["returns Infinity", `return 1e999`, "not_a_number"],
  ["returns text", `return "0"`, "not_a_number"],
  ["returns a huge text", `return "x".repeat(1e8)`, "not_a_number"],
  ["returns nothing", `return`, "not_a_number"],
  ["returns an object that is like a number", `return { valueOf: () => 1 }`, "not_a_number"],
  ["never returns", `for (;;);`, "timeout"],
  ["never resolves", `await new Promise(() => {})`, "timeout"],
  [
    "waits for ever without the processor",
    `
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)`,
    "timeout",
  ],
  [
    "takes its requests from standard input",
    `
    for (;;) Deno.stdin.readSync(new Uint8Array(65536))`,
    "timeout",
  ],
  ["ends its process", `Deno.exit(0)`, "crashed"],
  ["aborts its process", `process.abort()`, "crashed"],
  [
    "fills the heap",
    `const all = []; for (;;) all.push(new Array(1000).fill(all.length))`,
    "memory",
  ],
  ["fills buffers", `const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1))`, "memory"],
  [
    "fills WebAssembly",
    `
    const all = [];
    for (;;) {
      const memory = new WebAssembly.Memory({ initial: 64 });
      new Uint8Array(memory.buffer).fill(1);
      all.push(memory);
    }`,
    "memory",
  ],
];

Deno.test(
  "a module that misbehaves costs the one evaluation in which it does",
  { ignore: !isUnix },
  async (t) => {
    const measured = await severally(
      COSTS_ITSELF,
      ([, what, code]) =>
        outcomes(unless13(what), [2, 3, 13, 5, 7], code === "timeout" ? SHORT : LIMITS),
    );
    for (const [index, [name, , code]] of COSTS_ITSELF.entries()) {
      await t.step(name, () => assertEquals(measured[index], [4, 9, code, 25, 49]));
    }
  },
);

const HARMLESS: readonly (readonly [name: string, what: string])[] = [
  [
    "leaves a timer",
    `setInterval(() => {}, 1); setTimeout(() => { throw new Error("late"); }, 0);
    await new Promise((resolve) => setTimeout(resolve, 5)); return 169`,
  ],
  ["leaves a rejection", `void Promise.reject(new Error("late")); await null; return 169`],
  [
    "writes to the console",
    `for (let i = 0; i < 5000; i++) console.log("x".repeat(100)); return 169`,
  ],
  [
    "changes what objects and lists are",
    `
    Object.prototype.type = "stop"; Object.prototype.error = "no"; Array.prototype.push = () => 0;
    JSON.stringify = () => "{}"; JSON.parse = () => ({ type: "stop" }); Promise.prototype.then = null;
    return 169`,
  ],
  [
    "removes what it can reach",
    `
    for (const key of Object.getOwnPropertyNames(globalThis)) {
      try { delete globalThis[key]; } catch { /* It stays. */ }
    }
    return 169`,
  ],
];

Deno.test("a module that only harms itself is evaluated on", { ignore: !isUnix }, async (t) => {
  const measured = await severally(HARMLESS, ([, what]) => outcomes(unless13(what), [2, 13, 5]));
  for (const [index, [name]] of HARMLESS.entries()) {
    await t.step(name, () => assertEquals([measured[index]?.[0], measured[index]?.[2]], [4, 25]));
  }
});

const REFUSED: readonly (readonly [name: string, source: string, code: string])[] = [
  ["does not parse", `export function evaluate( {`, "invalid_module"],
  ["is empty", ``, "invalid_module"],
  ["exports something else", `export const evaluate = 1`, "invalid_module"],
  [
    "throws when it is loaded",
    `throw new Error("no"); export const evaluate = 1`,
    "invalid_module",
  ],
  [
    "imports what it may not",
    `import "node:fs"; import "https://example.com/a.js";
    export const evaluate = () => 1`,
    "invalid_module",
  ],
  [
    "throws in init",
    `export const evaluate = () => 1;
    export function init() { throw new Error("no"); }`,
    "init_failed",
  ],
  [
    "ends its process when it is loaded",
    `Deno.exit(3); export const evaluate = () => 1`,
    "init_failed",
  ],
  [
    "writes lines of its own",
    `
    console.log = () => {};
    export function evaluate() { Deno.stdout.writeSync(new TextEncoder().encode("hello\\n")); return 1; }
    evaluate();`,
    "protocol",
  ],
  [
    "writes a line without an end",
    `
    const much = new Uint8Array(1 << 20).fill(65);
    for (;;) Deno.stdout.writeSync(much);`,
    "protocol",
  ],
  [
    "asks for what only threads have",
    `new Worker("data:text/javascript,1", {
    type: "module", deno: { permissions: "inherit" } }); export const evaluate = () => 1`,
    "invalid_module",
  ],
];

Deno.test("a module that cannot serve is refused", { ignore: !isUnix }, async (t) => {
  const refusals = await severally(REFUSED, ([, source]) => refusal(source));
  for (const [index, [name, , code]] of REFUSED.entries()) {
    await t.step(name, () => {
      const [given, message = ""] = refusals[index] ?? [];
      assertEquals(given, code, message);
      assert(message.length < 300, message);
    });
  }
});

Deno.test("a module that forges the results of a batch lies about its own fitness, and no more", {
  ignore: !isUnix,
}, async () => {
  const forge = (line: string) =>
    `const bytes = new TextEncoder().encode(${JSON.stringify(line + "\n")});
     Deno.stdout.writeSync(bytes); await new Promise(() => {});`;
  const many = JSON.stringify({ type: "result", id: 0, fitness: new Array(3).fill(0) });
  const other = JSON.stringify({ type: "result", id: 99, fitness: [0] });
  for (const line of [many, other, `{"type":"ready"}`, `{"type":"result"`, `\u0000`]) {
    await withEvaluator(unless13(forge(line)), { limits: LIMITS }, async (evaluator) => {
      const error = await assertRejects(() => evaluator.evaluate([[13]]), WorkerError);
      assertEquals(error.code, "protocol");
      await assertRejects(() => evaluator.evaluate([[1]]), WorkerError);
    });
  }
});

Deno.test(
  "a module's endless noise costs this process no memory",
  { ignore: !isUnix },
  async () => {
    const noise =
      `const much = new Uint8Array(1 << 16).fill(65); for (;;) Deno.stderr.writeSync(much);`;
    const before = Deno.memoryUsage().rss;
    assertEquals(await outcomes(unless13(noise), [13], SHORT), ["timeout"]);
    assert(Deno.memoryUsage().rss - before < 64 * 2 ** 20);
  },
);
