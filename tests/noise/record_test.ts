/** Sealed records: layout, limits, forgery, and three reasons to change the key. */

import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { type Bytes, concatBytes, readU32 } from "../../src/base/bytes.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import type { Primitives } from "../../src/noise/primitives.ts";
import {
  DEFAULT_REKEY_POLICY,
  RecordOpener,
  RecordSealer,
  REKEY_PLAINTEXT,
  REKEY_RECORD_BYTES,
  type RekeyPolicy,
} from "../../src/noise/record.ts";
import { CipherState, NoiseError, type NoiseErrorCode } from "../../src/noise/symmetric_state.ts";
import {
  assertBytes,
  BACKENDS,
  bytesFrom,
  fast,
  fixedBytes,
  flipped,
  noiseNonce,
} from "./fixtures.ts";

const EMPTY: Bytes = new Uint8Array(0);
const KEY = fixedBytes(32, 1);
const MAX_PLAINTEXT = 65_519;
const OVERHEAD = 21;
const NEVER: RekeyPolicy = { maxRecords: 1e9, maxBytes: 1e12, maxAgeMs: 1e12 };

for (const primitives of BACKENDS) {
  const { name } = primitives.aead;

  for (const length of [1, 64, 256, 257, MAX_PLAINTEXT]) {
    Deno.test({
      name: `RecordSealer and RecordOpener carry ${length} bytes and cost 21 [${name}]`,
      permissions: "none",
      fn() {
        const { sealer, opener } = pair({ primitives });
        for (const round of [1, 2, 3]) {
          const plaintext = fixedBytes(length, round);
          const record = seal(sealer, plaintext);
          assertEquals(record.length, length + OVERHEAD);
          assertBytes(opener.open(payloadOf(record)), plaintext);
        }
      },
    });
  }

  Deno.test({
    name:
      `RecordSealer.seal() writes length, F9, ciphertext and tag, with no data besides [${name}]`,
    permissions: "none",
    fn() {
      const { sealer } = pair({ primitives });
      for (let n = 0n; n < 5n; n++) {
        const plaintext = fixedBytes(300, Number(n));
        const record = seal(sealer, plaintext);
        assertEquals(readU32(record, 0), 1 + 300 + 16);
        assertEquals(record[4], 0xf9);
        const expected = chacha20poly1305(KEY, noiseNonce(n), EMPTY).encrypt(plaintext);
        assertBytes(record.subarray(5), expected);
      }
    },
  });

  Deno.test({
    name: `RecordSealer.sealRekey() changes to the key that REKEY defines [${name}]`,
    permissions: "none",
    fn() {
      const { sealer, opener } = pair({ primitives });
      let k = KEY;
      let n = 0n;
      for (let round = 0; round < 4; round++) {
        const record = seal(sealer, fixedBytes(40, round));
        assertBytes(record.subarray(5), sealWithNoble(k, n++, fixedBytes(40, round)));
        assertBytes(opener.open(payloadOf(record)), fixedBytes(40, round));

        const announcement = sealRekey(sealer, 0);
        assertBytes(announcement.subarray(5), sealWithNoble(k, n++, REKEY_PLAINTEXT));
        assertEquals(opener.open(payloadOf(announcement)), undefined);
        const next = sealWithNoble(k, 2n ** 64n - 1n, new Uint8Array(32)).slice(0, 32);
        assert(next.toHex() !== k.toHex());
        k = next;
      }
      // The counter went on, and the first key opens nothing any more.
      const record = seal(sealer, fixedBytes(40, 9));
      assertBytes(record.subarray(5), sealWithNoble(k, 8n, fixedBytes(40, 9)));
      assert(record.subarray(5).toHex() !== sealWithNoble(KEY, 8n, fixedBytes(40, 9)).toHex());
    },
  });
}

Deno.test({
  name: "RecordSealer.seal() joins its parts and writes at the offset it is given",
  permissions: "none",
  fn() {
    const { sealer, opener } = pair();
    const whole = fixedBytes(50, 1);
    const parts = [whole.subarray(0, 8), EMPTY, whole.subarray(8, 9), whole.subarray(9)];
    const out = new Uint8Array(200).fill(0xaa);
    const end = sealer.seal(parts, out, 100);
    assertEquals(end, 100 + 50 + OVERHEAD);
    assert(out.subarray(0, 100).every((byte) => byte === 0xaa), "wrote in front of the offset");
    assert(out.subarray(end).every((byte) => byte === 0xaa), "wrote behind the record");
    assertBytes(opener.open(out.slice(104, end)), whole);
  },
});

Deno.test({
  name: "RecordSealer.seal() refuses an empty plaintext and one byte above the limit",
  permissions: "none",
  fn() {
    const { sealer, opener } = pair();
    const out = new Uint8Array(70_000);
    const tooLong = new Uint8Array(MAX_PLAINTEXT + 1);
    assertThrows(() => sealer.seal([], out, 0), RangeError, "0 is outside 1..65519");
    assertThrows(() => sealer.seal([EMPTY, EMPTY], out, 0), RangeError, "0 is outside 1..65519");
    assertThrows(() => sealer.seal([tooLong], out, 0), RangeError, "65520 is outside 1..65519");
    const halves = [tooLong.subarray(0, 32_760), tooLong.subarray(32_760)];
    assertThrows(() => sealer.seal(halves, out, 0), RangeError, "65520 is outside 1..65519");
    // No nonce was spent on what was refused.
    assertBytes(opener.open(payloadOf(seal(sealer, fixedBytes(9, 1)))), fixedBytes(9, 1));
  },
});

Deno.test({
  name: "RecordSealer.seal() refuses an output one byte too short and spends no nonce",
  permissions: "none",
  fn() {
    const { sealer, opener } = pair();
    const plaintext = fixedBytes(10, 1);
    for (const offset of [0, 3]) {
      const out = new Uint8Array(offset + 10 + OVERHEAD - 1);
      assertThrows(() => sealer.seal([plaintext], out, offset), RangeError, "too short");
    }
    assertBytes(opener.open(payloadOf(seal(sealer, plaintext))), plaintext);
  },
});

Deno.test({
  name: "RecordOpener.open() refuses a record whose plaintext is empty",
  permissions: "none",
  fn() {
    const { opener } = pair();
    const empty = new CipherState(fast, KEY).encryptWithAd(EMPTY, EMPTY);
    assertCode(() => opener.open(concatBytes(Uint8Array.of(0xf9), empty)), "bad_message");
  },
});

Deno.test({
  name: "RecordOpener is dead after a forged record",
  permissions: "none",
  fn() {
    for (const length of [10, 300]) {
      const { sealer, opener } = pair();
      const first = payloadOf(seal(sealer, fixedBytes(length, 1)));
      const second = payloadOf(seal(sealer, fixedBytes(length, 2)));
      assertBytes(opener.open(first), fixedBytes(length, 1));
      assertCode(() => opener.open(flipped(second, length)), "bad_tag");
      for (const record of [second, first, EMPTY]) {
        assertCode(() => opener.open(record), "bad_tag");
      }
    }
  },
});

Deno.test({
  name: "RecordOpener is dead after a record too short to hold a plaintext",
  permissions: "none",
  fn() {
    const { sealer, opener } = pair();
    const honest = payloadOf(seal(sealer, fixedBytes(10, 1)));
    assertCode(() => opener.open(honest.slice(0, 17)), "bad_message");
    assertCode(() => opener.open(honest), "bad_tag");
    assertCode(() => opener.open(honest), "bad_tag");
  },
});

Deno.test({
  name: "RecordOpener lives on after an announcement",
  permissions: "none",
  fn() {
    const { sealer, opener } = pair();
    for (const round of [1, 2, 3]) {
      assertEquals(opener.open(payloadOf(sealRekey(sealer, 0))), undefined);
      assertBytes(opener.open(payloadOf(seal(sealer, fixedBytes(9, round)))), fixedBytes(9, round));
    }
  },
});

Deno.test({
  name: "RecordOpener.open() refuses a record cut at any byte",
  permissions: "none",
  fn() {
    const payload = payloadOf(seal(pair().sealer, fixedBytes(40, 1)));
    for (let cut = 0; cut < payload.length; cut++) {
      const code = cut <= 17 ? "bad_message" : "bad_tag";
      assertCode(() => pair().opener.open(payload.slice(0, cut)), code);
    }
  },
});

Deno.test({
  name: "RecordOpener.open() refuses a record with any byte behind the first flipped, or one more",
  permissions: "none",
  fn() {
    for (const length of [1, 40, 300]) {
      const payload = payloadOf(seal(pair().sealer, fixedBytes(length, 1)));
      for (let at = 1; at < payload.length; at++) {
        for (const mask of [0x01, 0x80]) {
          assertCode(() => pair().opener.open(flipped(payload, at, mask)), "bad_tag");
        }
      }
      assertCode(() => pair().opener.open(concatBytes(payload, Uint8Array.of(0))), "bad_tag");
    }
  },
});

Deno.test({
  name: "RecordOpener.open() refuses a replayed, a reordered and a dropped record",
  permissions: "none",
  fn() {
    const sealer = pair().sealer;
    const [first, second, third] = [1, 2, 3].map((n) => payloadOf(seal(sealer, fixedBytes(20, n))));
    assert(first && second && third);

    const replayed = pair().opener;
    replayed.open(first);
    assertCode(() => replayed.open(first), "bad_tag");

    assertCode(() => pair().opener.open(second), "bad_tag");

    const dropped = pair().opener;
    dropped.open(first);
    assertCode(() => dropped.open(third), "bad_tag");
  },
});

Deno.test({
  name: "RecordOpener.open() refuses records of the other direction",
  permissions: "none",
  fn() {
    const theirs = new RecordSealer(new CipherState(fast, fixedBytes(32, 2)), 0);
    assertCode(() => pair().opener.open(payloadOf(seal(theirs, fixedBytes(20, 1)))), "bad_tag");
  },
});

Deno.test({
  name: "RecordOpener.open() gives a buffer that later records do not touch",
  permissions: "none",
  fn() {
    for (const length of [20, 2_000]) {
      const { sealer, opener } = pair();
      const wire = payloadOf(seal(sealer, fixedBytes(length, 1)));
      const first = opener.open(wire);
      wire.fill(0);
      opener.open(payloadOf(seal(sealer, fixedBytes(length, 2))));
      assertBytes(first, fixedBytes(length, 1));
    }
  },
});

Deno.test({
  name: "REKEY_PLAINTEXT is a frame of kind 7 without a body, in a record of 29 bytes",
  permissions: "none",
  fn() {
    assertBytes(REKEY_PLAINTEXT, Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0));
    assertEquals(REKEY_RECORD_BYTES, 29);
    assertEquals(sealRekey(pair().sealer, 0).length, 29);
  },
});

Deno.test({
  name: "RecordOpener.open() takes what merely resembles the announcement for plaintext",
  permissions: "none",
  fn() {
    const { sealer, opener } = pair();
    const lookalikes = [
      REKEY_PLAINTEXT.slice(0, 7),
      concatBytes(REKEY_PLAINTEXT, Uint8Array.of(0)),
      flipped(REKEY_PLAINTEXT, 7),
      flipped(REKEY_PLAINTEXT, 0),
      Uint8Array.of(7),
    ];
    for (const plaintext of lookalikes) {
      assertBytes(opener.open(payloadOf(seal(sealer, plaintext))), plaintext);
    }
  },
});

Deno.test({
  name:
    "RecordSealer.seal() refuses the announcement's bytes, which would change only one side's key",
  permissions: "none",
  fn() {
    const { sealer, opener } = pair();
    const out = new Uint8Array(64).fill(0xaa);
    for (let at = 1; at <= REKEY_PLAINTEXT.length; at++) {
      const parts = [REKEY_PLAINTEXT.subarray(0, at), REKEY_PLAINTEXT.subarray(at)];
      assertThrows(() => sealer.seal(parts, out, 0), RangeError, "announces a new key");
    }
    const bytes = Array.from(REKEY_PLAINTEXT, (byte) => Uint8Array.of(byte));
    assertThrows(() => sealer.seal(bytes, out, 0), RangeError, "announces a new key");
    assert(out.every((byte) => byte === 0xaa), "wrote what it refused");
    // No nonce was spent on what was refused.
    assertBytes(opener.open(payloadOf(seal(sealer, fixedBytes(9, 1)))), fixedBytes(9, 1));
  },
});

Deno.test({
  name: "RecordSealer.seal() refuses the announcement's bytes behind an empty part",
  permissions: "none",
  fn() {
    const { sealer } = pair();
    for (const parts of [[EMPTY, REKEY_PLAINTEXT], [EMPTY, EMPTY, REKEY_PLAINTEXT, EMPTY]]) {
      assertThrows(() => sealer.seal(parts, new Uint8Array(64), 0), RangeError);
    }
  },
});

Deno.test({
  name: "DEFAULT_REKEY_POLICY is 2^16 records, 1 GiB and 120 s",
  permissions: "none",
  fn() {
    assertEquals(DEFAULT_REKEY_POLICY, {
      maxRecords: 2 ** 16,
      maxBytes: 2 ** 30,
      maxAgeMs: 120_000,
    });
    assert(Object.isFrozen(DEFAULT_REKEY_POLICY));
  },
});

Deno.test({
  name: "RecordSealer.isRekeyDue() leaves room for the announcement among maxRecords",
  permissions: "none",
  fn() {
    const { sealer } = pair({ policy: { ...NEVER, maxRecords: 4 } });
    for (const round of [1, 2, 3]) {
      for (let sent = 0; sent < 3; sent++) {
        assert(!sealer.isRekeyDue(0), `round ${round}: due after ${sent} records`);
        seal(sealer, fixedBytes(5, sent));
      }
      assert(sealer.isRekeyDue(0), `round ${round}: not due after 3 records`);
      sealRekey(sealer, 0);
    }
  },
});

Deno.test({
  name: "RecordSealer.isRekeyDue() counts plaintext bytes up to maxBytes",
  permissions: "none",
  fn() {
    const { sealer } = pair({ policy: { ...NEVER, maxBytes: 1_000 } });
    for (const round of [1, 2]) {
      seal(sealer, fixedBytes(999, 1));
      assert(!sealer.isRekeyDue(0), `round ${round}: due after 999 bytes`);
      seal(sealer, fixedBytes(1, 1));
      assert(sealer.isRekeyDue(0), `round ${round}: not due after 1,000 bytes`);
      sealRekey(sealer, 0);
      assert(!sealer.isRekeyDue(0));
    }
  },
});

Deno.test({
  name: "RecordSealer.isRekeyDue() counts maxAgeMs from the start and from each new key",
  permissions: "none",
  fn() {
    const { sealer } = pair({ policy: { ...NEVER, maxAgeMs: 100 }, nowMs: 5_000 });
    assert(!sealer.isRekeyDue(5_099));
    assert(sealer.isRekeyDue(5_100));
    sealRekey(sealer, 5_150);
    assert(!sealer.isRekeyDue(5_249));
    assert(sealer.isRekeyDue(5_250));
  },
});

Deno.test({
  name: "RecordSealer and RecordOpener stay in step over 200 random sends and their new keys",
  permissions: "none",
  fn() {
    for (const primitives of BACKENDS) {
      const random = seededRandom(0x5ea1);
      const policy = { maxRecords: 9, maxBytes: 3_000, maxAgeMs: 400 };
      const { sealer, opener } = pair({ primitives, policy });
      let [nowMs, k, n, rekeys] = [0, KEY, 0n, 0];
      for (let sent = 0; sent < 200; sent++) {
        nowMs += randomBelow(random, 120);
        if (sealer.isRekeyDue(nowMs)) {
          assertEquals(opener.open(payloadOf(sealRekey(sealer, nowMs))), undefined);
          k = sealWithNoble(k, 2n ** 64n - 1n, new Uint8Array(32)).slice(0, 32);
          n++;
          rekeys++;
        }
        const plaintext = bytesFrom(random, 1 + randomBelow(random, 700));
        const record = seal(sealer, plaintext);
        assertBytes(record.subarray(5), sealWithNoble(k, n++, plaintext));
        assertBytes(opener.open(payloadOf(record)), plaintext);
      }
      assertGreater(rekeys, 200 / 9);
    }
  },
});

Deno.test({
  name: "RecordOpener.open() refuses the first record after a rekey that it did not see",
  permissions: "none",
  fn() {
    const { sealer, opener } = pair();
    sealRekey(sealer, 0);
    assertCode(() => opener.open(payloadOf(seal(sealer, fixedBytes(5, 1)))), "bad_tag");
  },
});

interface Changes {
  readonly primitives?: Primitives;
  readonly policy?: RekeyPolicy;
  readonly nowMs?: number;
}

/** Both ends of one direction. */
function pair({ primitives = fast, policy = NEVER, nowMs = 0 }: Changes = {}) {
  return {
    sealer: new RecordSealer(new CipherState(primitives, KEY), nowMs, policy),
    opener: new RecordOpener(new CipherState(primitives, KEY)),
  };
}

function seal(sealer: RecordSealer, plaintext: Bytes): Bytes {
  const out = new Uint8Array(plaintext.length + OVERHEAD);
  assertEquals(sealer.seal([plaintext], out, 0), out.length);
  return out;
}

function sealRekey(sealer: RecordSealer, nowMs: number): Bytes {
  const out = new Uint8Array(REKEY_RECORD_BYTES);
  assertEquals(sealer.sealRekey(out, 0, nowMs), out.length);
  return out;
}

/** What the frame decoder hands on: everything behind the length. */
function payloadOf(record: Bytes): Bytes {
  return record.slice(4);
}

function sealWithNoble(key: Bytes, n: bigint, plaintext: Bytes): Bytes {
  return new Uint8Array(chacha20poly1305(key, noiseNonce(n), EMPTY).encrypt(plaintext));
}

function assertCode(action: () => unknown, code: NoiseErrorCode): void {
  assertEquals(assertThrows(action, NoiseError).code, code);
}
