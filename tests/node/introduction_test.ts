import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Bytes, decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { DEFAULT_CAPABILITIES } from "../../src/discovery/capabilities.ts";
import {
  commonFeatures,
  decodeIntroduction,
  encodeIntroduction,
  FEATURES,
  type Introduction,
} from "../../src/node/introduction.ts";
import { NoiseError } from "../../src/noise/symmetric_state.ts";
import { ALICE, BOB, LAPTOP } from "../testing/identities.ts";
import { hostileJson } from "../testing/mutate.ts";

const PURE = { permissions: "none" } as const;

const INTRODUCTION: Introduction = {
  id: ALICE.id,
  version: 1,
  features: FEATURES,
  listen: [{ host: "192.168.1.5", port: 9000 }, { host: "fe80::1", port: 9001 }],
  capabilities: LAPTOP,
  proof: "c2VhbGVk",
};
const PROVED = { rs: ALICE.dh.publicKey, version: 1 };

function json(): Record<string, unknown> {
  return JSON.parse(decodeUtf8(encodeIntroduction(INTRODUCTION)));
}

function decode(changes: Record<string, unknown>, proved = PROVED): Introduction {
  return decodeIntroduction(encodeUtf8(hostileJson({ ...json(), ...changes })), proved);
}

function code(changes: Record<string, unknown>, proved = PROVED): string {
  return assertThrows(() => decode(changes, proved), NoiseError).code;
}

Deno.test("encodeIntroduction() spells the handshake's keys", PURE, () => {
  const { capabilities, ...rest } = json();
  assertEquals(rest, {
    node_id: "25njqamcweflpvkl73j4szahhihoc4xt3ktcgjnpaingr5yhkena",
    version: 1,
    features: [...FEATURES],
    listen: ["192.168.1.5:9000", "[fe80::1]:9001"],
    proof: "c2VhbGVk",
  });
  assertEquals((capabilities as Record<string, unknown>)["cpu_cores"], 8);
});

Deno.test(
  "encodeIntroduction() fits into a handshake frame with every address it may carry",
  PURE,
  () => {
    const listen = Array.from({ length: 20 }, (_, i) => ({
      host: `2001:0db8:0000:0000:0000:0000:0000:${1000 + i}`,
      port: 65_535,
    }));
    const bytes = encodeIntroduction({ ...INTRODUCTION, listen });
    assertEquals(JSON.parse(decodeUtf8(bytes)).listen.length, 8);
    // The frame also holds its header, an ephemeral key, a sealed static key and a tag.
    assert(bytes.length + 3 + 32 + 48 + 16 <= 4_096, `${bytes.length}`);
  },
);

Deno.test("decodeIntroduction() round-trips", PURE, () => {
  assertEquals(decodeIntroduction(encodeIntroduction(INTRODUCTION), PROVED), INTRODUCTION);
});

Deno.test("decodeIntroduction() takes the defaults for what is absent", PURE, () => {
  const bare = decodeIntroduction(
    encodeUtf8(JSON.stringify({ node_id: ALICE.id, version: 1 })),
    PROVED,
  );
  assertEquals([bare.features, bare.listen, bare.capabilities], [[], [], DEFAULT_CAPABILITIES]);
});

Deno.test("decodeIntroduction() wants the id that the static key proves", PURE, () => {
  assertEquals(code({ node_id: BOB.id }), "identity_mismatch");
  assertEquals(code({}, { rs: BOB.dh.publicKey, version: 1 }), "identity_mismatch");
  assertEquals(code({}, { rs: new Uint8Array(32), version: 1 }), "identity_mismatch");
});

Deno.test("decodeIntroduction() wants the version that the frame named", PURE, () => {
  assertEquals(code({ version: 2 }), "version_mismatch");
  assertEquals(code({}, { ...PROVED, version: 2 }), "version_mismatch");
});

Deno.test("decodeIntroduction() refuses hostile fields", PURE, () => {
  const hostile: Record<string, readonly unknown[]> = {
    node_id: [null, 1, "", "x", ALICE.id.toUpperCase(), `${ALICE.id}a`, "a".repeat(60_000), []],
    version: [null, 0, 256, 1.5, NaN, Infinity, 1e308, "1", [], {}],
    features: [null, "x", {}, [1], [null], Array(33).fill("a"), ["a".repeat(33)], ["a\n"]],
    listen: [null, "x", {}, [1], Array(9).fill("a:1"), ["a".repeat(81)], ["a:1\n"]],
    capabilities: [null, [], "x", { cpu_cores: "x" }, { ram_mb: Infinity }, {
      battery_percent: -1,
    }],
  };
  for (const [key, values] of Object.entries(hostile)) {
    for (const value of values) {
      assertEquals(code({ [key]: value }), "bad_payload", `${key} ${JSON.stringify(value)}`);
    }
  }
});

Deno.test("decodeIntroduction() leaves out what is no address", PURE, () => {
  const listen = ["192.168.1.5:9000", "nonsense", "1.2.3:4", "[::1]:0", "a:70000", "host:1"];
  assertEquals(decode({ listen }).listen, [{ host: "192.168.1.5", port: 9000 }, {
    host: "host",
    port: 1,
  }]);
});

Deno.test("decodeIntroduction() refuses what is no JSON object, cut at any byte", PURE, () => {
  const whole = encodeIntroduction(INTRODUCTION);
  const payloads: Bytes[] = [encodeUtf8("[]"), encodeUtf8("null"), Uint8Array.of(0xff)];
  for (let length = 0; length < whole.length; length++) payloads.push(whole.slice(0, length));
  for (const payload of payloads) {
    const error = assertThrows(() => decodeIntroduction(payload, PROVED), NoiseError);
    assertEquals(error.code, "bad_payload");
  }
});

Deno.test("commonFeatures() is the intersection, in our order", PURE, () => {
  assertEquals(commonFeatures([...FEATURES].reverse()), [...FEATURES]);
  assertEquals(commonFeatures(["later/9", "envelope/1"]), ["envelope/1"]);
  assertEquals(commonFeatures(["__proto__", "toString"]), []);
});
