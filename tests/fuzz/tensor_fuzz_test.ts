import { assert, assertEquals } from "@std/assert";
import { type Bytes, encodeHex } from "../../src/base/bytes.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import {
  decodeTensor,
  type Dtype,
  DTYPES,
  encodeTensor,
  readTensorHead,
  TensorError,
  type TensorHead,
  writeTensorHead,
} from "../../src/channel/tensor.ts";
import {
  byte,
  fuzzSeed,
  hostileJson,
  mutateBytes,
  mutateObject,
  pollution,
} from "../testing/mutate.ts";

const SEED = fuzzSeed();
const PURE = { permissions: "none" } as const;
const ROUNDS = 5_000;
const MAX_BYTES = 100_000;
const SIZES: Readonly<Record<Dtype, bigint>> = { f32: 4n, f64: 8n, i32: 4n, i8: 1n, u8: 1n };

function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[randomBelow(random, items.length)] ?? items[0];
}

/** PROTOCOL.md section 6 in whole numbers of any size. */
function naiveByteLength(dtype: Dtype, shape: readonly number[]): bigint {
  return shape.reduce((product, dimension) => product * BigInt(dimension), SIZES[dtype]);
}

/** `undefined` where `read` throws a {@link TensorError}; anything else thrown fails the round. */
function unlessRefused<T>(label: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof TensorError) return undefined;
    throw new Error(label, { cause: error });
  }
}

/** `bytes` somewhere in a larger buffer. */
function placed(random: Random, bytes: Bytes): Bytes {
  const offset = randomBelow(random, 17);
  const room = new Uint8Array(offset + bytes.length + randomBelow(random, 9));
  room.set(bytes, offset);
  return room.subarray(offset, offset + bytes.length);
}

function smallHead(random: Random): TensorHead {
  const dtype = pick(random, DTYPES);
  const shape = Array.from({ length: randomBelow(random, 9) }, () => {
    return random.next() < 0.9 ? 1 + randomBelow(random, 3) : 0;
  });
  return { dtype, shape, byteLength: Number(naiveByteLength(dtype, shape)) };
}

Deno.test(
  `readTensorHead() throws nothing but TensorError on mutations, seed ${SEED}`,
  PURE,
  () => {
    const random = seededRandom(SEED);
    const original = { dtype: "f32", shape: [2, 3, 4], byte_length: 96 };
    const text = new TextEncoder().encode(JSON.stringify(original));
    for (let round = 0; round < ROUNDS; round++) {
      const label = `seed ${SEED}, round ${round}`;
      const json = round % 2 === 0
        ? hostileJson(mutateObject(random, mutateObject(random, original)))
        : new TextDecoder().decode(mutateBytes(random, text));
      let value: unknown;
      try {
        value = JSON.parse(json);
      } catch {
        // No JSON, so that the envelope around it would have been refused.
        continue;
      }
      const head = unlessRefused(label, () => readTensorHead(value, { maxBytes: MAX_BYTES }));
      if (!head) continue;
      assert(head.byteLength <= MAX_BYTES && head.shape.length <= 8, label);
      assertEquals(BigInt(head.byteLength), naiveByteLength(head.dtype, head.shape), label);
    }
    assertEquals(pollution(), []);
  },
);

Deno.test(`readTensorHead() agrees with whole numbers of any size, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 1);
  let accepted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const label = `seed ${SEED}, round ${round}`;
    const dtype = pick(random, DTYPES);
    const shape = Array.from({ length: randomBelow(random, 9) }, () => {
      const power = 2 ** randomBelow(random, pick(random, [2, 8, 32]));
      const nearby = power + randomBelow(random, 3) - 1;
      return Math.min(2 ** 31 - 1, random.next() < 0.05 ? 0 : nearby);
    });
    const exact = naiveByteLength(dtype, shape);
    // The truth, what would be left of it in fewer bits, and what is next to it.
    const claim = pick(random, [
      exact,
      exact,
      BigInt.asUintN(32, exact),
      BigInt.asUintN(53, exact),
      exact + 1n,
      exact > 0n ? exact - 1n : 0n,
    ]);
    const wire = { dtype, shape, byte_length: Number(claim) };
    const limits = { maxBytes: Number.MAX_SAFE_INTEGER };
    const head = unlessRefused(label, () => readTensorHead(wire, limits));
    const isTrue = claim === exact && exact < 2n ** 53n;
    assertEquals(head !== undefined, isTrue, `${label}: ${JSON.stringify(wire)}`);
    if (head) accepted++;
  }
  assert(accepted > ROUNDS / 10, `only ${accepted} were true`);
});

Deno.test(`decodeTensor() round-trips any bytes in either byte order, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 2);
  for (let round = 0; round < ROUNDS / 5; round++) {
    const label = `seed ${SEED}, round ${round}`;
    const head = smallHead(random);
    const wire: unknown = JSON.parse(JSON.stringify(writeTensorHead(head)));
    assertEquals(readTensorHead(wire), head, label);
    const body: Bytes = Uint8Array.from({ length: head.byteLength }, () => byte(random));
    for (const order of ["little", "big"] as const) {
      const tensor = decodeTensor(head, placed(random, body), order);
      assertEquals([tensor.dtype, tensor.shape], [head.dtype, head.shape], label);
      const again = encodeTensor(tensor, order);
      assertEquals(again.head, head, label);
      assertEquals(encodeHex(again.body), encodeHex(body), label);
    }
  }
});

Deno.test(`decodeTensor() refuses every body of another length, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 3);
  for (let round = 0; round < ROUNDS; round++) {
    const label = `seed ${SEED}, round ${round}`;
    const head = smallHead(random);
    const body = placed(random, mutateBytes(random, new Uint8Array(head.byteLength)));
    const tensor = unlessRefused(label, () => decodeTensor(head, body));
    assertEquals(tensor !== undefined, body.length === head.byteLength, label);
  }
});
