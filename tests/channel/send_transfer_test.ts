/** The sending end: sources that change, receivers that lie, and giving up at every stage. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Bytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { CodedError } from "../../src/base/errors.ts";
import type { JsonObject } from "../../src/base/guards.ts";
import { seededRandom } from "../../src/base/random.ts";
import { type IncomingRequest, Refusal } from "../../src/channel/responder.ts";
import { PIECE_BYTES, TransferError } from "../../src/channel/transfer.ts";
import { turns } from "../testing/channel.ts";
import {
  MemorySource,
  PUT,
  randomBytesOf,
  sha256Hex,
  Shelf,
  TransferPair,
} from "../testing/transfers.ts";

const PURE = { permissions: "none" } as const;
const NOTHING_HELD = { offset: 0, sha256: sha256Hex(new Uint8Array()) };

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, CodedError)).code;
}

/** A receiver that answers with `data` and, where it says so, reads all there is before its last word. */
function doctored(
  data: JsonObject,
  lastWord: string | ((read: Bytes) => string),
  onRequest: (request: IncomingRequest) => void = () => {},
): TransferPair {
  const transfer = new TransferPair();
  transfer.pair.handlers.set(PUT, (request) => {
    onRequest(request);
    return {
      data,
      body: (async function* () {
        const word = typeof lastWord === "string"
          ? lastWord
          : lastWord(await request.body.bytes(1e9));
        yield encodeUtf8(word);
      })(),
    };
  });
  return transfer;
}

Deno.test(
  "sendTransfer() offers name and size, and what else it is given, at low priority",
  PURE,
  async () => {
    let offered: IncomingRequest | undefined;
    const bytes = new Uint8Array(5);
    const outcome = { saved_as: "x", sha256: sha256Hex(bytes) };
    const transfer = doctored(
      NOTHING_HELD,
      () => JSON.stringify(outcome),
      (request) => offered = request,
    );
    const extra = { dtype: "u8", shape: [5], name: "not this", size: 6 };
    assertEquals(await transfer.send(new MemorySource(bytes, "a.bin"), { extra }), {
      savedAs: "x",
      sha256: outcome.sha256,
      resumedFrom: 0,
    });
    assertEquals(offered?.data, { dtype: "u8", shape: [5], name: "a.bin", size: 5 });
    assertEquals([offered?.priority, offered?.deadlineMs], [0, Infinity]);
  },
);

Deno.test("sendTransfer() ends where the source has become shorter", PURE, async () => {
  const bytes = randomBytesOf(seededRandom(1), 3 * PIECE_BYTES);
  const cases: readonly (readonly [held: number, at: number, to: number])[] = [
    [0, 0, 0],
    [0, PIECE_BYTES, PIECE_BYTES],
    [0, 2 * PIECE_BYTES, 2 * PIECE_BYTES + 5],
    [2 * PIECE_BYTES, PIECE_BYTES, PIECE_BYTES - 1],
    [2 * PIECE_BYTES, 2 * PIECE_BYTES, 100],
  ];
  for (const [held, at, to] of cases) {
    const label = `${held} held, at ${at} cut to ${to}`;
    const transfer = new TransferPair(new Shelf(bytes.subarray(0, held)));
    const source = new MemorySource(bytes);
    source.onRead = (offset) => {
      if (offset === at) source.bytes = bytes.slice(0, to);
    };
    const error = await assertRejects(() => transfer.send(source), TransferError, undefined, label);
    assertEquals(error.code, "source_changed", label);
    await transfer.pair.assertNothingLeft(label);
    assertEquals([transfer.shelf.deliveries, transfer.shelf.closes], [0, 1], label);
  }
});

Deno.test("sendTransfer() sends no more of a source that grows", PURE, async () => {
  const bytes = randomBytesOf(seededRandom(2), 1_000);
  const transfer = new TransferPair();
  const source = new MemorySource(bytes.slice(0, 600));
  source.onRead = () => void (source.bytes = bytes);
  assertEquals((await transfer.send(source)).sha256, sha256Hex(bytes.subarray(0, 600)));
  assertEquals(transfer.shelf.bytes, bytes.slice(0, 600));
});

Deno.test("sendTransfer() passes on what reading the source fails with", PURE, async () => {
  const transfer = new TransferPair();
  const source = new MemorySource(new Uint8Array(10));
  const failure = new CodedError("unreadable", "Cannot read it");
  source.onRead = () => {
    throw failure;
  };
  assertEquals(await assertRejects(() => transfer.send(source)), failure);
  await transfer.pair.assertNothingLeft();
  assertEquals([transfer.shelf.deliveries, transfer.shelf.closes], [0, 1]);
});

Deno.test("sendTransfer() passes on a refusal, and reads nothing for it", PURE, async () => {
  const transfer = new TransferPair();
  transfer.pair.handlers.set(PUT, () => {
    throw new Refusal("too_large", "Cannot receive: size 10 exceeds 5");
  });
  const source = new MemorySource(new Uint8Array(10));
  let reads = 0;
  source.onRead = () => void reads++;
  const error = await assertRejects(() => transfer.send(source), CodedError);
  assertEquals([error.code, error.message], ["too_large", "Cannot receive: size 10 exceeds 5"]);
  await transfer.pair.assertNothingLeft();
  assertEquals([transfer.sentBytes, reads], [0, 0]);
});

Deno.test("sendTransfer() sends nothing after a reply that is no holding", PURE, async () => {
  const replies: readonly JsonObject[] = [
    {},
    { offset: 11, sha256: NOTHING_HELD.sha256 },
    { offset: -1, sha256: NOTHING_HELD.sha256 },
    { offset: 1e300, sha256: NOTHING_HELD.sha256 },
    { offset: 0, sha256: "z".repeat(64) },
    { offset: 0, sha256: NOTHING_HELD.sha256.repeat(2) },
    JSON.parse(`{"__proto__":${JSON.stringify(NOTHING_HELD)}}`),
  ];
  for (const data of replies) {
    const transfer = doctored(data, () => "{}");
    const sending = transfer.send(new MemorySource(new Uint8Array(10)));
    assertEquals(await codeOf(sending), "malformed_transfer", JSON.stringify(data));
    await transfer.pair.assertNothingLeft(JSON.stringify(data));
    assertEquals(transfer.sentBytes, 0);
  }
});

Deno.test("sendTransfer() starts at 0 where the holding has another digest", PURE, async () => {
  const bytes = randomBytesOf(seededRandom(3), 100);
  const done = JSON.stringify({ saved_as: "x", sha256: sha256Hex(bytes) });
  let body = new Uint8Array();
  const holding = { offset: 60, sha256: "00".repeat(32) };
  const transfer = doctored(holding, (read) => {
    body = new Uint8Array(read);
    return done;
  });
  assertEquals((await transfer.send(new MemorySource(bytes))).resumedFrom, 0);
  assertEquals(body.length, 8 + 100 + 32);
  assertEquals([body.slice(0, 8), body.slice(8, 108)], [new Uint8Array(8), bytes]);
  assertEquals(body.slice(108).toHex(), sha256Hex(bytes));
});

Deno.test("sendTransfer() believes no success with another digest than its own", PURE, async () => {
  const bytes = randomBytesOf(seededRandom(4), 5 * PIECE_BYTES);
  const right = JSON.stringify({ saved_as: "x", sha256: sha256Hex(bytes) });
  const wrong = JSON.stringify({ saved_as: "x", sha256: "00".repeat(32) });
  // The second receiver cannot know the digest yet: it has read nothing.
  for (const lastWord of [() => wrong, right]) {
    const transfer = doctored(NOTHING_HELD, lastWord);
    assertEquals(await codeOf(transfer.send(new MemorySource(bytes))), "digest_mismatch");
    await transfer.pair.assertNothingLeft();
  }
});

Deno.test(
  "sendTransfer() ends with a last word that is a failure, early or late",
  PURE,
  async () => {
    const word = '{"code":"no_space","message":"Cannot receive: 7 bytes exceed 6"}';
    for (const lastWord of [word, () => word]) {
      const transfer = doctored(NOTHING_HELD, lastWord);
      const sending = transfer.send(new MemorySource(new Uint8Array(5 * PIECE_BYTES)));
      const error = await assertRejects(() => sending, TransferError);
      assertEquals([error.code, error.message], ["no_space", "Cannot receive: 7 bytes exceed 6"]);
      await transfer.pair.assertNothingLeft();
    }
  },
);

Deno.test("sendTransfer() ends with a last word that is none", PURE, async () => {
  const words = ["", "{", "[]", '{"saved_as":"x"}', "\0".repeat(100)];
  for (const word of words) {
    for (const lastWord of [word, () => word]) {
      const transfer = doctored(NOTHING_HELD, lastWord);
      const sending = transfer.send(new MemorySource(new Uint8Array(1_000)));
      assertEquals(await codeOf(sending), "malformed_transfer", word);
      await transfer.pair.assertNothingLeft(word);
    }
  }
});

Deno.test("sendTransfer() reads no more than 8,192 bytes of a last word", PURE, async () => {
  const transfer = doctored(NOTHING_HELD, () => " ".repeat(8_193));
  assertEquals(await codeOf(transfer.send(new MemorySource(new Uint8Array(9)))), "too_large");
  await transfer.pair.assertNothingLeft();
});

Deno.test("sendTransfer() given up before it began asks nobody", PURE, async () => {
  const transfer = new TransferPair();
  const sending = transfer.send(new MemorySource(new Uint8Array(9)), {
    signal: AbortSignal.abort(),
  });
  assertEquals(await codeOf(sending), "cancelled");
  await transfer.pair.assertNothingLeft();
  assertEquals([transfer.sentBytes, transfer.shelf.closes], [0, 0]);
});

/** Where a transfer can be given up: each calls `stop` at its moment. */
const STAGES: Readonly<
  Record<string, (transfer: TransferPair, source: MemorySource, stop: () => void) => void>
> = {
  "while the receiver hashes what it holds": ({ shelf }, _, stop) => {
    shelf.onStep = (step) => step === "read" ? stop() : undefined;
  },
  "while the sender checks what is held": (_, source, stop) => {
    source.onRead = (offset) => offset === 0 ? stop() : undefined;
  },
  "while the first piece is read": (_, source, stop) => {
    source.onRead = (offset) => offset === 2 * PIECE_BYTES ? stop() : undefined;
  },
  "once the offset was given": (transfer, _, stop) => {
    transfer.onSent = (sentBytes) => sentBytes === 8 ? stop() : undefined;
  },
  "while the receiver writes": ({ shelf }, _, stop) => {
    shelf.onStep = (step) => step === "write" ? stop() : undefined;
  },
  "while a later piece is on its way": (transfer, _, stop) => {
    transfer.onSent = (sentBytes) => sentBytes === 8 + 3 * PIECE_BYTES ? stop() : undefined;
  },
  "once the digest was given": (transfer, _, stop) => {
    transfer.onSent = (sentBytes) => sentBytes === 8 + 4 * PIECE_BYTES + 32 ? stop() : undefined;
  },
};

for (const [stage, stopAt] of Object.entries(STAGES)) {
  Deno.test(`sendTransfer() can be given up ${stage}`, PURE, async () => {
    const bytes = randomBytesOf(seededRandom(6), 6 * PIECE_BYTES);
    const transfer = new TransferPair(new Shelf(bytes.subarray(0, 2 * PIECE_BYTES)));
    const source = new MemorySource(bytes);
    const stop = new AbortController();
    stopAt(transfer, source, () => stop.abort());
    assertEquals(await codeOf(transfer.send(source, { signal: stop.signal })), "cancelled");
    await turns(10);
    await transfer.pair.assertNothingLeft();
    const { shelf } = transfer;
    assertEquals([shelf.closes, shelf.deliveries, shelf.isDiscarded], [1, 0, false]);
    assertEquals(shelf.bytes, bytes.slice(0, shelf.length), "what is held is right");
    assert(shelf.length >= 2 * PIECE_BYTES);
  });
}

Deno.test("sendTransfer() given up while the receiver delivers is over at once", PURE, async () => {
  const transfer = new TransferPair();
  const stop = new AbortController();
  const delivering = Promise.withResolvers<void>();
  transfer.shelf.onStep = (step) => {
    if (step !== "finish") return;
    stop.abort();
    return delivering.promise;
  };
  const source = new MemorySource(new Uint8Array(100));
  assertEquals(await codeOf(transfer.send(source, { signal: stop.signal })), "cancelled");
  delivering.resolve();
  await transfer.pair.assertNothingLeft();
  assertEquals([transfer.shelf.deliveries, transfer.shelf.closes], [1, 1]);
});
