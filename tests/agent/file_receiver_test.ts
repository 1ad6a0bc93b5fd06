/** Files from peers: where they land, what is refused and what may be said of it. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { settle } from "../../src/base/clock.ts";
import { CodedError } from "../../src/base/errors.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { seededRandom } from "../../src/base/random.ts";
import { FILE_PUT, FileReceiver } from "../../src/agent/file_receiver.ts";
import { RequestError } from "../../src/channel/requests.ts";
import { TransferError } from "../../src/channel/transfer.ts";
import { Inbox, type InboxOptions } from "../../src/store/inbox.ts";
import { CHUNK_BYTES } from "../../src/store/partial_file.ts";
import { FILES, namesIn, withDirectory } from "../store/temp.ts";
import type { LogLine } from "../testing/agents.ts";
import { ALICE, BOB, PRIMITIVES } from "../testing/identities.ts";
import { MemorySource, randomBytesOf, sha256Hex, TransferPair } from "../testing/transfers.ts";

const { createSha256 } = PRIMITIVES;
const ALICE_SHORT = ALICE.id.slice(0, 8);

/** A receiver over an inbox of its own, and sessions to it. */
class Post {
  readonly inboxDir: string;
  readonly lines: LogLine[] = [];
  readonly #receiver: FileReceiver;
  readonly #transfers: TransferPair[] = [];

  constructor(inbox: Inbox, inboxDir: string) {
    this.inboxDir = inboxDir;
    this.#receiver = new FileReceiver({
      inbox,
      createSha256,
      log: (level, event, fields = {}) => this.lines.push({ level, event, fields }),
    });
  }

  get counters() {
    return this.#receiver.counters;
  }

  /** A new session with a peer that sends. */
  session(from: PeerId = ALICE.id): TransferPair {
    const transfer = new TransferPair();
    transfer.pair.handlers.set(FILE_PUT, (request) => this.#receiver.receive(request, from));
    this.#transfers.push(transfer);
    return transfer;
  }

  /** What the inbox holds under `name`. */
  read(name: string): Promise<Uint8Array> {
    return Deno.readFile(`${this.inboxDir}/${name}`);
  }

  /** Names in the inbox, and those of partial files. */
  async names(): Promise<readonly [whole: readonly string[], partial: readonly string[]]> {
    const whole = (await namesIn(this.inboxDir)).filter((name) => name !== ".partial");
    return [whole, await namesIn(`${this.inboxDir}/.partial`)];
  }

  /** Waits until nothing is on its way. */
  async idle(): Promise<void> {
    const isBusy = () => this.#transfers.some(({ pair }) => pair.responder.active > 0);
    for (let turn = 0; isBusy(); turn++) {
      assert(turn < 5_000, "a transfer never ends");
      await settle();
    }
    for (const { pair } of this.#transfers) await pair.assertNothingLeft();
  }

  linesOf(event: string): readonly LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }
}

async function withPost(
  use: (post: Post) => Promise<void>,
  options: Partial<InboxOptions> = {},
): Promise<void> {
  await withDirectory(async (directory) => {
    const inbox = await Inbox.open({
      directory: `${directory}/inbox`,
      maxFileBytes: 10 * CHUNK_BYTES,
      keepFreeBytes: 0,
      wallMs: Date.now(),
      freeBytes: () => Promise.resolve(1e12),
      ...options,
    });
    const post = new Post(inbox, `${directory}/inbox`);
    await use(post);
    await post.idle();
  });
}

function sourceOf(length: number, name = "holiday.mp4", seed = 1): MemorySource {
  return new MemorySource(randomBytesOf(seededRandom(seed), length), name);
}

Deno.test("FileReceiver puts a file into the inbox, whole and under its name", FILES, async () => {
  await withPost(async (post) => {
    for (const length of [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1]) {
      const source = sourceOf(length, `${length}.bin`);
      const outcome = await post.session().send(source);
      const expected = { savedAs: `${length}.bin`, sha256: sha256Hex(source.bytes) };
      assertEquals(outcome, { ...expected, resumedFrom: 0 });
      assertEquals(await post.read(`${length}.bin`), source.bytes);
    }
    await post.idle();
    assertEquals((await post.names())[1], []);
    const completedBytes = 0 + 1 + CHUNK_BYTES + CHUNK_BYTES + 1;
    assertEquals(post.counters, { completed: 4, failed: 0, completedBytes, active: 0 });
  });
});

Deno.test("FileReceiver replaces no file: the second of a name gets a number", FILES, async () => {
  await withPost(async (post) => {
    const names: string[] = [];
    for (const seed of [1, 1, 2]) {
      const { savedAs } = await post.session().send(sourceOf(100, "a.txt", seed));
      names.push(savedAs);
    }
    assertEquals(names, ["a.txt", "a (2).txt", "a (3).txt"]);
    assertEquals(await post.read("a.txt"), await post.read("a (2).txt"));
    assertEquals(await post.read("a (3).txt"), sourceOf(100, "", 2).bytes);
  });
});

Deno.test("FileReceiver keeps a hostile name inside the inbox", FILES, async () => {
  await withPost(async (post) => {
    const cases: readonly (readonly [string, string])[] = [
      ["../../../escaped", "escaped"],
      ["/etc/passwd", "passwd"],
      ["..\\..\\boot.ini", "boot.ini"],
      [".partial", "partial"],
      ["..", "unnamed"],
      ["", "unnamed (2)"],
      ["a\0b\x1b[2J.txt", "ab[2J.txt"],
      ["__proto__", "__proto__"],
      ["x".repeat(1_024), "x".repeat(180)],
    ];
    for (const [name, savedAs] of cases) {
      assertEquals((await post.session().send(sourceOf(10, name))).savedAs, savedAs);
    }
    assertEquals((await post.names())[0], cases.map(([, savedAs]) => savedAs).sort());
    assertEquals(await namesIn(`${post.inboxDir}/..`), ["inbox"]);
    for (const { fields } of post.lines) assertMatch(JSON.stringify(fields), /^[ -~]*$/);
  });
});

Deno.test(
  "FileReceiver refuses a name of 1,025 characters and a size that is none",
  FILES,
  async () => {
    await withPost(async (post) => {
      const bytes = new Uint8Array(3);
      const offers = [
        [{ name: "x".repeat(1_025), size: 3 }, "data.name"],
        [{ name: ["a"], size: 3 }, "data.name"],
        [{ size: 3 }, "data.name"],
        [{ name: "a" }, "data.size"],
        [{ name: "a", size: -1 }, "data.size"],
        [{ name: "a", size: 0.5 }, "data.size"],
        [{ name: "a", size: 2 ** 53 }, "data.size"],
        [{ name: "a", size: "3" }, "data.size"],
        [JSON.parse('{"__proto__":{"name":"a","size":3}}'), "data.name"],
      ] as const;
      for (const [data, field] of offers) {
        const { requester } = post.session().pair;
        const asking = requester.request(FILE_PUT, data, { body: bytes });
        const error = await assertRejects(() => asking, RequestError);
        assertEquals(error.code, "malformed_offer");
        assert(error.message.startsWith(`Cannot read ${field}: `), error.message);
        assert(!error.message.includes("xxx"), "nothing of the peer's own text");
      }
      assertEquals(await post.names(), [[], []]);
    });
  },
);

Deno.test(
  "FileReceiver says which limit a file exceeds, before a byte of it was sent",
  FILES,
  async () => {
    const free = { keepFreeBytes: 500, freeBytes: () => Promise.resolve(1_000) };
    const cases = [
      [{ maxFileBytes: 599 }, "too_large", "Cannot receive a file: size 600 exceeds 599"],
      [free, "no_space", /^Cannot receive a file: 600 bytes exceed 500 /],
    ] as const;
    for (const [options, code, message] of cases) {
      await withPost(async (post) => {
        const transfer = post.session();
        const error = await assertRejects(() => transfer.send(sourceOf(600)), RequestError);
        assertEquals(error.code, code);
        assertMatch(error.message, typeof message === "string" ? new RegExp(message) : message);
        assertEquals([transfer.sentBytes, await post.names()], [0, [[], []]]);
      }, options);
    }
  },
);

Deno.test("FileReceiver resumes from the last whole MiB of the same sender", FILES, async () => {
  await withPost(async (post) => {
    const source = sourceOf(3 * CHUNK_BYTES + 500);
    const first = post.session();
    first.onSent = (sentBytes) => {
      if (sentBytes > 2.5 * CHUNK_BYTES) first.pair.lose();
    };
    await assertRejects(() => first.send(source), CodedError);
    await post.idle();
    const stranger = post.session(BOB.id);
    const held = `${ALICE.id}-${source.size}-holiday.mp4`;
    assertEquals(await post.names(), [[], [held]]);
    assertEquals((await stranger.send(source)).resumedFrom, 0, "another's is another's");

    const second = post.session();
    const outcome = await second.send(source);
    // What was on its way when the session broke may not have been stored.
    assert([1, 2].includes(outcome.resumedFrom / CHUNK_BYTES), `${outcome.resumedFrom}`);
    assertEquals(second.sentBytes, source.size - outcome.resumedFrom + 8 + 32);
    assertEquals(outcome.sha256, sha256Hex(source.bytes));
    assertEquals(await post.read(outcome.savedAs), source.bytes);
    assertEquals(await post.names(), [["holiday (2).mp4", "holiday.mp4"], []]);
  });
});

Deno.test(
  "FileReceiver starts again on what another file of that name and size left",
  FILES,
  async () => {
    await withPost(async (post) => {
      const first = post.session();
      first.onSent = (sentBytes) => {
        if (sentBytes > 1.5 * CHUNK_BYTES) first.pair.lose();
      };
      await assertRejects(() => first.send(sourceOf(2 * CHUNK_BYTES, "a.bin", 1)), CodedError);
      await post.idle();
      assertEquals((await post.names())[1].length, 1);
      const other = sourceOf(2 * CHUNK_BYTES, "a.bin", 2);
      assertEquals((await post.session().send(other)).resumedFrom, 0);
      assertEquals(await post.read("a.bin"), other.bytes);
    });
  },
);

Deno.test("FileReceiver leaves nothing of a file whose digest is wrong", FILES, async () => {
  await withPost(async (post) => {
    const { requester } = post.session().pair;
    const size = 2 * CHUNK_BYTES;
    const body = new Uint8Array(8 + size + 32);
    const reply = await requester.request(FILE_PUT, { name: "a.bin", size }, { body });
    const word = JSON.parse(new TextDecoder().decode(await reply.body.bytes(8_192)));
    assertEquals(word.code, "digest_mismatch");
    await post.idle();
    assertEquals(await post.names(), [[], []]);
    const [line] = post.linesOf("file not received");
    assertEquals([line?.level, line?.fields["name"]], ["warn", "a.bin"]);
    assertEquals(post.counters, { completed: 0, failed: 1, completedBytes: 0, active: 0 });
  });
});

Deno.test(
  "FileReceiver takes 16 files at once and tells the 17th that it is busy",
  FILES,
  async () => {
    await withPost(async (post) => {
      const senders = Array.from({ length: 16 }, () => post.session());
      const endless = async (transfer: TransferPair, n: number) => {
        const { requester } = transfer.pair;
        const never = (async function* () {
          yield new Uint8Array(8);
          await Promise.withResolvers<void>().promise;
        })();
        await requester.request(FILE_PUT, { name: `${n}`, size: 9 }, { body: never });
      };
      await Promise.all(senders.map(endless));
      const seventeenth = post.session(BOB.id);
      const error = await assertRejects(() => seventeenth.send(sourceOf(10)), RequestError);
      assertEquals(error.code, "busy");
      assertEquals(error.message, "Cannot receive: 16 files are on their way already");

      for (const { pair } of senders) pair.lose();
      await post.idle();
      for (let n = 0; n < 20; n++) await post.session(BOB.id).send(sourceOf(10, `${n}.txt`));
      assertEquals(post.linesOf("file not received").length, 16);
      const { completed, failed, active } = post.counters;
      assertEquals([completed, failed, active], [20, 16, 0]);
    });
  },
);

Deno.test("FileReceiver frees the place of every file that it refuses", FILES, async () => {
  await withPost(async (post) => {
    for (let n = 0; n < 40; n++) {
      const { requester } = post.session().pair;
      await assertRejects(() => requester.request(FILE_PUT, n % 2 ? {} : { name: "a", size: 1e9 }));
    }
    assertEquals((await post.session().send(sourceOf(10))).savedAs, "holiday.mp4");
    assertEquals([post.counters.failed, post.counters.completed], [40, 1]);
  });
});

Deno.test(
  "FileReceiver frees the place of a file whose sender left while it was opened",
  FILES,
  async () => {
    await withPost(async (post) => {
      for (let n = 0; n < 17; n++) {
        const transfer = post.session();
        const sending = transfer.send(sourceOf(10, "a.txt"));
        // The offer is there, and the inbox has not opened the file yet.
        const { responder } = transfer.pair;
        for (let hop = 0; hop < 100 && responder.active === 0; hop++) await Promise.resolve();
        assertEquals(responder.active, 1);
        transfer.pair.lose();
        await assertRejects(() => sending, CodedError);
        await post.idle();
      }
      assertEquals((await post.session().send(sourceOf(10, "a.txt"))).savedAs, "a.txt");
    });
  },
);

Deno.test("FileReceiver tells a sender that its file is on its way already", FILES, async () => {
  await withPost(async (post) => {
    const first = post.session();
    const begun = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const slow = sourceOf(10);
    slow.onRead = () => {
      begun.resolve();
      return held.promise;
    };
    const sending = first.send(slow);
    await begun.promise;
    const error = await assertRejects(() => post.session().send(sourceOf(10)), RequestError);
    assertEquals(error.code, "busy");
    assertEquals((await post.session(BOB.id).send(sourceOf(10))).savedAs, "holiday.mp4");
    held.resolve();
    assertEquals((await sending).savedAs, "holiday (2).mp4");
  });
});

Deno.test(
  "FileReceiver names no path to a peer when the inbox cannot be written",
  FILES,
  async () => {
    await withPost(async (post) => {
      await Deno.remove(`${post.inboxDir}/.partial`, { recursive: true });
      const error = await assertRejects(() => post.session().send(sourceOf(10)), RequestError);
      assertEquals(error.code, "storage_failed");
      assertEquals(error.message, "Cannot receive: the inbox cannot be written");
    });
  },
);

Deno.test(
  "FileReceiver names no path to a peer when the inbox vanishes under a file",
  FILES,
  async () => {
    await withPost(async (post) => {
      const transfer = post.session();
      const source = sourceOf(10, "a");
      source.onRead = async () => {
        // The whole inbox is gone once the file is to be moved there.
        await Deno.remove(post.inboxDir, { recursive: true });
      };
      const error = await assertRejects(() => transfer.send(source), CodedError);
      assertEquals([error.code, error instanceof TransferError], ["storage_failed", true]);
      assert(!error.message.includes(post.inboxDir));
      await post.idle();
      await Deno.mkdir(`${post.inboxDir}/.partial`, { recursive: true });
      assertEquals((await post.session().send(sourceOf(10, "a"))).savedAs, "a");
    });
  },
);

Deno.test("FileReceiver logs who sent what, by short id and safe name", FILES, async () => {
  await withPost(async (post) => {
    await post.session().send(sourceOf(10, "../a\x1b.txt"));
    const fields = { peer: ALICE_SHORT, name: "a.txt", size: 10 };
    assertEquals(post.lines, [
      { level: "info", event: "receiving file", fields: { ...fields, held: 0 } },
      { level: "info", event: "file received", fields: { ...fields, saved_as: "a.txt" } },
    ]);
  });
});

Deno.test(
  "FileReceiver stores a sending once, however often its last word is lost",
  FILES,
  async () => {
    await withPost(async (post) => {
      const source = sourceOf(CHUNK_BYTES + 5, "a.txt");
      const extra = { transfer: "one sending" };
      const first = await post.session().send(source, { extra });
      const again = post.session();
      const second = await again.send(source, { extra });
      assertEquals(second, { ...first, resumedFrom: source.size });
      assertEquals(again.sentBytes, 8 + 32, "none of the file goes again");
      const other = sourceOf(CHUNK_BYTES + 5, "a.txt", 2);
      const error = await assertRejects(() => post.session().send(other, { extra }), TransferError);
      assertEquals(error.code, "source_changed");
      const longer = sourceOf(3 * CHUNK_BYTES, "a.txt", 2);
      await assertRejects(() => post.session().send(longer, { extra }), CodedError);
      const anew = await post.session().send(source, { extra: { transfer: "another" } });
      assertEquals(anew.savedAs, "a (2).txt");
      assertEquals((await post.names())[0], ["a (2).txt", "a.txt"]);
    });
  },
);
