import { assert, assertEquals, assertThrows } from "@std/assert";
import { seededRandom } from "../../../src/base/random.ts";
import { WorkerError } from "../../../src/work/worker/evaluator.ts";
import {
  decodeAnswer,
  encodeRequest,
  MAX_BATCH,
  MAX_STATE_BYTES,
} from "../../../src/work/worker/protocol.ts";
import { fuzzSeed, mutateBytes } from "../../testing/mutate.ts";

const PURE = { permissions: "none" } as const;

Deno.test("encodeRequest() writes the lines of PROTOCOL.md", PURE, () => {
  const space = { kind: "real", dims: 2, lower: [-5, -5], upper: [5, 5] } as const;
  assertEquals(
    encodeRequest({ type: "init", version: 1, job: "j", space, seed: 7, options: { a: 1 } }),
    '{"type":"init","version":1,"job":"j","space":{"kind":"real","dims":2,"lower":[-5,-5],' +
      '"upper":[5,5]},"seed":7,"options":{"a":1}}\n',
  );
  assertEquals(
    encodeRequest({ type: "evaluate", id: 3, genomes: [[0.1, -2], [1e-300, 3]] }),
    '{"type":"evaluate","id":3,"genomes":[[0.1,-2],[1e-300,3]]}\n',
  );
  assertEquals(encodeRequest({ type: "checkpoint" }), '{"type":"checkpoint"}\n');
  assertEquals(encodeRequest({ type: "stop" }), '{"type":"stop"}\n');
});

Deno.test("decodeAnswer() reads the lines of PROTOCOL.md", PURE, () => {
  assertEquals(decodeAnswer('{"type":"ready"}'), { type: "ready", name: null, batch: null });
  assertEquals(decodeAnswer('{"type":"ready","name":"a b","batch":16,"more":1}'), {
    type: "ready",
    name: "a b",
    batch: 16,
  });
  assertEquals(decodeAnswer('{"type":"result","id":3,"fitness":[1.5,null,{"error":"no"},"1"]}'), {
    type: "result",
    id: 3,
    evaluations: [
      { isOk: true, fitness: 1.5 },
      { isOk: false, code: "not_a_number", message: "the fitness is not a finite number" },
      { isOk: false, code: "threw", message: "no" },
      { isOk: false, code: "not_a_number", message: "the fitness is not a finite number" },
    ],
  });
  assertEquals(decodeAnswer('{"type":"checkpoint","state":{"a":[1]}}'), {
    type: "checkpoint",
    state: { a: [1] },
  });
  assertEquals(decodeAnswer('{"type":"checkpoint","state":null}'), {
    type: "checkpoint",
    state: undefined,
  });
});

Deno.test("decodeAnswer() takes a number beyond doubles for none", PURE, () => {
  const answer = decodeAnswer('{"type":"result","id":0,"fitness":[1e999,-1e999,[],{},true]}');
  assert(answer.type === "result");
  assertEquals(answer.evaluations.map((each) => each.isOk ? "" : each.code), [
    "not_a_number",
    "not_a_number",
    "not_a_number",
    "not_a_number",
    "not_a_number",
  ]);
});

Deno.test("decodeAnswer() makes a stranger's text one short printable line", PURE, () => {
  const text = `\u001b[31mred\n${"x".repeat(10_000)}`;
  const answer = decodeAnswer(
    JSON.stringify({ type: "result", id: 0, fitness: [{ error: text }] }),
  );
  assert(answer.type === "result");
  const [first] = answer.evaluations;
  assert(first && !first.isOk);
  assert(first.message.startsWith("[31mred xxx") && first.message.length <= 200, first.message);
});

Deno.test("decodeAnswer() reads what a module says of itself", PURE, () => {
  const read = (description: unknown) =>
    decodeAnswer(JSON.stringify({ type: "description", description }));
  const nothing = {
    name: null,
    space: null,
    dims: null,
    bounds: null,
    direction: null,
    target: null,
  };
  assertEquals(read({}), { type: "description", description: nothing });
  assertEquals(read({ name: "a", dims: 2, bounds: [-1, 1], direction: "maximize", target: 5 }), {
    type: "description",
    description: {
      name: "a",
      space: { kind: "real", dims: 2, lower: [-1, -1], upper: [1, 1] },
      dims: 2,
      bounds: [-1, 1],
      direction: "maximize",
      target: 5,
    },
  });
  assertEquals(read({ space: { kind: "permutation", dims: 51 } }), {
    type: "description",
    description: { ...nothing, space: { kind: "permutation", dims: 51 } },
  });
  for (
    const wrong of [
      { dims: 0 },
      { dims: 1e9 },
      { bounds: [1, -1] },
      { bounds: [1] },
      { bounds: [NaN, 1] },
      { direction: "up" },
      { name: "" },
      { name: "a\n" },
      { name: 1 },
      { target: "0" },
      { space: { kind: "tree" } },
    ]
  ) {
    assertThrows(() => read(wrong), WorkerError, "Cannot read", JSON.stringify(wrong));
  }
});

const REFUSED = [
  "",
  "{",
  "null",
  "[]",
  "1",
  '"ready"',
  "{}",
  '{"type":"init"}',
  '{"type":"ready","batch":0}',
  '{"type":"ready","batch":4097}',
  '{"type":"ready","batch":1.5}',
  '{"type":"ready","name":"' + "n".repeat(65) + '"}',
  '{"type":"result","fitness":[]}',
  '{"type":"result","id":-1,"fitness":[]}',
  '{"type":"result","id":"0","fitness":[]}',
  '{"type":"result","id":0}',
  '{"type":"result","id":0,"fitness":1}',
  '{"type":"error","code":"other","message":""}',
  '{"__proto__":{"type":"ready"}}',
  '{"type":"ready"} {"type":"ready"}',
];

for (const line of REFUSED) {
  Deno.test(`decodeAnswer() refuses ${line.slice(0, 60) || "nothing"}`, PURE, () => {
    assertEquals(assertThrows(() => decodeAnswer(line), WorkerError).code, "protocol");
  });
}

Deno.test("decodeAnswer() takes a batch and a state of the limit, and no more", PURE, () => {
  const result = (count: number) => `{"type":"result","id":0,"fitness":[${"1,".repeat(count)}1]}`;
  const full = decodeAnswer(result(MAX_BATCH - 1));
  assert(full.type === "result" && full.evaluations.length === MAX_BATCH);
  assertThrows(() => decodeAnswer(result(MAX_BATCH)), WorkerError);
  const state = (length: number) => `{"type":"checkpoint","state":"${"s".repeat(length - 2)}"}`;
  assertEquals(decodeAnswer(state(MAX_STATE_BYTES)).type, "checkpoint");
  assertThrows(() => decodeAnswer(state(MAX_STATE_BYTES + 1)), WorkerError);
  const deep = (depth: number) =>
    `{"type":"checkpoint","state":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  assertEquals(decodeAnswer(deep(64)).type, "checkpoint");
  for (const depth of [65, 5_000]) {
    assertThrows(() => decodeAnswer(deep(depth)), WorkerError, undefined, String(depth));
  }
});

Deno.test("decodeAnswer() reads or refuses whatever it is given", PURE, () => {
  const seed = fuzzSeed();
  const random = seededRandom(seed);
  const samples = [
    '{"type":"ready","name":"a","batch":3}',
    '{"type":"result","id":3,"fitness":[1.5,null,{"error":"no"},-2e-7]}',
    '{"type":"progress","id":3,"fitness":[1.5]}',
    '{"type":"description","description":{"name":"a","dims":2,"bounds":[-1,1],"target":1e-8}}',
    '{"type":"checkpoint","state":{"a":[1,2,{"b":null}]}}',
    '{"type":"error","code":"invalid_module","message":"no"}',
  ];
  for (let i = 0; i < 20_000; i++) {
    const sample = new TextEncoder().encode(samples[i % samples.length]);
    const line = new TextDecoder().decode(mutateBytes(random, sample));
    try {
      decodeAnswer(line);
    } catch (error) {
      assert(error instanceof WorkerError, `seed ${seed}, line ${JSON.stringify(line)}: ${error}`);
      assert(error.message.length < 300, `seed ${seed}`);
    }
  }
});
