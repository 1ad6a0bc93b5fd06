/** `POST /v1/send` on real loopback: what it answers, what it refuses, and clients that go away. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FILE_PUT } from "../../src/agent/file_receiver.ts";
import { settle } from "../../src/base/clock.ts";
import { CodedError } from "../../src/base/errors.ts";
import { seededRandom } from "../../src/base/random.ts";
import { receiveTransfer } from "../../src/channel/receive_transfer.ts";
import { Refusal } from "../../src/channel/responder.ts";
import { PIECE_BYTES } from "../../src/channel/transfer.ts";
import { ControlClient, ControlClientError } from "../../src/control/client.ts";
import { writeEndpoint } from "../../src/control/endpoint_file.ts";
import { parseSendEvent, type SendEvent } from "../../src/control/send_events.ts";
import { DEFAULT_CAPABILITIES } from "../../src/discovery/capabilities.ts";
import { withDirectory } from "../store/temp.ts";
import { BOB, PRIMITIVES } from "../testing/identities.ts";
import { randomBytesOf, sha256Hex, Shelf } from "../testing/transfers.ts";
import { type Controlled, fakeId, withServer } from "./village.ts";

const LOOPBACK = { permissions: { net: true, read: true, write: true } } as const;

interface Desk extends Controlled {
  readonly client: ControlClient;
  /** Where Bob keeps what he is sent. */
  readonly shelf: Shelf;
  /** A directory for files to send. */
  readonly directory: string;
  /** Writes a file to send; returns its path. */
  write(name: string, bytes: Uint8Array): Promise<string>;
}

/** Runs `use` with a client of Alice's agent; Bob takes files. */
async function withDesk(use: (desk: Desk) => Promise<void>): Promise<void> {
  await withServer((controlled) =>
    withDirectory(async (directory) => {
      const { url, token } = controlled.server;
      await writeEndpoint(directory, { url, token, pid: Deno.pid, listenPort: 9000 });
      const shelf = new Shelf();
      controlled.bob.agent.node.handle(FILE_PUT, (request) => {
        const { size } = request.data;
        assert(typeof size === "number");
        const { createSha256 } = PRIMITIVES;
        return receiveTransfer({
          request,
          size,
          sink: shelf,
          createSha256,
          isTellable: () => true,
        });
      });
      await use({
        ...controlled,
        client: await ControlClient.open(directory),
        shelf,
        directory,
        async write(name, bytes) {
          const path = `${directory}/${name}`;
          await Deno.writeFile(path, bytes);
          return path;
        },
      });
    })
  );
}

/** All that happens while a file is sent. */
function send({ client }: Desk, path: string, peer: string = BOB.id): Promise<SendEvent[]> {
  const { signal } = new AbortController();
  return Array.fromAsync(client.send(peer, path, { signal }));
}

/** The answer to a request with the right token. */
function post({ server }: Controlled, body: unknown, token = server.token): Promise<Response> {
  return fetch(`${server.url}/v1/send`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** Status and error code of a request that is refused. */
async function refusal(desk: Controlled, body: unknown, token?: string) {
  const response = await post(desk, body, token);
  const { error } = await response.json();
  return [response.status, error?.code];
}

/** Waits for what happens by itself, without a deadline of its own kind: the test's is one. */
async function until(what: string, isTrue: () => boolean): Promise<void> {
  for (let turn = 0; !isTrue(); turn++) {
    if (turn > 10_000) throw new Error(`Waited in vain until ${what}`);
    await settle();
  }
}

Deno.test("POST /v1/send answers with lines of JSON that end with done", LOOPBACK, async () => {
  await withDesk(async (desk) => {
    const bytes = randomBytesOf(seededRandom(1), 2 * PIECE_BYTES + 5);
    const path = await desk.write("a.bin", bytes);
    const response = await post(desk, { peer: BOB.id, path });
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), "application/x-ndjson");
    assertEquals(response.headers.get("cache-control"), "no-store");
    const text = await response.text();
    assert(text.endsWith("\n"));
    const events = text.trimEnd().split("\n").map(parseSendEvent);
    assertEquals(events.at(-1), {
      event: "done",
      name: "a.bin",
      size: bytes.length,
      sha256: sha256Hex(bytes),
      saved_as: "holiday (2).mp4",
      resumed_from: 0,
      seconds: 0,
      node_id: BOB.id,
    });
    assertEquals(desk.shelf.bytes, bytes);
  });
});

Deno.test(
  "POST /v1/send tells of a change at once, of steps 10 times a second",
  LOOPBACK,
  async () => {
    for (const stepMs of [0, 100]) {
      await withDesk(async (desk) => {
        const bytes = randomBytesOf(seededRandom(2), 6 * PIECE_BYTES);
        await desk.shelf.write(bytes.slice(0, 2 * PIECE_BYTES));
        const { clock } = desk.village;
        desk.shelf.onStep = (step) => void (step === "write" && clock.advance(stepMs));
        const events = await send(desk, await desk.write("a.bin", bytes));
        const states = events.map((event) =>
          event.event === "progress" ? event.state : event.event
        );
        const sending = states.filter((state) => state === "sending").length;
        assertEquals(
          states,
          ["checking", ...Array(sending).fill("sending"), "verifying", "done"],
        );
        // Four pieces are sent, all in one instant or some of them 100 ms after others.
        assert(stepMs === 0 ? sending === 1 : sending > 1 && sending <= 4, `${sending}`);
        for (const event of events) {
          if (event.event !== "progress") continue;
          assertEquals([event.size, event.sent <= event.size], [bytes.length, true]);
          assertEquals(event.resumed_from, event.state === "checking" ? 0 : 2 * PIECE_BYTES);
        }
      });
    }
  },
);

Deno.test("POST /v1/send takes any prefix of an id that is unique", LOOPBACK, async () => {
  await withDesk(async (desk) => {
    const path = await desk.write("a", new Uint8Array(3));
    for (const length of [1, 8, 52]) {
      const last = (await send(desk, path, BOB.id.slice(0, length))).at(-1);
      assert(last?.event === "done" && last.node_id === BOB.id);
    }
  });
});

Deno.test("POST /v1/send sends nothing without its token", LOOPBACK, async () => {
  await withDesk(async (desk) => {
    const body = { peer: BOB.id, path: await desk.write("a", new Uint8Array(3)) };
    for (const token of ["", "wrong", desk.server.token.slice(1), `${desk.server.token}x`]) {
      assertEquals(await refusal(desk, body, token), [401, "unauthorized"]);
    }
    assertEquals([desk.shelf.closes, desk.shelf.deliveries], [0, 0]);
  });
});

Deno.test("POST /v1/send says which peer it does not know", LOOPBACK, async () => {
  await withDesk(async (desk) => {
    const path = await desk.write("a", new Uint8Array(3));
    const { registry } = desk.alice.agent;
    const nowMs = desk.village.clock.now();
    const news = { address: undefined, capabilities: DEFAULT_CAPABILITIES, host: "10.0.0.9" };
    registry.learnUnverified({ ...news, id: "1-python-node" }, nowMs);
    for (const id of ["twin2", "twin3"]) registry.learn({ id: fakeId(id) }, nowMs);
    const cases = [
      ["9", 404, "unknown_peer"],
      [BOB.id.toUpperCase(), 404, "unknown_peer"],
      ["1-python", 409, "unverified_peer"],
      ["twin", 409, "ambiguous_peer"],
      ["", 400, "invalid_field"],
      ["a".repeat(129), 400, "invalid_field"],
      ["__proto__", 404, "unknown_peer"],
    ] as const;
    for (const [peer, status, code] of cases) {
      assertEquals(await refusal(desk, { peer, path }), [status, code], peer);
    }
    // Whether there is such a file is nobody's business then.
    assertEquals(await refusal(desk, { peer: "9", path: "/none" }), [404, "unknown_peer"]);
  });
});

Deno.test("POST /v1/send says which file it cannot read", LOOPBACK, async () => {
  await withDesk(async (desk) => {
    const { directory } = desk;
    const file = await desk.write("file", new Uint8Array(3));
    for (const path of [`${directory}/none`, directory, `${file}/below`, ""]) {
      const response = await post(desk, { peer: BOB.id, path });
      const { error } = await response.json();
      assertEquals([response.status, error.code], [502, "unreadable"], path);
      assert(error.message.startsWith(`Cannot read ${path}: `), error.message);
    }
    assertEquals(desk.shelf.closes, 0);
  });
});

Deno.test("POST /v1/send refuses what is no path", LOOPBACK, async () => {
  await withDesk(async (desk) => {
    const peer = BOB.id;
    const file = await desk.write("file", new Uint8Array(3));
    const paths = [`${file}\0`, `\0${file}`, "relative\0path", "\0", 7, null, [file], { file }];
    for (const path of paths) {
      assertEquals(await refusal(desk, { peer, path }), [400, "invalid_field"], String(path));
    }
    const bodies: readonly (readonly [body: unknown, status: number, code: string])[] = [
      [{ peer }, 400, "invalid_field"],
      [{ path: file }, 400, "missing_field"],
      ["", 400, "malformed_json"],
      ["[]", 400, "invalid_field"],
      [`{"__proto__":${JSON.stringify({ peer, path: file })}}`, 400, "missing_field"],
      [{ peer, path: "x".repeat(16_384) }, 413, "too_large"],
    ];
    for (const [body, status, code] of bodies) {
      assertEquals(await refusal(desk, body), [status, code]);
    }
    assertEquals(desk.shelf.closes, 0);
  });
});

Deno.test("POST /v1/send says what the peer refuses, and who it was", LOOPBACK, async () => {
  await withDesk(async (desk) => {
    desk.bob.agent.node.handle(FILE_PUT, () => {
      throw new Refusal("too_large", "Cannot receive a file: size 3 exceeds 2");
    });
    assertEquals(await send(desk, await desk.write("a", new Uint8Array(3))), [{
      event: "failed",
      code: "too_large",
      message: `Cannot receive a file: size 3 exceeds 2 (${BOB.id.slice(0, 8)})`,
    }]);
  });
});

Deno.test("POST /v1/send says what the peer failed with in the end", LOOPBACK, async () => {
  await withDesk(async (desk) => {
    desk.shelf.onStep = (step) => {
      if (step === "finish") throw new CodedError("no_space", "Cannot receive: the disk is full");
    };
    const events = await send(desk, await desk.write("a", new Uint8Array(3)));
    const last = events.at(-1);
    assert(last?.event === "failed" && last.code === "no_space", JSON.stringify(last));
    assertMatch(last.message, /^Cannot receive: the disk is full \([a-z2-7]{8}\)$/);
  });
});

Deno.test(
  "POST /v1/send sends a file whose name is hostile under a safe one",
  LOOPBACK,
  async () => {
    if (Deno.build.os === "windows") return;
    await withDesk(async (desk) => {
      const names = [["a\x1b[2Jb", "a[2Jb"], ["a\nb", "ab"], ["\u202efdp.exe", "fdp.exe"]] as const;
      for (const [name, safe] of names) {
        const last = (await send(desk, await desk.write(name, new Uint8Array(3)))).at(-1);
        assert(last?.event === "done");
        assertEquals(last.name, safe);
      }
    });
  },
);

Deno.test("POST /v1/send sends several files at once", LOOPBACK, async () => {
  await withDesk(async (desk) => {
    const names = ["a", "b", "c", "d"];
    const shelves = new Map(names.map((name) => [name, new Shelf()]));
    desk.bob.agent.node.handle(FILE_PUT, (request) => {
      const sink = shelves.get(String(request.data["name"]));
      assert(sink);
      const { createSha256 } = PRIMITIVES;
      const size = Number(request.data["size"]);
      return receiveTransfer({ request, size, sink, createSha256, isTellable: () => false });
    });
    const all = names.map((_, n) => randomBytesOf(seededRandom(n), PIECE_BYTES + n));
    const sent = await Promise.all(
      names.map(async (name, n) =>
        await send(desk, await desk.write(name, all[n] ?? new Uint8Array()))
      ),
    );
    assert(sent.every((events) => events.at(-1)?.event === "done"));
    assertEquals(names.map((name) => shelves.get(name)?.bytes), all);
  });
});

Deno.test("POST /v1/send ends with its client, in the middle of a file", LOOPBACK, async () => {
  for (const how of ["abort", "break"] as const) {
    await withDesk(async (desk) => {
      const bytes = new Uint8Array(64 * PIECE_BYTES);
      const path = await desk.write("a.bin", bytes);
      const stop = new AbortController();
      // Bob takes no more than one piece until the client has gone.
      const gone = Promise.withResolvers<void>();
      desk.shelf.onStep = (step) => step === "write" ? gone.promise : undefined;
      const reading = (async () => {
        for await (const event of desk.client.send(BOB.id, path, { signal: stop.signal })) {
          assertEquals(event.event, "progress");
          if (how === "break") break;
          stop.abort();
        }
      })();
      if (how === "break") await reading;
      else await assertRejects(() => reading, DOMException);
      await until("the stream has ended", () => desk.alice.agent.node.streams === 0);
      gone.resolve();
      await until("the transfer has ended", () => desk.shelf.closes === 1);
      assertEquals([desk.shelf.deliveries, desk.shelf.isDiscarded], [0, false]);
      assert(desk.shelf.length < bytes.length);
      assertEquals((await desk.client.status()).streams, 0);
    });
  }
});

Deno.test(
  "POST /v1/send waits for a peer that is away, until its client goes",
  LOOPBACK,
  async () => {
    await withDesk(async (desk) => {
      const { village, alice, client } = desk;
      const path = await desk.write("a", new Uint8Array(3));
      await village.crash(desk.bob);
      const before = village.clock.pending;
      const stop = new AbortController();
      const events = client.send(BOB.id, path, { signal: stop.signal });
      const first = await events.next();
      assertEquals(first.value, {
        event: "progress",
        state: "waiting",
        sent: 0,
        size: 3,
        resumed_from: 0,
      });
      assertEquals(village.clock.pending, before + 1, "it will look again");
      stop.abort();
      await assertRejects(() => events.next(), DOMException);
      await until("nobody looks any more", () => village.clock.pending === before);
      assertEquals(alice.agent.node.streams, 0);
    });
  },
);

Deno.test("POST /v1/send ends with its agent", LOOPBACK, async () => {
  await withDesk(async (desk) => {
    const path = await desk.write("a.bin", new Uint8Array(8 * PIECE_BYTES));
    const held = Promise.withResolvers<void>();
    desk.shelf.onStep = (step) => step === "write" ? held.promise : undefined;
    const sending = send(desk, path);
    await until("it is on its way", () => desk.alice.agent.node.streams === 1);
    await desk.village.village.until(desk.alice.agent.close());
    const last = (await sending).at(-1);
    assert(last?.event === "failed", JSON.stringify(last));
    held.resolve();
    await until("the receiver lets go", () => desk.shelf.closes === 1);
    assertEquals(desk.shelf.deliveries, 0);
  });
});

Deno.test("ControlClient.send() throws what the agent refuses", LOOPBACK, async () => {
  await withDesk(async (desk) => {
    const error = await assertRejects(() => send(desk, "/none", "nobody"), ControlClientError);
    assertEquals(error.code, "unknown_peer");
    await desk.server.close();
    const gone = await assertRejects(() => send(desk, "/none"), ControlClientError);
    assertEquals(gone.code, "not_running");
  });
});
