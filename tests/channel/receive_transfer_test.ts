/** The receiving end against senders that lie, stop or say too much, and over places that fail. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Bytes, concatBytes, decodeHex } from "../../src/base/bytes.ts";
import { CodedError } from "../../src/base/errors.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { receiveTransfer } from "../../src/channel/receive_transfer.ts";
import { RequestError } from "../../src/channel/requests.ts";
import {
  decodeOutcome,
  encodeOffset,
  PIECE_BYTES,
  TransferError,
  type TransferOutcome,
} from "../../src/channel/transfer.ts";
import { turns } from "../testing/channel.ts";
import { PRIMITIVES } from "../testing/identities.ts";
import {
  MemorySource,
  PUT,
  randomBytesOf,
  sha256Hex,
  Shelf,
  TransferPair,
} from "../testing/transfers.ts";

const PURE = { permissions: "none" } as const;
const MAX_OUTCOME_BYTES = 8_192;

/** Offers `size` bytes and, once it was answered, sends `body`, whatever that is. */
async function put(
  { pair }: TransferPair,
  size: number,
  body: readonly Bytes[],
): Promise<TransferOutcome> {
  const answered = Promise.withResolvers<void>();
  const reply = await pair.requester.request(PUT, { name: "a.bin", size }, {
    deadlineMs: Infinity,
    body: (async function* () {
      await answered.promise;
      yield* body;
    })(),
  });
  answered.resolve();
  return decodeOutcome(await reply.body.bytes(MAX_OUTCOME_BYTES));
}

function digestOf(bytes: Bytes): Bytes {
  return decodeHex(sha256Hex(bytes));
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, CodedError)).code;
}

Deno.test("receiveTransfer() takes a body however it is cut", PURE, async () => {
  const random = seededRandom(1);
  const bytes = randomBytesOf(random, 2_000);
  const body = concatBytes(encodeOffset(0), bytes, digestOf(bytes));
  for (let round = 0; round < 20; round++) {
    const pieces: Bytes[] = [];
    for (let at = 0; at < body.length;) {
      const end = at + 1 + randomBelow(random, round === 0 ? 1 : 200);
      pieces.push(body.slice(at, end));
      at = end;
    }
    const transfer = new TransferPair();
    assertEquals((await put(transfer, 2_000, pieces)).sha256, sha256Hex(bytes));
    assertEquals(transfer.shelf.bytes, bytes);
    await transfer.pair.assertNothingLeft(`round ${round}`);
  }
});

Deno.test(
  "receiveTransfer() discards what does not have the digest it came with",
  PURE,
  async () => {
    const bytes = randomBytesOf(seededRandom(2), PIECE_BYTES + 100);
    const right = digestOf(bytes);
    const wrong = right.slice();
    wrong[31] = (wrong[31] ?? 0) ^ 1;
    const corrupt = bytes.slice();
    corrupt[PIECE_BYTES] = (corrupt[PIECE_BYTES] ?? 0) ^ 0x80;
    for (const [sent, digest] of [[bytes, wrong], [corrupt, right]] as const) {
      const transfer = new TransferPair();
      const sending = put(transfer, bytes.length, [encodeOffset(0), sent, digest]);
      assertEquals(await codeOf(sending), "digest_mismatch");
      await transfer.pair.assertNothingLeft();
      const { shelf, ends } = transfer;
      assertEquals([shelf.deliveries, shelf.isDiscarded, shelf.closes], [0, true, 1]);
      assert(ends[0] instanceof TransferError && ends[0].code === "digest_mismatch");
      assertEquals(ends.length, 1);
    }
  },
);

Deno.test(
  "receiveTransfer() discards a held beginning that made the digest wrong",
  PURE,
  async () => {
    const bytes = randomBytesOf(seededRandom(3), 1_000);
    const other = bytes.slice(0, 500);
    other[0] = (other[0] ?? 0) ^ 1;
    const transfer = new TransferPair(new Shelf(other));
    // This sender goes on without looking at the digest of what is held.
    const body = [encodeOffset(500), bytes.slice(500), digestOf(bytes)];
    assertEquals(await codeOf(put(transfer, 1_000, body)), "digest_mismatch");
    await transfer.pair.assertNothingLeft();
    assertEquals([transfer.shelf.deliveries, transfer.shelf.isDiscarded], [0, true]);
  },
);

Deno.test(
  "receiveTransfer() refuses an offset that nobody proposed, and keeps what it holds",
  PURE,
  async () => {
    const bytes = randomBytesOf(seededRandom(4), 1_000);
    const offsets = ["01", "01f3", "01f5", "03e8", "03e9", "0100000000", "0100000001f4"];
    offsets.push("001fffffffffffff", "00200000000001f4", "ffffffffffffffff", "80000000000001f4");
    for (const hex of offsets) {
      const transfer = new TransferPair(new Shelf(bytes.subarray(0, 0x1f4)));
      const offset = decodeHex(hex.padStart(16, "0"));
      const sending = put(transfer, 1_000, [offset, bytes, digestOf(bytes)]);
      assertEquals(await codeOf(sending), "malformed_transfer", hex);
      await transfer.pair.assertNothingLeft(hex);
      const { shelf } = transfer;
      assertEquals([shelf.deliveries, shelf.isDiscarded, shelf.closes], [0, false, 1], hex);
      assertEquals(shelf.bytes, bytes.slice(0, 0x1f4), hex);
    }
  },
);

Deno.test(
  "receiveTransfer() keeps what came of a body that ends anywhere too early",
  PURE,
  async () => {
    const bytes = randomBytesOf(seededRandom(5), 20);
    const body = concatBytes(encodeOffset(0), bytes, digestOf(bytes));
    for (let length = 0; length < body.length; length++) {
      const transfer = new TransferPair();
      const sending = put(transfer, 20, [body.slice(0, length)]);
      assertEquals(await codeOf(sending), "malformed_transfer", `${length}`);
      await transfer.pair.assertNothingLeft(`${length}`);
      const { shelf } = transfer;
      assertEquals([shelf.deliveries, shelf.isDiscarded, shelf.closes], [0, false, 1], `${length}`);
      assertEquals(shelf.bytes, bytes.slice(0, Math.max(0, length - 8)), `${length}`);
    }
  },
);

Deno.test("receiveTransfer() delivers once, whatever follows the digest", PURE, async () => {
  const bytes = randomBytesOf(seededRandom(6), 300);
  for (const garbage of [1, 40, PIECE_BYTES, 8 * PIECE_BYTES]) {
    const transfer = new TransferPair();
    const body = concatBytes(encodeOffset(0), bytes, digestOf(bytes), new Uint8Array(garbage));
    const outcome = await put(transfer, 300, [body]);
    assertEquals(outcome.sha256, sha256Hex(bytes));
    // The rest is refused, not read: nothing is left of the stream.
    await transfer.pair.assertNothingLeft(`${garbage}`);
    const { shelf } = transfer;
    assertEquals([shelf.bytes, shelf.deliveries, shelf.closes], [bytes, 1, 1]);
  }
});

Deno.test("receiveTransfer() tells a failure that may be told, at every step", PURE, async () => {
  const bytes = randomBytesOf(seededRandom(7), PIECE_BYTES);
  for (const step of ["truncate", "write", "finish"] as const) {
    const other = bytes.slice(0, 100).fill(0);
    const transfer = new TransferPair(new Shelf(other));
    const full = new CodedError("no_space", "Cannot receive: 262144 bytes exceed 5");
    transfer.shelf.onStep = (at) => {
      if (at === step) throw full;
    };
    const sending = transfer.send(new MemorySource(bytes));
    const error = await assertRejects(() => sending, TransferError, undefined, step);
    assertEquals([error.code, error.message], ["no_space", full.message], step);
    await transfer.pair.assertNothingLeft(step);
    assertEquals([transfer.shelf.closes, transfer.shelf.deliveries], [1, 0], step);
    assertEquals([transfer.ends, transfer.pair.faults], [[full], []], step);
  }
});

Deno.test("receiveTransfer() keeps a failure to itself that may not be told", PURE, async () => {
  const bytes = randomBytesOf(seededRandom(8), PIECE_BYTES);
  const secret = "/home/user/secret";
  for (const step of ["read", "truncate", "write", "finish"] as const) {
    for (const failure of [new CodedError("unwritable", secret), new Error(secret), secret]) {
      const transfer = new TransferPair(new Shelf(bytes.slice(0, 100).fill(0)));
      transfer.shelf.onStep = (at) => {
        if (at === step) throw failure;
      };
      const error = await assertRejects(() => transfer.send(new MemorySource(bytes)), CodedError);
      // What the sink says of itself is no defect of ours; its words stay here all the same.
      const isStorage = failure instanceof CodedError && step !== "read";
      assertEquals(error.code, isStorage ? "storage_failed" : "internal_error", step);
      for (let each: unknown = error; each instanceof Error; each = each.cause) {
        assert(!each.message.includes(secret), step);
      }
      await transfer.pair.assertNothingLeft(step);
      assertEquals([transfer.shelf.closes, transfer.shelf.deliveries], [1, 0], step);
      assertEquals(transfer.pair.faults, isStorage ? [] : [failure], `${step}: the owner is told`);
    }
  }
});

Deno.test("receiveTransfer() refuses a shelf that holds less than it says", PURE, async () => {
  class Liar extends Shelf {
    override get length(): number {
      return 101;
    }
  }
  const transfer = new TransferPair(new Liar(new Uint8Array(100)));
  const source = new MemorySource(new Uint8Array(200));
  assertEquals(await codeOf(transfer.send(source)), "internal_error");
  await transfer.pair.assertNothingLeft();
  assertEquals(transfer.shelf.closes, 1);
});

Deno.test(
  "receiveTransfer() stops hashing what it holds when its peer gives up",
  PURE,
  async () => {
    const bytes = randomBytesOf(seededRandom(9), 8 * PIECE_BYTES);
    const transfer = new TransferPair(new Shelf(bytes));
    const stop = new AbortController();
    let reads = 0;
    transfer.shelf.onStep = () => {
      if (++reads === 3) stop.abort();
    };
    const sending = transfer.send(new MemorySource(bytes), { signal: stop.signal });
    const error = await assertRejects(() => sending, RequestError);
    assertEquals(error.code, "cancelled");
    await transfer.pair.assertNothingLeft();
    assertEquals([reads, transfer.shelf.closes], [3, 1]);
    assertEquals(transfer.shelf.bytes, bytes);
  },
);

Deno.test(
  "receiveTransfer() lets go of what it holds when the session ends at any byte",
  PURE,
  async () => {
    const bytes = randomBytesOf(seededRandom(10), 20);
    const body = concatBytes(encodeOffset(0), bytes, digestOf(bytes));
    for (let length = 0; length < body.length; length++) {
      const transfer = new TransferPair();
      const reply = await transfer.pair.requester.request(PUT, { name: "a", size: 20 }, {
        body: (async function* () {
          yield body.slice(0, length);
          await Promise.withResolvers<void>().promise;
        })(),
      });
      await turns();
      transfer.pair.lose();
      assertEquals(await codeOf(reply.body.bytes(1)), "lost");
      await transfer.pair.assertNothingLeft(`${length}`);
      assertEquals([transfer.shelf.closes, transfer.shelf.deliveries], [1, 0], `${length}`);
      assertEquals(transfer.ends.length, 1);
    }
  },
);

Deno.test(
  "receiveTransfer() lets go where its peer left before the reply could",
  PURE,
  async () => {
    for (const how of ["lost", "cancelled"] as const) {
      const transfer = new TransferPair();
      const opened = Promise.withResolvers<void>();
      const { pair, shelf, ends } = transfer;
      pair.handlers.set(PUT, async (request) => {
        // As an inbox that takes its time to open a file.
        await opened.promise;
        return await receiveTransfer({
          request,
          size: 9,
          sink: shelf,
          createSha256: PRIMITIVES.createSha256,
          isTellable: () => false,
          onEnd: (outcome) => ends.push(outcome),
        });
      });
      const stop = new AbortController();
      const sending = transfer.send(new MemorySource(new Uint8Array(9)), { signal: stop.signal });
      await turns();
      if (how === "lost") pair.lose();
      else stop.abort();
      assertEquals(await codeOf(sending), how === "lost" ? "closed" : "cancelled");
      opened.resolve();
      await pair.assertNothingLeft(how);
      assertEquals([shelf.closes, ends.length, pair.faults], [1, 1, []], how);
    }
  },
);

Deno.test(
  "receiveTransfer() lets go where its peer left while the last of it was hashed",
  PURE,
  async () => {
    const transfer = new TransferPair(new Shelf(new Uint8Array(100)));
    const stop = new AbortController();
    transfer.shelf.onStep = async (step) => {
      if (step !== "read") return;
      stop.abort();
      await turns();
    };
    const source = new MemorySource(new Uint8Array(200));
    assertEquals(await codeOf(transfer.send(source, { signal: stop.signal })), "cancelled");
    await turns(5);
    await transfer.pair.assertNothingLeft();
    assertEquals([transfer.shelf.closes, transfer.shelf.deliveries], [1, 0]);
  },
);
