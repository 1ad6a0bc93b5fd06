import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, decodeHex, encodeHex } from "../../src/base/bytes.ts";
import { FieldError } from "../../src/base/guards.ts";
import {
  decodeTensor,
  DEFAULT_MAX_TENSOR_BYTES,
  type Dtype,
  DTYPES,
  encodeTensor,
  MAX_DIMENSION,
  readTensorHead,
  swapElements,
  type Tensor,
  TensorError,
  type TensorHead,
  writeTensorHead,
} from "../../src/channel/tensor.ts";
import { pollution } from "../testing/mutate.ts";

const PURE = { permissions: "none" } as const;

const SIZES: Readonly<Record<Dtype, number>> = { f32: 4, f64: 8, i32: 4, i8: 1, u8: 1 };

/** Elements spelled out by hand: sign, exponent and fraction, the lowest byte first. */
const GOLDEN: readonly (readonly [tensor: Tensor, bytes: string])[] = [
  [
    // 3f800000, c0200000, 3dcccccd (0.1 rounded up), 7f7fffff (the largest), 00000001 (the smallest)
    {
      dtype: "f32",
      shape: [5],
      values: Float32Array.of(1, -2.5, 0.1, (2 - 2 ** -23) * 2 ** 127, 2 ** -149),
    },
    "0000803f 000020c0 cdcccc3d ffff7f7f 01000000",
  ],
  [
    // 3ff0000000000000, c004000000000000, 3fb999999999999a, 0000000000000001
    { dtype: "f64", shape: [2, 2], values: Float64Array.of(1, -2.5, 0.1, 2 ** -1074) },
    "000000000000f03f 00000000000004c0 9a9999999999b93f 0100000000000000",
  ],
  [
    {
      dtype: "i32",
      shape: [1, 5, 1],
      values: Int32Array.of(1, -2, 0x12345678, 2 ** 31 - 1, -(2 ** 31)),
    },
    "01000000 feffffff 78563412 ffffff7f 00000080",
  ],
  [{ dtype: "i8", shape: [4], values: Int8Array.of(1, -1, 127, -128) }, "01 ff 7f 80"],
  [{ dtype: "u8", shape: [2, 2], values: Uint8Array.of(0, 1, 128, 255) }, "00 01 80 ff"],
];

function spaced(hex: string): Bytes {
  return decodeHex(hex.replaceAll(" ", ""));
}

/** A head on the wire, with `changes` over those of a 2 x 3 tensor of f32. */
function wireHead(changes: Readonly<Record<string, unknown>> = {}): unknown {
  return JSON.parse(JSON.stringify({ dtype: "f32", shape: [2, 3], byte_length: 24, ...changes }));
}

function assertRefused(value: unknown, code: TensorError["code"], field?: string): void {
  const label = JSON.stringify(value);
  const error = assertThrows(() => readTensorHead(value), TensorError, undefined, label);
  assertEquals(error.code, code, label);
  if (field === undefined) return;
  assertInstanceOf(error.cause, FieldError, label);
  assertEquals(error.cause.field, field, label);
}

/** `bytes` at `offset` of a buffer that is larger on both sides. */
function placedAt(offset: number, bytes: Bytes): Bytes {
  const room = new Uint8Array(offset + bytes.length + 5).fill(0xaa);
  room.set(bytes, offset);
  return room.subarray(offset, offset + bytes.length);
}

function bitsOf({ values }: Tensor): string {
  return encodeHex(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

Deno.test("encodeTensor() gives the golden bytes", PURE, () => {
  for (const [tensor, hex] of GOLDEN) {
    const { head, body } = encodeTensor(tensor);
    assertEquals(encodeHex(body), hex.replaceAll(" ", ""), tensor.dtype);
    const byteLength = spaced(hex).length;
    assertEquals(head, { dtype: tensor.dtype, shape: tensor.shape, byteLength });
  }
});

Deno.test("decodeTensor() reads the golden bytes", PURE, () => {
  for (const [tensor, hex] of GOLDEN) {
    const body = spaced(hex);
    const head = { dtype: tensor.dtype, shape: tensor.shape, byteLength: body.length };
    assertEquals(decodeTensor(head, body), tensor);
  }
});

Deno.test("encodeTensor() and decodeTensor() agree with a DataView", PURE, () => {
  const numbers = [0, 1, -1, 3, 100, -100];
  const view = new DataView(new ArrayBuffer(numbers.length * 8));
  const f64: Tensor = { dtype: "f64", shape: [6], values: Float64Array.from(numbers) };
  numbers.forEach((number, i) => view.setFloat64(i * 8, number, true));
  assertEquals(encodeTensor(f64).body, new Uint8Array(view.buffer));
  const i32: Tensor = { dtype: "i32", shape: [6], values: Int32Array.from(numbers) };
  numbers.forEach((number, i) => view.setInt32(i * 4, number, true));
  assertEquals(encodeTensor(i32).body, new Uint8Array(view.buffer, 0, 24));
});

Deno.test("encodeTensor() takes the part of a buffer that the values are", PURE, () => {
  const room = Int32Array.of(9, 1, 2, 9);
  const { body } = encodeTensor({ dtype: "i32", shape: [2], values: room.subarray(1, 3) });
  assertEquals(encodeHex(body), "0100000002000000");
});

Deno.test("encodeTensor() gives a view of the values on a little-endian host", PURE, () => {
  for (const [tensor] of GOLDEN) {
    assert(encodeTensor(tensor, "little").body.buffer === tensor.values.buffer, tensor.dtype);
  }
});

Deno.test("encodeTensor() keeps a shape that the caller changes afterwards", PURE, () => {
  const shape = [2];
  const { head } = encodeTensor({ dtype: "u8", shape, values: Uint8Array.of(1, 2) });
  shape.push(7);
  assertEquals(head.shape, [2]);
});

Deno.test("encodeTensor() swaps a copy on a big-endian host", PURE, () => {
  // Not the true order of this host: what is swapped here is what would be little-endian there.
  const values = Int32Array.of(0x12345678);
  const { body } = encodeTensor({ dtype: "i32", shape: [], values }, "big");
  assertEquals(encodeHex(body), "12345678");
  assertEquals(values[0], 0x12345678, "the values are as they were");
});

Deno.test("decodeTensor() swaps a copy on a big-endian host, wherever the body lies", PURE, () => {
  for (const [tensor] of GOLDEN) {
    const { head, body } = encodeTensor(tensor, "big");
    const before = encodeHex(body);
    for (const offset of [0, 1, 3, 8]) {
      assertEquals(decodeTensor(head, placedAt(offset, body), "big"), tensor);
    }
    assertEquals(encodeHex(body), before, "the body is as it was");
  }
});

Deno.test("swapElements() reverses the bytes of each element in a copy", PURE, () => {
  const bytes = decodeHex("0102030405060708");
  const cases: readonly (readonly [size: number, hex: string])[] = [
    [1, "0102030405060708"],
    [2, "0201040306050807"],
    [4, "0403020108070605"],
    [8, "0807060504030201"],
  ];
  for (const [size, hex] of cases) {
    const swapped = swapElements(bytes, size);
    assertEquals(encodeHex(swapped), hex, `${size}`);
    assert(swapped.buffer !== bytes.buffer);
    assertEquals(swapElements(swapped, size), bytes);
  }
  assertEquals(swapElements(new Uint8Array(0), 8), new Uint8Array(0));
  assertEquals(encodeHex(swapElements(placedAt(3, bytes), 4)), "0403020108070605");
});

Deno.test("decodeTensor() views an aligned body and copies any other", PURE, () => {
  for (const [tensor] of GOLDEN) {
    const { head, body } = encodeTensor(tensor);
    for (let offset = 0; offset <= 16; offset++) {
      const placed = placedAt(offset, body);
      const decoded = decodeTensor(head, placed);
      assertEquals(decoded, tensor, `${tensor.dtype} at ${offset}`);
      const isView = decoded.values.buffer === placed.buffer;
      assertEquals(isView, offset % SIZES[tensor.dtype] === 0, `${tensor.dtype} at ${offset}`);
    }
  }
});

Deno.test("decodeTensor() refuses a body cut at every byte, or one too long", PURE, () => {
  for (const [tensor] of GOLDEN) {
    const { head, body } = encodeTensor(tensor);
    for (let length = 0; length < body.length; length++) {
      const error = assertThrows(() => decodeTensor(head, body.subarray(0, length)), TensorError);
      assertEquals(error.code, "length_mismatch", `${tensor.dtype} cut at ${length}`);
    }
    const longer = concatBytes(body, Uint8Array.of(0));
    const error = assertThrows(() => decodeTensor(head, longer), TensorError);
    assertEquals(error.code, "length_mismatch");
  }
});

Deno.test("decodeTensor() refuses a head that contradicts itself", PURE, () => {
  const head: TensorHead = { dtype: "f32", shape: [2], byteLength: 4 };
  for (const length of [4, 8]) {
    assertThrows(() => decodeTensor(head, new Uint8Array(length)), RangeError);
  }
});

Deno.test("decodeTensor() keeps NaN, infinity and -0 bit for bit", PURE, () => {
  // -0, both infinities, a quiet, a signalling and a negative NaN with a payload, a subnormal.
  const bodies = {
    f32: "00000080 0000807f 000080ff 0000c07f 0100807f efbeedff ffff7f00",
    f64: "0000000000000080 000000000000f07f 000000000000f0ff 000000000000f87f " +
      "010000000000f07f efbeaddeefbefdff ffffffffffff0f00",
  } as const;
  for (const dtype of ["f32", "f64"] as const) {
    const body = spaced(bodies[dtype]);
    const head = { dtype, shape: [7], byteLength: body.length };
    for (const offset of [0, 1]) {
      const decoded = decodeTensor(head, placedAt(offset, body));
      assertEquals(bitsOf(decoded), encodeHex(body), dtype);
      assertEquals(encodeTensor(decoded).body, body, dtype);
      const [zero, up, down, ...others] = decoded.values;
      assert(Object.is(zero, -0) && up === Infinity && down === -Infinity);
      assertEquals(others.map(Number.isNaN), [true, true, true, false]);
      const swapped = decodeTensor(head, encodeTensor(decoded, "big").body, "big");
      assertEquals(bitsOf(swapped), encodeHex(body), dtype);
    }
  }
});

Deno.test("encodeTensor() and decodeTensor() take scalars and empty tensors", PURE, () => {
  const tensors: readonly Tensor[] = [
    { dtype: "f64", shape: [], values: Float64Array.of(7) },
    { dtype: "u8", shape: [1, 1, 1, 1, 1, 1, 1, 1], values: Uint8Array.of(7) },
    { dtype: "f32", shape: [0], values: new Float32Array(0) },
    { dtype: "f64", shape: [MAX_DIMENSION, 0, MAX_DIMENSION], values: new Float64Array(0) },
  ];
  for (const tensor of tensors) {
    const { head, body } = encodeTensor(tensor);
    const wire: unknown = JSON.parse(JSON.stringify(writeTensorHead(head)));
    assertEquals(readTensorHead(wire), head);
    for (const offset of [0, 1]) assertEquals(decodeTensor(head, placedAt(offset, body)), tensor);
  }
});

Deno.test("encodeTensor() refuses values that do not fill the shape", PURE, () => {
  const cases: readonly (readonly [shape: readonly number[], length: number])[] = [
    [[], 0],
    [[], 2],
    [[0], 1],
    [[2, 3], 5],
    [[2, 3], 7],
    [new Array<number>(8).fill(MAX_DIMENSION), 1],
  ];
  for (const [shape, length] of cases) {
    const tensor: Tensor = { dtype: "f32", shape, values: new Float32Array(length) };
    assertThrows(() => encodeTensor(tensor), RangeError, "values take", `${shape}: ${length}`);
  }
});

Deno.test("encodeTensor() refuses shapes out of their bounds", PURE, () => {
  const values = new Uint8Array(0);
  const shapes = [
    [0, 0, 0, 0, 0, 0, 0, 0, 0],
    [0, -1],
    [0, 0.5],
    [0, NaN],
    [0, Infinity],
    [0, MAX_DIMENSION + 1],
  ];
  for (const shape of shapes) {
    assertThrows(() => encodeTensor({ dtype: "u8", shape, values }), RangeError, "dimension");
  }
});

Deno.test("encodeTensor() refuses values that are not of the dtype", PURE, () => {
  const cases: readonly (readonly [dtype: string, values: unknown])[] = [
    ["f32", new Int32Array(1)],
    ["i8", new Uint8Array(1)],
    ["u8", new Uint8ClampedArray(1)],
    ["u8", [1]],
    ["f16", new Float32Array(1)],
    ["__proto__", new Float32Array(1)],
    ["constructor", new Float32Array(1)],
  ];
  for (const [dtype, values] of cases) {
    const tensor = { dtype, shape: [1], values } as unknown as Tensor;
    assertThrows(() => encodeTensor(tensor), TypeError, "values are no array", dtype);
  }
});

Deno.test("writeTensorHead() gives the golden JSON", PURE, () => {
  const head: TensorHead = { dtype: "f32", shape: [2, 3], byteLength: 24 };
  assertEquals(
    JSON.stringify(writeTensorHead(head)),
    '{"dtype":"f32","shape":[2,3],"byte_length":24}',
  );
});

Deno.test(
  "readTensorHead() round-trips every dtype and ignores keys it does not know",
  PURE,
  () => {
    assertEquals([...DTYPES].sort(), Object.keys(SIZES).sort());
    for (const dtype of DTYPES) {
      const byteLength = 2 * 3 * SIZES[dtype];
      const head = readTensorHead(wireHead({ dtype, byte_length: byteLength, extra: 1 }));
      assertEquals(head, { dtype, shape: [2, 3], byteLength });
      assertEquals(readTensorHead(writeTensorHead(head)), head);
    }
  },
);

Deno.test("readTensorHead() refuses what is no head, by its field", PURE, () => {
  for (const value of [null, undefined, 1, "f32", [], [wireHead()]]) {
    assertRefused(value, "invalid_field", "tensor");
  }
  for (const key of ["dtype", "shape", "byte_length"]) {
    assertRefused(wireHead({ [key]: undefined }), "missing_field", `tensor.${key}`);
    assertRefused(wireHead({ [key]: null }), "invalid_field", `tensor.${key}`);
  }
  for (const dtype of ["", "F32", "f16", "u32", "i64", "__proto__", "constructor", 4, ["f32"]]) {
    assertRefused(wireHead({ dtype }), "invalid_field", "tensor.dtype");
  }
  for (const shape of [6, "2,3", { 0: 2, 1: 3, length: 2 }]) {
    assertRefused(wireHead({ shape }), "invalid_field", "tensor.shape");
  }
  for (const length of [-1, 24.5, "24", [24], 2 ** 53, 1e308]) {
    assertRefused(wireHead({ byte_length: length }), "invalid_field", "tensor.byte_length");
  }
});

Deno.test("readTensorHead() takes a dimension of 2^31 - 1 and no more", PURE, () => {
  const head = { dtype: "u8", shape: [MAX_DIMENSION], byte_length: MAX_DIMENSION };
  assertEquals(MAX_DIMENSION, 2_147_483_647);
  assertEquals(readTensorHead(head, { maxBytes: MAX_DIMENSION }).shape, [MAX_DIMENSION]);
  for (const dimension of [MAX_DIMENSION + 1, -1, 0.5, NaN, Infinity, 1e308, "2", null, [2]]) {
    const shape = [0, dimension, 0];
    assertRefused({ dtype: "u8", shape, byte_length: 0 }, "invalid_field", "tensor.shape.1");
  }
  assertRefused({ ...head, shape: new Array(3) }, "missing_field", "tensor.shape.0");
});

Deno.test("readTensorHead() takes 8 dimensions and no more", PURE, () => {
  const ones = (length: number) => new Array<number>(length).fill(1);
  assertEquals(readTensorHead(wireHead({ shape: ones(8), byte_length: 4 })).shape, ones(8));
  assertRefused(wireHead({ shape: ones(9), byte_length: 4 }), "invalid_field", "tensor.shape");
  const many = new Array<number>(100_000).fill(0);
  assertRefused(wireHead({ shape: many, byte_length: 0 }), "invalid_field", "tensor.shape");
});

Deno.test("readTensorHead() refuses a length that is not its shape's", PURE, () => {
  for (const length of [0, 6, 23, 25, 48]) {
    assertRefused(wireHead({ byte_length: length }), "length_mismatch");
  }
  assertRefused(wireHead({ dtype: "f64" }), "length_mismatch");
  assertRefused(wireHead({ shape: [] }), "length_mismatch");
  assertRefused(wireHead({ shape: [0, 3] }), "length_mismatch");
  assertEquals(readTensorHead(wireHead({ shape: [], byte_length: 4 })).shape, []);
});

Deno.test("readTensorHead() is not fooled by products beyond 2^53", PURE, () => {
  const noLimit = { maxBytes: Number.MAX_SAFE_INTEGER };
  const refuse = (dtype: Dtype, shape: readonly number[], byteLength: number) => {
    const value = { dtype, shape, byte_length: byteLength };
    const error = assertThrows(() => readTensorHead(value, noLimit), TensorError);
    assertEquals(error.code, "length_mismatch", JSON.stringify(value));
  };
  const huge = new Array<number>(8).fill(MAX_DIMENSION);
  // What the product leaves in 0, 32, 53 and 64 bits: (2^31 - 1)^8 is 1 modulo 2^31.
  for (const length of [0, 1, 2 ** 31 - 1, 2 ** 32 - 8, Number.MAX_SAFE_INTEGER]) {
    for (const dtype of DTYPES) refuse(dtype, huge, length);
  }
  // 2^64 and 2^32, which are 0 in as many bits.
  refuse("u8", [65_536, 65_536, 65_536, 65_536], 0);
  refuse("f32", [2 ** 15, 2 ** 15], 0);
  // One above what is still exact.
  refuse("u8", [2 ** 27, 2 ** 26], Number.MAX_SAFE_INTEGER);
  refuse("f64", [2 ** 25, 2 ** 25], Number.MAX_SAFE_INTEGER);
  // The largest that is exact: 2^53 - 1 is 6,361 x 69,431 x 20,394,401.
  const exact = { dtype: "u8", shape: [6_361, 69_431, 20_394_401], byte_length: 2 ** 53 - 1 };
  assertEquals(BigInt(6_361) * 69_431n * 20_394_401n, 2n ** 53n - 1n);
  assertEquals(readTensorHead(exact, noLimit).byteLength, 2 ** 53 - 1);
  refuse("u8", exact.shape, 2 ** 53 - 2);
});

Deno.test("readTensorHead() takes its limit and no more", PURE, () => {
  assertEquals(DEFAULT_MAX_TENSOR_BYTES, 256 * 1_024 * 1_024);
  const of = (length: number) => ({ dtype: "i8", shape: [length], byte_length: length });
  assertEquals(readTensorHead(of(268_435_456)).byteLength, 268_435_456);
  assertRefused(of(268_435_457), "too_large");
  for (const maxBytes of [0, 1, 1_000]) {
    assertEquals(readTensorHead(of(maxBytes), { maxBytes }).byteLength, maxBytes);
    const error = assertThrows(() => readTensorHead(of(maxBytes + 1), { maxBytes }), TensorError);
    assertEquals(error.code, "too_large");
  }
  for (const maxBytes of [NaN, -1]) {
    assertThrows(() => readTensorHead(wireHead(), { maxBytes }), RangeError, "maxBytes");
  }
});

Deno.test("readTensorHead() reads -0 as 0", PURE, () => {
  const head = readTensorHead(JSON.parse('{"dtype":"i8","shape":[-0],"byte_length":-0}'));
  assert(Object.is(head.shape[0], 0) && Object.is(head.byteLength, 0));
});

Deno.test("readTensorHead() reads own members only and pollutes nothing", PURE, () => {
  assertRefused(Object.create({ dtype: "u8", shape: [], byte_length: 1 }), "missing_field");
  const inherited: unknown = JSON.parse(
    '{"__proto__":{"dtype":"u8","shape":[],"byte_length":1,"polluted":true}}',
  );
  assertRefused(inherited, "missing_field");
  const extra: unknown = JSON.parse(
    '{"dtype":"u8","shape":[],"byte_length":1,"__proto__":{"shape":[9],"polluted":true}}',
  );
  assertEquals(readTensorHead(extra), { dtype: "u8", shape: [], byteLength: 1 });
  assertRefused(wireHead({ shape: [JSON.parse('{"__proto__":[]}')] }), "invalid_field");
  assertEquals(pollution(), []);
});

Deno.test("readTensorHead() says no peer's text in its messages", PURE, () => {
  const error = assertThrows(() => readTensorHead(wireHead({ dtype: "sneaky" })), TensorError);
  assert(!error.message.includes("sneaky"), error.message);
});
