/**
 * Tensors: numbers in bulk, a small head in an envelope and the values as bytes on a stream
 * (PROTOCOL.md section 6).
 *
 * ```
 * head   { "dtype": "f32", "shape": [2, 3], "byte_length": 24 }
 * body   the elements in row-major order, each little-endian, without padding
 * ```
 *
 * An empty shape is a scalar, one element; a dimension of 0 makes the tensor empty, whatever the others
 * say. What a peer got wrong is a {@link TensorError}, known from the head before a byte of the body is
 * kept; what our own code got wrong is a `TypeError` or a `RangeError`.
 */

import type { Bytes } from "../base/bytes.ts";
import { CodedError, unreachable } from "../base/errors.ts";
import { FieldError, Fields, type JsonObject } from "../base/guards.ts";

/** 256 MiB, 64 Mi of f32: large for a model that travels, small enough to hold once on a phone. */
export const DEFAULT_MAX_TENSOR_BYTES = 268_435_456;
export const MAX_DIMENSIONS = 8;
export const MAX_DIMENSION = 2 ** 31 - 1;

export const DTYPES = ["f32", "f64", "i32", "i8", "u8"] as const;
/** IEEE 754 floats and integers, two's complement where signed; the number is the width in bits. */
export type Dtype = typeof DTYPES[number];

/** What holds the elements of each dtype. */
export interface TensorValues {
  readonly f32: Float32Array<ArrayBuffer>;
  readonly f64: Float64Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  readonly i8: Int8Array<ArrayBuffer>;
  readonly u8: Uint8Array<ArrayBuffer>;
}

/** Values in row-major order; `dtype` tells which array `values` is. */
export type Tensor<D extends Dtype = Dtype> = {
  readonly [K in D]: {
    readonly dtype: K;
    readonly shape: readonly number[];
    readonly values: TensorValues[K];
  };
}[D];

/** What is known of a tensor before its body. */
export interface TensorHead {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Elements times their size. */
  readonly byteLength: number;
}

/** What a receiver puts up with. */
export interface TensorLimits {
  /** The largest body; {@link DEFAULT_MAX_TENSOR_BYTES} where absent. */
  readonly maxBytes?: number;
}

/** Bytes of each element from the lowest (`little`) or from the highest (`big`). */
export type ByteOrder = "little" | "big";

/** A peer's tensor that cannot be read; `cause` names the field of a head, where it is one. */
export class TensorError
  extends CodedError<"missing_field" | "invalid_field" | "too_large" | "length_mismatch"> {
  override readonly name = "TensorError";
}

const HOST_ORDER: ByteOrder = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? "little" : "big";

const ARRAYS = Object.freeze({
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  i8: Int8Array,
  u8: Uint8Array,
});

/** The wire form of `head`. */
export function writeTensorHead(head: TensorHead): JsonObject {
  return { dtype: head.dtype, shape: head.shape, byte_length: head.byteLength };
}

/**
 * Reads a head; whoever allocates for the body may do so with its `byteLength`. The dimensions of an
 * empty tensor stay untrusted beyond their own bounds: multiply all of them, or none. Throws
 * {@link TensorError}: `missing_field`, `invalid_field`, `too_large` above the limit, `length_mismatch`
 * when `byte_length` is not what shape and dtype make.
 */
export function readTensorHead(value: unknown, limits: TensorLimits = {}): TensorHead {
  const maxBytes = limits.maxBytes ?? DEFAULT_MAX_TENSOR_BYTES;
  if (!(maxBytes >= 0)) throw new RangeError(`Cannot read tensor: maxBytes ${maxBytes} is below 0`);
  const { dtype, shape, byteLength } = readFields(value);
  if (byteLength > maxBytes) {
    throw new TensorError(
      "too_large",
      `Cannot read tensor: byte_length ${byteLength} exceeds ${maxBytes}`,
    );
  }
  const expected = byteLengthOf(dtype, shape);
  if (byteLength !== expected) {
    throw new TensorError(
      "length_mismatch",
      `Cannot read tensor: byte_length ${byteLength} is not the ${expected} of its shape`,
    );
  }
  return Object.freeze({ dtype, shape: Object.freeze(shape), byteLength: expected });
}

/**
 * The head and body of `tensor`. On a little-endian host the body is a view of the values, which stay
 * the caller's but must not change until the body is sent. Throws `TypeError` when `values` is not the
 * array of `dtype`, `RangeError` when the shape is out of bounds or does not fit the values.
 */
export function encodeTensor(
  tensor: Tensor,
  hostOrder: ByteOrder = HOST_ORDER,
): { readonly head: TensorHead; readonly body: Bytes } {
  const { dtype, shape, values } = tensor;
  const array = Object.hasOwn(ARRAYS, dtype) ? ARRAYS[dtype] : undefined;
  if (array === undefined || !(values instanceof array)) {
    throw new TypeError(`Cannot encode tensor: values are no array of ${dtype}`);
  }
  checkShape(shape);
  const byteLength = byteLengthOf(dtype, shape);
  if (values.byteLength !== byteLength) {
    throw new RangeError(
      `Cannot encode tensor: values take ${values.byteLength} bytes, their shape ${byteLength}`,
    );
  }
  const bytes = new Uint8Array(values.buffer, values.byteOffset, byteLength);
  return {
    head: Object.freeze({ dtype, shape: Object.freeze([...shape]), byteLength }),
    body: hostOrder === "little" ? bytes : swapElements(bytes, array.BYTES_PER_ELEMENT),
  };
}

/**
 * The tensor of a head that {@link readTensorHead} gave and the whole of its body. The body goes with
 * it: where its offset in its buffer suits the elements the values are a view of it and keep that buffer
 * alive, else they are a copy. A body that will be overwritten must be copied first. Throws
 * {@link TensorError} `length_mismatch` on a body of another length, `RangeError` on a head that
 * contradicts itself.
 */
export function decodeTensor(
  head: TensorHead,
  body: Bytes,
  hostOrder: ByteOrder = HOST_ORDER,
): Tensor {
  const { dtype, shape, byteLength } = head;
  if (byteLength !== byteLengthOf(dtype, shape)) {
    throw new RangeError(`Cannot decode tensor: byteLength ${byteLength} does not fit the shape`);
  }
  if (body.length !== byteLength) {
    throw new TensorError(
      "length_mismatch",
      `Cannot decode tensor: a body of ${body.length} bytes, expected ${byteLength}`,
    );
  }
  const size = ARRAYS[dtype].BYTES_PER_ELEMENT;
  if (hostOrder === "big") return tensorOf(dtype, shape, swapElements(body, size));
  const isAligned = body.byteOffset % size === 0;
  return tensorOf(dtype, shape, isAligned ? body : new Uint8Array(body));
}

/** A copy of `bytes`, whole elements of `size` bytes, with the bytes of each in reverse. */
export function swapElements(bytes: Bytes, size: number): Bytes {
  const swapped = new Uint8Array(bytes);
  for (let start = 0; start < swapped.length; start += size) {
    swapped.subarray(start, start + size).reverse();
  }
  return swapped;
}

function readFields(value: unknown): { dtype: Dtype; shape: number[]; byteLength: number } {
  try {
    const fields = Fields.of(value, "tensor");
    const items = fields.list("shape", { maxItems: MAX_DIMENSIONS });
    const dimensions = Fields.of({ ...items }, "tensor.shape");
    return {
      dtype: fields.oneOf("dtype", DTYPES),
      // JSON can spell -0, which is added away.
      shape: Array.from(
        items,
        (_, i) => dimensions.integer(String(i), { min: 0, max: MAX_DIMENSION }) + 0,
      ),
      byteLength: fields.integer("byte_length", { min: 0, max: Number.MAX_SAFE_INTEGER }),
    };
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw new TensorError(error.code, error.message, { cause: error });
  }
}

function checkShape(shape: readonly number[]): void {
  if (shape.length > MAX_DIMENSIONS) {
    throw new RangeError(
      `Cannot encode tensor: shape has ${shape.length} dimensions, more than ${MAX_DIMENSIONS}`,
    );
  }
  for (const dimension of shape) {
    if (Number.isInteger(dimension) && dimension >= 0 && dimension <= MAX_DIMENSION) continue;
    throw new RangeError(
      `Cannot encode tensor: dimension ${dimension} is no whole number in 0..${MAX_DIMENSION}`,
    );
  }
}

/**
 * Exact up to 2^53. Beyond, rounding cannot bring a product back below 2^53, and 8 dimensions stay far
 * from infinity: a length that is a safe integer never equals it by mistake.
 */
function byteLengthOf(dtype: Dtype, shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, ARRAYS[dtype].BYTES_PER_ELEMENT);
}

/** The elements of `bytes`, which start at a multiple of their size, in place. */
function tensorOf(dtype: Dtype, shape: readonly number[], bytes: Bytes): Tensor {
  const { buffer, byteOffset: at } = bytes;
  const length = bytes.length / ARRAYS[dtype].BYTES_PER_ELEMENT;
  switch (dtype) {
    case "f32":
      return { dtype, shape, values: new Float32Array(buffer, at, length) };
    case "f64":
      return { dtype, shape, values: new Float64Array(buffer, at, length) };
    case "i32":
      return { dtype, shape, values: new Int32Array(buffer, at, length) };
    case "i8":
      return { dtype, shape, values: new Int8Array(buffer, at, length) };
    case "u8":
      return { dtype, shape, values: new Uint8Array(buffer, at, length) };
    default:
      return unreachable(dtype);
  }
}
