import { assertEquals, assertThrows } from "@std/assert";
import { OwnCapabilities } from "../../src/gossip/own_capabilities.ts";

const PURE = { permissions: "none" } as const;
const BYTES = new Uint8Array(1);

/** With chance at its half. */
function newOwn() {
  return new OwnCapabilities({ next: () => 0.5 });
}

Deno.test("OwnCapabilities.set() takes a JSON object of 1,024 bytes and no more", PURE, () => {
  const own = newOwn();
  const text = (length: number) => `{"a":"${"x".repeat(length - 8)}"}`;
  own.set(text(1_024));
  assertThrows(() => own.set(text(1_025)), RangeError, "1025 bytes");
  assertThrows(() => own.set("[]"), TypeError);
  assertEquals(own.text, text(1_024));
});

Deno.test("OwnCapabilities are sent first a while after there is somebody to tell", PURE, () => {
  const own = newOwn();
  own.met(1_000);
  assertEquals(own.dueMs(1), Infinity);
  own.set("{}");
  // 2 s to settle, then half of 5 s * N / 32.
  assertEquals(own.dueMs(32), 1_000 + 2_000 + 2_500);
  assertEquals(own.dueMs(320), 1_000 + 2_000 + 25_000);
  own.met(9_000);
  assertEquals(own.dueMs(32), 5_500);
  own.parted();
  assertEquals(own.dueMs(32), Infinity);
});

Deno.test(
  "OwnCapabilities are sent again within a third of their lifetime, sooner when they change",
  PURE,
  () => {
    const own = newOwn();
    own.met(0);
    own.set("{}");
    own.markSent(BYTES, 10_000);
    assertEquals(own.sent, { bytes: BYTES, sentMs: 10_000 });
    assertEquals(own.dueMs(1), 10_000 + 28_500);
    assertEquals(own.dueMs(3_200), 10_000 + 2_850_000);
    own.set("{}");
    assertEquals(own.dueMs(1), 38_500);
    own.set('{"a":1}');
    assertEquals(own.dueMs(32), 10_000 + 5_000);
    assertEquals(own.dueMs(64), 10_000 + 10_000);
    own.markSent(BYTES, 15_000);
    assertEquals(own.dueMs(32), 15_000 + 28_500);
  },
);

Deno.test(
  "OwnCapabilities that fell due while there was nobody are due when there is somebody",
  PURE,
  () => {
    const own = newOwn();
    own.met(0);
    own.set("{}");
    own.markSent(BYTES, 0);
    own.parted();
    assertEquals(own.dueMs(1), Infinity);
    own.met(500_000);
    assertEquals(own.dueMs(1) <= 500_000, true);
  },
);
