import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CodedError } from "../../src/base/errors.ts";
import { receiveTransfer } from "../../src/channel/receive_transfer.ts";
import {
  decodeOutcome,
  encodeOutcome,
  PIECE_BYTES,
  TransferError,
} from "../../src/channel/transfer.ts";
import { turns } from "../testing/channel.ts";
import { PRIMITIVES } from "../testing/identities.ts";
import { MemorySource, PUT, Shelf, TransferPair } from "../testing/transfers.ts";
const PURE = { permissions: "none" } as const;

for (const how of ["lost", "cancelled"]) {
  Deno.test(
    `receiveTransfer() closes its sink when the stream is ${how} before the reply could leave`,
    PURE,
    async () => {
      const transfer = new TransferPair();
      const { shelf } = transfer;
      const opened = Promise.withResolvers<void>();
      transfer.pair.handlers.set(PUT, async (request) => {
        await opened.promise; // inbox.begin()
        return await receiveTransfer({
          request,
          size: 9,
          sink: shelf,
          createSha256: PRIMITIVES.createSha256,
          isTellable: () => false,
          onEnd: (e) => transfer.ends.push(e),
        });
      });
      const stop = new AbortController();
      const sending = transfer.send(new MemorySource(new Uint8Array(9)), { signal: stop.signal });
      sending.catch(() => {});
      await turns();
      if (how === "lost") transfer.pair.lose();
      else stop.abort();
      await assertRejects(() => sending);
      opened.resolve();
      await turns();
      assertEquals([shelf.closes, transfer.ends.length], [1, 1]);
    },
  );
}

Deno.test(
  "receiveTransfer() closes its sink when the peer gives up while the last held piece is hashed",
  PURE,
  async () => {
    const transfer = new TransferPair(new Shelf(new Uint8Array(100)));
    const stop = new AbortController();
    transfer.shelf.onStep = async (step) => {
      if (step === "read") {
        stop.abort();
        await turns();
      }
    };
    await assertRejects(() =>
      transfer.send(new MemorySource(new Uint8Array(200)), { signal: stop.signal })
    );
    await turns();
    assertEquals([transfer.shelf.closes], [1]);
  },
);

Deno.test("sendTransfer() reads no more of its source once it is over", PURE, async () => {
  const bytes = new Uint8Array(20 * PIECE_BYTES);
  const transfer = new TransferPair(new Shelf(bytes));
  const source = new MemorySource(bytes);
  let reads = 0, after = 0, over = false;
  source.onRead = async () => {
    if (over) after++;
    if (++reads === 2) transfer.pair.lose();
    await turns(1);
  };
  await assertRejects(() => transfer.send(source));
  over = true;
  await turns(40);
  assertEquals([reads, after], [2, 0]);
});

Deno.test("sendTransfer() given up in the moment the reply comes", PURE, async () => {
  const transfer = new TransferPair();
  const stop = new AbortController();
  transfer.onReply = () => stop.abort();
  const e = await assertRejects(
    () => transfer.send(new MemorySource(new Uint8Array(5 * PIECE_BYTES)), { signal: stop.signal }),
    CodedError,
  );
  assertEquals(e.code, "cancelled");
});

Deno.test("encodeOutcome() cuts no character in two", PURE, () => {
  const bytes = encodeOutcome(new TransferError("no_space", "x".repeat(511) + "😀"));
  assertEquals(assertThrows(() => decodeOutcome(bytes), TransferError).code, "no_space");
});
Deno.test("a tellable message that is not printable", PURE, () => {
  for (const m of ["a\nb", ""]) {
    const bytes = encodeOutcome(new TransferError("no_space", m));
    assertEquals(assertThrows(() => decodeOutcome(bytes), TransferError).code, "no_space");
  }
});
