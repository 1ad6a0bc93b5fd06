import { assertEquals, assertThrows } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../src/base/bytes.ts";
import { FieldError, Fields, type JsonObject } from "../../src/base/guards.ts";
import { MAX_EVOLVE_BODY_BYTES, readRequest } from "../../src/control/job_routes.ts";
import { withServer } from "./village.ts";

const PURE = { permissions: "none" } as const;
const CODE = encodeUtf8("export const evaluate = () => 0;");
const BODY: JsonObject = Object.freeze({
  name: "sphere",
  type: "nightly",
  space: { kind: "bits", dims: 3 },
  direction: "maximize",
  target: 3,
  limits: { time_s: 60, evaluations: null, evaluation_ms: 1_000, memory_mb: 256 },
  worker: { kind: "module", language: "ts", code: encodeBase64Url(CODE) },
  tolerance: { relative: 0, absolute: 0 },
  seed: 7,
  max_participants: 2,
  options: { items: 3 },
});

function read(changes: JsonObject = {}) {
  return readRequest(Fields.of({ ...BODY, ...changes }, "body"));
}

Deno.test("readRequest() reads a job, its module included", PURE, () => {
  assertEquals(read(), {
    name: "sphere",
    type: "nightly",
    space: { kind: "bits", dims: 3 },
    direction: "maximize",
    target: 3,
    limits: { timeS: 60, evaluations: null, evaluationMs: 1_000, memoryMb: 256 },
    worker: { kind: "module", language: "ts", code: CODE },
    tolerance: { relative: 0, absolute: 0 },
    seed: 7,
    maxParticipants: 2,
    options: { items: 3 },
  });
  const worker = { kind: "command", name: "robot" };
  assertEquals(read({ worker }).worker, { kind: "command", name: "robot" });
});

Deno.test(
  "readRequest() takes a module of 1 MiB and no byte more, in a body of its limit",
  PURE,
  () => {
    const moduleOf = (length: number) => ({
      kind: "module",
      language: "js",
      code: encodeBase64Url(new Uint8Array(length)),
    });
    const largest = moduleOf(2 ** 20);
    const { worker } = read({ worker: largest });
    assertEquals(worker.kind === "module" && worker.code.length, 2 ** 20);
    assertEquals(JSON.stringify({ ...BODY, worker: largest }).length < MAX_EVOLVE_BODY_BYTES, true);
    assertThrows(() => read({ worker: moduleOf(2 ** 20 + 1) }), FieldError, "1 to 1048576 bytes");
    assertThrows(() => read({ worker: moduleOf(0) }), FieldError, "1 to 1048576 bytes");
  },
);

Deno.test("readRequest() names the field that is wrong", PURE, () => {
  const cases: readonly (readonly [JsonObject, string])[] = [
    [{ name: "\u0007" }, "body.name"],
    [{ type: "urgent" }, "body.type"],
    [{ space: { kind: "real", dims: 1, lower: [1], upper: [0] } }, "space.lower.0"],
    [{ space: { kind: "bits", dims: 1e9 } }, "space.dims"],
    [{ space: { kind: "bits", dims: 0 } }, "space.dims"],
    [{ direction: "up" }, "body.direction"],
    [{ target: "low" }, "body.target"],
    [{ limits: {} }, "body.limits.time_s"],
    [{ worker: { kind: "binary" } }, "body.worker.kind"],
    [{ worker: { kind: "module", language: "js", code: "%%%" } }, "body.worker.code"],
    [{ worker: { kind: "module", language: "js", code: 7 } }, "body.worker.code"],
    [{ worker: { kind: "module", language: "py", code: "AA" } }, "body.worker.language"],
    [{ tolerance: null }, "body.tolerance"],
    [{ seed: "x" }, "body.seed"],
    [{ options: [] }, "body.options"],
  ];
  for (const [change, field] of cases) {
    const error = assertThrows(() => read(change), FieldError);
    assertEquals(error.field, field, JSON.stringify(change));
  }
});

Deno.test("an agent without a place for jobs says so", async () => {
  await withServer(async ({ server }) => {
    const response = await fetch(`${server.url}/v1/jobs`, {
      headers: { authorization: `Bearer ${server.token}` },
    });
    assertEquals([response.status, (await response.json()).error.code], [502, "no_work"]);
  });
});
