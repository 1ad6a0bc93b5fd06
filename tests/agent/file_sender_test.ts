/** Sending through sessions that come and go: what is waited for, what is given up, and when. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { FILE_PUT } from "../../src/agent/file_receiver.ts";
import { FileSender, type SendProgress } from "../../src/agent/file_sender.ts";
import { CodedError } from "../../src/base/errors.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { seededRandom } from "../../src/base/random.ts";
import { receiveTransfer } from "../../src/channel/receive_transfer.ts";
import { Refusal } from "../../src/channel/responder.ts";
import { PIECE_BYTES, type TransferOutcome } from "../../src/channel/transfer.ts";
import type { PeerRequestHandler } from "../../src/node/node.ts";
import { SourceFile } from "../../src/store/source_file.ts";
import { FILES, withDirectory } from "../store/temp.ts";
import { turns } from "../testing/channel.ts";
import { ALICE, BOB, CAROL, PRIMITIVES } from "../testing/identities.ts";
import { randomBytesOf, sha256Hex, Shelf } from "../testing/transfers.ts";
import { outcomeWord, Village } from "../testing/village.ts";

const { createSha256 } = PRIMITIVES;
const A = "10.0.0.1";
const B = "10.0.0.2";
const PATIENCE_MS = 120_000;

/** Alice sends a file to Bob, who keeps what comes on a shelf. */
class Dispatch {
  readonly village = new Village();
  readonly alice = this.village.add(ALICE, A);
  readonly bob = this.village.add(BOB, B);
  readonly bytes = randomBytesOf(seededRandom(1), 4 * PIECE_BYTES + 9);
  readonly told: SendProgress[] = [];
  readonly stop = new AbortController();
  readonly sender = new FileSender({
    node: this.alice.node,
    clock: this.village.clock,
    createSha256,
  });
  shelf = new Shelf();
  /** When Bob was asked. */
  readonly askedAtMs: number[] = [];
  /** Called when the sender tells how far it is. */
  onProgress: (progress: SendProgress) => void = () => {};
  /** Bob's answer in place of taking the file. */
  refuse: () => void = () => {};

  constructor() {
    this.bob.node.handle(FILE_PUT, this.#receive);
  }

  /** Resolves as the sending does; time passes only by {@link until} and `village.clock`. */
  async send(
    path: string,
    to: PeerId = BOB.id,
  ): Promise<TransferOutcome & { readonly resumedFrom: number }> {
    const file = await SourceFile.open(path);
    const { signal } = this.stop;
    const onProgress = (progress: SendProgress) => {
      this.told.push(progress);
      this.onProgress(progress);
    };
    try {
      return await this.sender.send({ to, file, signal, onProgress });
    } finally {
      file.close();
    }
  }

  async connect(): Promise<void> {
    assertEquals(outcomeWord(await this.village.join(this.alice, this.bob)), "session");
  }

  /** The session breaks at both ends. */
  disconnect(): void {
    this.village.network.breakLinks(B);
  }

  /** Lets time pass until `promise` settles. */
  until<T>(promise: Promise<T>, limitMs = PATIENCE_MS): Promise<T> {
    return this.village.until(promise, limitMs);
  }

  /** Lets time pass until the sender tells that it waits. */
  untilWaiting(): Promise<void> {
    return this.#passUntil(() => this.told.at(-1)?.state === "waiting");
  }

  /** Connects and lets time pass until the sender has gone on. */
  async reconnect(): Promise<void> {
    const before = this.told.length;
    await this.connect();
    await this.#passUntil(() => this.told.slice(before).some(({ state }) => state !== "waiting"));
  }

  async #passUntil(isThere: () => boolean): Promise<void> {
    for (let ms = 0; !isThere(); ms += 10) {
      assert(ms < 20_000, "it never gets there");
      await this.village.clock.run(10, 10);
    }
  }

  readonly #receive: PeerRequestHandler = (request) => {
    this.askedAtMs.push(this.village.clock.now());
    this.refuse();
    // As an inbox does, what was kept is all that a later attempt finds.
    this.shelf = new Shelf(this.shelf.bytes);
    return receiveTransfer({
      request,
      size: this.bytes.length,
      sink: this.shelf,
      createSha256,
      isTellable: () => true,
    });
  };
}

async function withDispatch(
  use: (dispatch: Dispatch, path: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const dispatch = new Dispatch();
    const path = `${directory}/holiday.mp4`;
    await Deno.writeFile(path, dispatch.bytes);
    try {
      await use(dispatch, path);
    } finally {
      await dispatch.village.close();
    }
    await turns();
    assertEquals(dispatch.village.clock.pending, 0, "no timer is left");
  });
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, CodedError)).code;
}

Deno.test("FileSender.send() resolves when the peer has all of it", FILES, async () => {
  await withDispatch(async (dispatch, path) => {
    await dispatch.connect();
    const outcome = await dispatch.until(dispatch.send(path));
    assertEquals(outcome.sha256, sha256Hex(dispatch.bytes));
    assertEquals([outcome.savedAs, outcome.resumedFrom], ["holiday (2).mp4", 0]);
    assertEquals(dispatch.shelf.bytes, dispatch.bytes);
    assertEquals([dispatch.askedAtMs.length, dispatch.told.at(-1)?.state], [1, "verifying"]);
    const completedBytes = dispatch.bytes.length;
    assertEquals(dispatch.sender.counters, { completed: 1, failed: 0, completedBytes, active: 0 });
  });
});

Deno.test("FileSender.send() waits for a peer that is away", FILES, async () => {
  await withDispatch(async (dispatch, path) => {
    const sending = dispatch.send(path);
    await dispatch.untilWaiting();
    await dispatch.village.clock.run(60_000, 250);
    assertEquals(dispatch.askedAtMs.length, 0);
    assertEquals(dispatch.told.at(-1), { state: "waiting", done: 0, resumedFrom: 0 });
    await dispatch.connect();
    assertEquals((await dispatch.until(sending)).resumedFrom, 0);
    assertEquals(dispatch.askedAtMs.length, 1);
  });
});

Deno.test("FileSender.send() goes on where it was when the session is lost", FILES, async () => {
  await withDispatch(async (dispatch, path) => {
    await dispatch.connect();
    const sending = dispatch.send(path);
    sending.catch(() => {});
    let losses = 0;
    dispatch.onProgress = ({ state, done }) => {
      if (state !== "sending" || done < (losses + 2) * PIECE_BYTES || losses === 2) return;
      losses++;
      dispatch.disconnect();
    };
    let kept = 0;
    for (let loss = 0; loss < 2; loss++) {
      await dispatch.untilWaiting();
      assert(dispatch.shelf.length >= kept, "nothing that was kept is sent again");
      kept = dispatch.shelf.length;
      assertEquals(dispatch.shelf.bytes, dispatch.bytes.slice(0, kept));
      assertEquals(dispatch.shelf.closes, 1);
      await dispatch.reconnect();
    }
    const outcome = await dispatch.until(sending);
    assertEquals([outcome.resumedFrom, outcome.sha256], [kept, sha256Hex(dispatch.bytes)]);
    assertEquals([dispatch.shelf.bytes, dispatch.askedAtMs.length], [dispatch.bytes, 3]);
  });
});

Deno.test("FileSender.send() tells how far it was while it waits", FILES, async () => {
  await withDispatch(async (dispatch, path) => {
    await dispatch.connect();
    const sending = dispatch.send(path);
    sending.catch(() => {});
    dispatch.onProgress = ({ done }) => {
      if (done === 2 * PIECE_BYTES) dispatch.disconnect();
    };
    await dispatch.untilWaiting();
    assertEquals(dispatch.told.at(-1)?.done, 2 * PIECE_BYTES);
    dispatch.stop.abort();
    assertEquals(await codeOf(dispatch.until(sending)), "cancelled");
  });
});

Deno.test("FileSender.send() gives up after two minutes without a step", FILES, async () => {
  await withDispatch(async (dispatch, path) => {
    const startMs = dispatch.village.clock.now();
    let endMs = NaN;
    const sending = dispatch.send(path).finally(() => endMs = dispatch.village.clock.now());
    sending.catch(() => {});
    for (let ms = 0; ms < 125_000 && Number.isNaN(endMs); ms += 250) {
      await dispatch.village.clock.run(250, 250);
    }
    assertEquals(await codeOf(sending), "not_connected");
    const tookMs = endMs - startMs;
    // Time goes on while the disk is read for the last attempt, on a busy machine for some turns.
    assert(tookMs > PATIENCE_MS && tookMs <= PATIENCE_MS + 4_000, `${tookMs} ms`);
  });
});

Deno.test("FileSender.send() has patience anew after each step", FILES, async () => {
  await withDispatch(async (dispatch, path) => {
    const sending = dispatch.send(path);
    let pieces = 0;
    dispatch.onProgress = ({ state }) => {
      if (state === "sending" && ++pieces % 2 === 0 && pieces < 6) dispatch.disconnect();
    };
    for (let absence = 0; absence < 3; absence++) {
      await dispatch.untilWaiting();
      await dispatch.village.clock.run(100_000, 250);
      await dispatch.reconnect();
    }
    assertEquals((await dispatch.until(sending)).sha256, sha256Hex(dispatch.bytes));
  });
});

Deno.test("FileSender.send() comes again where the peer is busy", FILES, async () => {
  await withDispatch(async (dispatch, path) => {
    await dispatch.connect();
    dispatch.refuse = () => {
      if (dispatch.askedAtMs.length <= 8) {
        throw new Refusal("busy", "Cannot receive: 16 are on their way");
      }
    };
    await dispatch.until(dispatch.send(path));
    const { askedAtMs } = dispatch;
    const gaps = askedAtMs.slice(1).map((atMs, index) => atMs - (askedAtMs[index] ?? 0));
    assertEquals(gaps.map((gapMs) => Math.floor(gapMs / 50) * 50), Array(8).fill(250));
    assert(dispatch.told.every(({ state }) => state !== "waiting"), "the peer was there");
  });
});

Deno.test("FileSender.send() does not try again what is hopeless", FILES, async () => {
  const codes = ["too_large", "no_space", "too_many", "malformed_offer", "storage_failed"];
  for (const code of codes) {
    await withDispatch(async (dispatch, path) => {
      await dispatch.connect();
      dispatch.refuse = () => {
        throw new Refusal(code, "Cannot receive: not this one");
      };
      assertEquals(await codeOf(dispatch.until(dispatch.send(path))), code);
      assertEquals(dispatch.askedAtMs.length, 1);
      const { counters } = dispatch.sender;
      assertEquals(counters, { completed: 0, failed: 1, completedBytes: 0, active: 0 });
    });
  }
});

Deno.test("FileSender.send() does not try again where nobody takes files", FILES, async () => {
  await withDispatch(async (dispatch, path) => {
    const carol = dispatch.village.add(CAROL, "10.0.0.3");
    assertEquals(outcomeWord(await dispatch.village.join(carol, dispatch.alice)), "session");
    assertEquals(await codeOf(dispatch.until(dispatch.send(path, CAROL.id))), "unsupported_type");
  });
});

Deno.test(
  "FileSender.send() does not try again what the receiver failed to keep",
  FILES,
  async () => {
    await withDispatch(async (dispatch, path) => {
      await dispatch.connect();
      dispatch.shelf.bytes = dispatch.bytes.slice(0, 100);
      const full = new CodedError("no_space", "Cannot receive: the disk is full");
      dispatch.onProgress = ({ state }) => {
        if (state !== "checking") return;
        dispatch.shelf.onStep = () => {
          throw full;
        };
      };
      assertEquals(await codeOf(dispatch.until(dispatch.send(path))), "no_space");
      assertEquals(dispatch.askedAtMs.length, 1);
    });
  },
);

Deno.test("FileSender.send() does not try again a file that became shorter", FILES, async () => {
  await withDispatch(async (dispatch, path) => {
    await dispatch.connect();
    dispatch.onProgress = ({ done }) => {
      if (done === PIECE_BYTES) Deno.truncateSync(path, PIECE_BYTES + 1);
    };
    assertEquals(await codeOf(dispatch.until(dispatch.send(path))), "source_changed");
    assertEquals([dispatch.askedAtMs.length, dispatch.shelf.deliveries], [1, 0]);
  });
});

Deno.test("FileSender.send() ends at once when it is given up, at any stage", FILES, async () => {
  const stages: readonly (readonly [string, (dispatch: Dispatch) => Promise<void>])[] = [
    ["before", (dispatch) => Promise.resolve(dispatch.stop.abort())],
    ["while nobody is there", async (dispatch) => {
      await dispatch.untilWaiting();
      dispatch.stop.abort();
    }],
    ["while it is sent", async (dispatch) => {
      dispatch.onProgress = ({ done }) => {
        if (done === 2 * PIECE_BYTES) dispatch.stop.abort();
      };
      await dispatch.connect();
    }],
  ];
  for (const [stage, act] of stages) {
    await withDispatch(async (dispatch, path) => {
      const sending = dispatch.send(path);
      sending.catch(() => {});
      await act(dispatch);
      const { clock } = dispatch.village;
      const startMs = clock.now();
      assertEquals(await codeOf(dispatch.until(sending)), "cancelled", stage);
      assert(clock.now() - startMs <= 300, stage);
      assertEquals(dispatch.shelf.deliveries, 0, stage);
    });
  }
});

Deno.test("FileSender.close() breaks off what waits and what is on its way", FILES, async () => {
  for (const isConnected of [true, false]) {
    await withDispatch(async (dispatch, path) => {
      if (isConnected) await dispatch.connect();
      dispatch.onProgress = ({ state, done }) => {
        if (state === "waiting" || done === 2 * PIECE_BYTES) dispatch.sender.close();
      };
      assertEquals(await codeOf(dispatch.until(dispatch.send(path))), "cancelled");
      assertEquals(
        await codeOf(dispatch.until(dispatch.send(path))),
        "cancelled",
        "and later ones",
      );
      assertEquals(dispatch.shelf.deliveries, 0);
    });
  }
});
