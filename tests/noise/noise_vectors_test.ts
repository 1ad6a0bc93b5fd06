/** The `noise_vectors` command: its exit codes and lines, with files that exist only here. */

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { main } from "../../scripts/noise_vectors.ts";
import { parseVectors, VectorFormatError } from "./vector_runner.ts";
import cacophony from "./vectors/cacophony_xx.json" with { type: "json" };
import snow from "./vectors/snow_xx.json" with { type: "json" };

const [XX] = cacophony.vectors;

const FILES: Readonly<Record<string, string>> = {
  "cacophony.json": JSON.stringify(cacophony),
  "snow.json": JSON.stringify(snow),
  "others.json": JSON.stringify({
    vectors: [
      { protocol_name: "Noise_NN_25519_AESGCM_SHA512", init_ephemeral: 7 },
      { name: "Noise_IK_25519_ChaChaPoly_BLAKE2s" },
      { ...XX, fallback: true },
      { ...XX, fail: true },
      { protocol_name: "toString" },
    ],
  }),
  "named.json": JSON.stringify({
    vectors: [{ ...XX, protocol_name: undefined, name: XX?.protocol_name }],
  }),
  "changed.json": JSON.stringify({
    vectors: [{ ...XX, messages: XX?.messages.with(4, { payload: "00", ciphertext: "00" }) }],
  }),
  "broken.json": '{"vectors": [',
};

interface Outcome {
  readonly code: number;
  readonly out: readonly string[];
  readonly errors: readonly string[];
}

Deno.test({
  name: "noise_vectors passes the published vectors and ends with the count",
  permissions: "none",
  async fn() {
    const { code, out, errors } = await run("cacophony.json", "snow.json");
    // Three vectors, with the reference and with this machine's choice.
    assertEquals([code, out.at(-1), errors], [0, "6 passed, 0 failed", []]);
    assertEquals(out[0], "cacophony.json: 2 to run, 0 skipped");
  },
});

Deno.test({
  name: "noise_vectors skips and counts what hamlet does not speak, and fails when nothing ran",
  permissions: "none",
  async fn() {
    const alone = await run("others.json");
    assertEquals(alone.out, ["others.json: 0 to run, 5 skipped", "0 passed, 0 failed"]);
    assertEquals(alone.code, 1);
    assertEquals((await run("others.json", "snow.json")).code, 0);
  },
});

Deno.test({
  name: "noise_vectors reads vectors whose protocol is under name",
  permissions: "none",
  async fn() {
    const { code, out } = await run("named.json");
    assertEquals([code, out.at(-1)], [0, "2 passed, 0 failed"]);
  },
});

Deno.test({
  name: "noise_vectors names the vector and the message that failed",
  permissions: "none",
  async fn() {
    const { code, out } = await run("changed.json", "snow.json");
    const failures = out.filter((line) => line.startsWith("FAILED "));
    assertEquals([code, out.at(-1), failures.length], [1, "2 passed, 2 failed", 2]);
    for (const line of failures) {
      assertMatch(line, /^FAILED Noise_XX_25519_ChaChaPoly_SHA256, message 4 \[/);
    }
  },
});

Deno.test({
  name: "noise_vectors reports an unreadable or malformed file in one line and goes on",
  permissions: "none",
  async fn() {
    for (const bad of ["missing.json", "broken.json"]) {
      const { code, out, errors } = await run(bad, "snow.json");
      assertEquals([code, out.at(-1), errors.length], [1, "2 passed, 0 failed", 1]);
      assertStringIncludes(errors[0] ?? "", `Cannot read vectors from ${bad}: `);
      assert(!(errors[0] ?? "").includes("\n"));
    }
  },
});

Deno.test({
  name: "noise_vectors refuses no arguments and unknown options with code 2",
  permissions: "none",
  async fn() {
    for (const args of [[], ["--fast"], ["snow.json", "-x"]]) {
      const { code, out, errors } = await run(...args);
      assertEquals([code, out, errors.length], [2, [], 1]);
    }
  },
});

Deno.test({
  name: "noise_vectors explains itself and says what counts as one",
  permissions: "none",
  async fn() {
    for (const flag of ["--help", "-h"]) {
      const { code, out, errors } = await run(flag);
      assertEquals([code, errors], [0, []]);
      assertStringIncludes(out.join("\n"), "One vector counts once for each cryptographic backend");
    }
  },
});

const MALFORMED: readonly (readonly [string, unknown])[] = [
  ["is not a list", {}],
  ["is not a list", { vectors: {} }],
  ["the file is not an object", []],
  ["the file is not an object", 7],
  ["vector 0 is not an object", { vectors: [null] }],
  ["vector 1 has no protocol_name", { vectors: [XX, {}] }],
  ["vector 0: init_static is missing", withKey("init_static", undefined)],
  ["vector 0: resp_ephemeral is missing", withKey("resp_ephemeral", undefined)],
  ["vector 0: init_static is not hexadecimal", withKey("init_static", "xyz")],
  ["vector 0: init_static is not hexadecimal", withKey("init_static", 7)],
  ["vector 0: init_prologue is not hexadecimal", withKey("init_prologue", "abc")],
  ["vector 0: resp_static has 31 bytes, not 32", withKey("resp_static", "00".repeat(31))],
  ["vector 0: handshake_hash has 1 bytes, not 32", withKey("handshake_hash", "00")],
  ["vector 0: init_psks is not a list", withKey("init_psks", "00")],
  ["vector 0: psk has 2 bytes, not 32", withKey("resp_psks", ["0000"])],
  ["vector 0: messages is not a list", withKey("messages", undefined)],
  ["vector 0, message 0 is not an object", withKey("messages", [7])],
  ["vector 0, message 0: ciphertext is missing", withKey("messages", [{ payload: "" }])],
];

Deno.test({
  name: "parseVectors() names the entry and the key that are wrong",
  permissions: "none",
  fn() {
    assertThrows(() => parseVectors("{"), VectorFormatError, "it is not JSON");
    for (const [message, file] of MALFORMED) {
      assertThrows(() => parseVectors(JSON.stringify(file)), VectorFormatError, message);
    }
  },
});

Deno.test({
  name: "parseVectors() takes absent prologues and psks for empty ones",
  permissions: "none",
  fn() {
    const vector = {
      ...XX,
      init_prologue: undefined,
      resp_prologue: null,
      handshake_hash: undefined,
    };
    const [parsed] = parseVectors(JSON.stringify({ vectors: [vector] })).vectors;
    assert(parsed);
    assertEquals([parsed.initiator.prologue.length, parsed.responder.prologue.length], [0, 0]);
    assertEquals([parsed.initiator.psk, parsed.handshakeHash], [undefined, undefined]);
  },
});

function withKey(key: string, value: unknown): unknown {
  return { vectors: [{ ...XX, [key]: value }] };
}

async function run(...args: readonly string[]): Promise<Outcome> {
  const out: string[] = [];
  const errors: string[] = [];
  const code = await main(args, {
    readText: (path) => {
      const text = FILES[path];
      return text === undefined ? Promise.reject(new Error("not found")) : Promise.resolve(text);
    },
    print: (line) => out.push(line),
    printError: (line) => errors.push(line),
  });
  return { code, out, errors };
}
