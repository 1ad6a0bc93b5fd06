import { assert, assertEquals, assertRejects } from "@std/assert";
import { sendTensor, TENSOR_PUT, TensorReceiver } from "../../src/channel/tensor_transfer.ts";
import { type Tensor } from "../../src/channel/tensor.ts";
import { RequestError } from "../../src/channel/requests.ts";
import { codeOf, RequestPair, turns } from "../testing/channel.ts";
import { PRIMITIVES } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const { createSha256 } = PRIMITIVES;

class TensorPair {
  readonly pair = new RequestPair();
  readonly received: (readonly [string, Tensor, string])[] = [];
  isWanted = true;

  constructor(receiver?: TensorReceiver) {
    const taking = receiver ?? new TensorReceiver({
      createSha256,
      isWanted: () => this.isWanted,
      onTensor: (...tensor) => this.received.push(tensor),
      maxTensorBytes: 4_000_000,
    });
    this.pair.handlers.set(TENSOR_PUT, (request) => taking.receive(request, "peer"));
  }

  send(tensor: Tensor, name = "layer") {
    return sendTensor({
      name,
      tensor,
      createSha256,
      request: (type, data, options) => this.pair.requester.request(type, data, options),
    });
  }
}

Deno.test("sendTensor() brings every dtype over, bit for bit", PURE, async () => {
  const each = new TensorPair();
  const tensors: readonly Tensor[] = [
    { dtype: "f32", shape: [2, 2], values: Float32Array.of(0.1, -0, Infinity, 1e-40) },
    { dtype: "f64", shape: [3], values: Float64Array.of(Math.PI, -Infinity, 5e-324) },
    { dtype: "i32", shape: [1, 2], values: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
    { dtype: "i8", shape: [4], values: Int8Array.of(-128, -1, 0, 127) },
    { dtype: "u8", shape: [], values: Uint8Array.of(255) },
    { dtype: "f32", shape: [0, 7], values: new Float32Array(0) },
  ];
  for (const tensor of tensors) await each.send(tensor, tensor.dtype);
  assertEquals(each.received, tensors.map((tensor) => [tensor.dtype, tensor, "peer"] as const));
  await each.pair.assertNothingLeft();
});

Deno.test("sendTensor() goes on from the last whole MiB after a lost session", PURE, async () => {
  const values = Float32Array.from({ length: 800_000 }, (_, i) => i * 1.5);
  const tensor: Tensor = { dtype: "f32", shape: [800, 1_000], values };
  const received: Tensor[] = [];
  const receiver = new TensorReceiver({
    createSha256,
    isWanted: () => true,
    onTensor: (_name, whole) => received.push(whole),
  });
  const lost = new TensorPair(receiver);
  let seen = 0;
  const broken = sendTensor({
    name: "layer",
    tensor,
    createSha256,
    request: (type, data, options) => lost.pair.requester.request(type, data, options),
    onProgress: ({ done }) => {
      seen = done;
      if (done > 2_500_000) lost.pair.lose();
    },
  });
  await assertRejects(() => broken);
  assert(seen > 2_500_000);
  await turns();
  const { resumedFrom } = await new TensorPair(receiver).send(tensor);
  assert(resumedFrom >= 1_048_576 && resumedFrom % 1_048_576 === 0, `${resumedFrom}`);
  assertEquals(received, [tensor]);
});

Deno.test(
  "TensorReceiver refuses what is not wanted, too large or says two lengths",
  PURE,
  async () => {
    const each = new TensorPair();
    const small: Tensor = { dtype: "u8", shape: [3], values: Uint8Array.of(1, 2, 3) };
    each.isWanted = false;
    assertEquals(await codeOf(each.send(small)), "not_wanted");
    each.isWanted = true;
    const large: Tensor = { dtype: "u8", shape: [4_000_001], values: new Uint8Array(4_000_001) };
    assertEquals(await codeOf(each.send(large)), "too_large");
    const offer = { name: "x", size: 4, dtype: "u8", shape: [3], byte_length: 3 };
    for (
      const [data, code] of [
        [offer, "length_mismatch"],
        [{ ...offer, size: 3, shape: [1, 1, 1, 1, 1, 1, 1, 1, 3] }, "invalid_field"],
        [{ ...offer, size: 3, dtype: "f16" }, "invalid_field"],
        [{ name: "x", size: 3 }, "missing_field"],
        [{ size: 3, dtype: "u8", shape: [3], byte_length: 3 }, "invalid_field"],
      ] as const
    ) {
      const error = await assertRejects(
        () => each.pair.requester.request(TENSOR_PUT, data),
        RequestError,
      );
      assertEquals(error.code, code);
    }
    assertEquals(each.received, []);
    await each.pair.assertNothingLeft();
  },
);
