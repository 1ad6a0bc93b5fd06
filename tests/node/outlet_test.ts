import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { seededRandom } from "../../src/base/random.ts";
import { Outlet } from "../../src/node/outlet.ts";
import { RecordOpener, RecordSealer } from "../../src/noise/record.ts";
import { CipherState } from "../../src/noise/symmetric_state.ts";
import { PRIMITIVES } from "../testing/identities.ts";
import { byte } from "../testing/mutate.ts";
import { framesIn } from "../testing/pump.ts";

const PURE = { permissions: "none" } as const;
const KEY: Bytes = new Uint8Array(32).fill(3);

function sealingPair(maxRecords = 65_536) {
  const outlet = new Outlet();
  const policy = { maxRecords, maxBytes: 2 ** 30, maxAgeMs: 120_000 };
  outlet.startSealing(new RecordSealer(new CipherState(PRIMITIVES, KEY), 0, policy));
  const opener = new RecordOpener(new CipherState(PRIMITIVES, KEY));
  const open = (bytes: Bytes) => {
    const bodies: Bytes[] = [];
    for (const record of framesIn(bytes)) {
      const plaintext = opener.open(record);
      if (plaintext) bodies.push(plaintext.slice());
    }
    return bodies;
  };
  return { outlet, open };
}

Deno.test("Outlet.pushFrame() frames payloads in order", PURE, () => {
  const outlet = new Outlet();
  outlet.pushFrame(encodeUtf8("{}"));
  outlet.pushFrame(encodeUtf8("x"));
  assertEquals(outlet.pending, 11);
  assertEquals(outlet.take().toHex(), "000000027b7d0000000178");
  assertEquals(outlet.pending, 0);
});

Deno.test("Outlet.pushRaw() leaves bytes as they are", PURE, () => {
  const outlet = new Outlet();
  outlet.pushRaw(encodeUtf8("HTTP"));
  assertEquals(outlet.take().toHex(), "48545450");
});

Deno.test("Outlet.take() gives a view that later pushes do not touch", PURE, () => {
  const outlet = new Outlet();
  outlet.pushRaw(new Uint8Array(100).fill(1));
  const first = outlet.take();
  outlet.pushRaw(new Uint8Array(5_000).fill(2));
  assertEquals(first.length, 100);
  assert(first.every((each) => each === 1));
  const second = outlet.take();
  assertEquals(second.length, 5_000);
  assert(second.every((each) => each === 2));
});

Deno.test("Outlet.relax() loses nothing, at any point between pushes and takes", PURE, () => {
  const random = seededRandom(5);
  const outlet = new Outlet();
  const pushed: Bytes[] = [];
  const taken: Bytes[] = [];
  for (let i = 0; i < 300; i++) {
    const bytes = Uint8Array.from({ length: byte(random) * 5 }, () => byte(random));
    outlet.pushRaw(bytes);
    pushed.push(bytes);
    if (byte(random) < 100) outlet.relax();
    if (byte(random) < 100 && outlet.pending > 0) taken.push(outlet.take().slice());
    if (byte(random) < 50) outlet.relax();
  }
  if (outlet.pending > 0) taken.push(outlet.take().slice());
  assertEquals(concatBytes(...taken).toHex(), concatBytes(...pushed).toHex());
});

/** Writes `bytes` into the plaintext. */
function filling(bytes: Bytes): (plaintext: Bytes) => number {
  return (plaintext) => {
    plaintext.set(bytes);
    return bytes.length;
  };
}

Deno.test("Outlet.pushRecord() seals what it is given as one record", PURE, () => {
  const { outlet, open } = sealingPair();
  // 4 length, 1 type, 5 plaintext, 16 tag.
  assertEquals(outlet.pushRecord(filling(encodeUtf8("hello")), 0), 26);
  assertEquals(outlet.pending, 26);
  const bytes = outlet.take().slice();
  assertEquals([...bytes.subarray(0, 5)], [0, 0, 0, 22, 0xf9]);
  assertEquals(open(bytes), [encodeUtf8("hello")]);
});

Deno.test("Outlet.pushRecord() offers the largest plaintext, and seals it", PURE, () => {
  const { outlet, open } = sealingPair();
  outlet.pushRecord((plaintext) => plaintext.fill(7).length, 0);
  assertEquals(open(outlet.take().slice()), [new Uint8Array(65_519).fill(7)]);
});

Deno.test("Outlet.pushRecord() seals nothing for nothing", PURE, () => {
  const { outlet } = sealingPair();
  assertEquals(outlet.pushRecord(() => 0, 0), 0);
  assertEquals(outlet.pending, 0);
});

Deno.test("Outlet.pushRecord() changes the key when due and goes on", PURE, () => {
  const { outlet, open } = sealingPair(3);
  const texts = Array.from({ length: 20 }, (_, i) => `message ${i}`);
  const bodies = texts.flatMap((text, i) => {
    outlet.pushRecord(filling(encodeUtf8(text)), i * 50_000);
    return open(outlet.take().slice());
  });
  assertEquals(bodies.map((body) => new TextDecoder().decode(body)), texts);
});

Deno.test("Outlet.pushRecord() needs an open session", PURE, () => {
  assertThrows(() => new Outlet().pushRecord(() => 1, 0), TypeError);
});
