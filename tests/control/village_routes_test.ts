/** Events, queries and watchers over the control API, on real loopback. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { settle } from "../../src/base/clock.ts";
import { ControlClient, ControlClientError } from "../../src/control/client.ts";
import { writeEndpoint } from "../../src/control/endpoint_file.ts";
import type { QueryEvent } from "../../src/control/query_events.ts";
import type { VillageEvent } from "../../src/control/village_events.ts";
import type { GossipEvent } from "../../src/gossip/gossip.ts";
import { withDirectory } from "../store/temp.ts";
import { ALICE, BOB } from "../testing/identities.ts";
import { type Controlled, withServer } from "./village.ts";

const LOOPBACK = { permissions: { net: true, read: true, write: true } } as const;

interface Square extends Controlled {
  readonly client: ControlClient;
  /** What reached Bob. */
  readonly heard: GossipEvent[];
  readonly stop: AbortController;
}

/** Runs `use` with a client of Alice's agent. */
async function onTheSquare(use: (square: Square) => Promise<void>): Promise<void> {
  await withServer((controlled) =>
    withDirectory(async (directory) => {
      const { url, token } = controlled.server;
      await writeEndpoint(directory, { url, token, pid: Deno.pid, listenPort: 9000 });
      const heard: GossipEvent[] = [];
      controlled.bob.agent.villager.watch((event) => heard.push(event));
      const stop = new AbortController();
      const client = await ControlClient.open(directory);
      await use({ ...controlled, client, heard, stop });
      stop.abort();
    })
  );
}

/** Lets the village go on until something has happened on real sockets. */
async function until({ village }: Controlled, what: string, isTrue: () => boolean): Promise<void> {
  for (let turn = 0; !isTrue(); turn++) {
    if (turn > 2_000) throw new Error(`Waited in vain until ${what}`);
    await village.pass(20, 20);
    await settle();
  }
}

/** Watches, and collects what comes. */
async function watch(square: Square, name?: string) {
  const lines: VillageEvent[] = [];
  const opened = Promise.withResolvers<void>();
  const { signal } = square.stop;
  const ended = (async () => {
    for await (const line of square.client.events(name, { signal, onOpen: opened.resolve })) {
      lines.push(line);
    }
  })().catch((error) => {
    if (!signal.aborted) opened.reject(error);
  });
  await opened.promise;
  return { lines, ended };
}

/** Status and error code of a request. */
async function outcome({ server }: Controlled, route: string, body?: unknown) {
  const response = await fetch(`${server.url}/v1/${route}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${server.token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { error } = await response.json();
  return [response.status, error?.code, error?.message];
}

async function ask(square: Square, where = "", timeout_s = 5) {
  const events: QueryEvent[] = [];
  const { signal } = square.stop;
  const asked = Promise.withResolvers<void>();
  const ended = (async () => {
    const question = { name: "up", where, data: "please", timeout_s };
    for await (const event of square.client.query(question, { signal })) {
      events.push(event);
      asked.resolve();
    }
  })();
  await Promise.race([asked.promise, ended]);
  return { events, ended };
}

Deno.test("POST /v1/event tells everybody, and how many that are", LOOPBACK, async () => {
  await onTheSquare(async (square) => {
    const data = "\x01".repeat(4_096);
    assertEquals(await square.client.event("lights", data), {
      name: "lights",
      bytes: 4_096,
      members: 1,
    });
    await until(square, "Bob hears", () => square.heard.some(({ type }) => type === "event"));
    const events = square.heard.filter(({ type }) => type === "event");
    assertEquals(events, [{ type: "event", event: { origin: ALICE.id, name: "lights", data } }]);
  });
});

Deno.test(
  "POST /v1/event, /v1/query and /v1/answer refuse what they cannot take",
  LOOPBACK,
  async () => {
    await onTheSquare(async (square) => {
      const cases: readonly (readonly [string, object, string])[] = [
        ["event", {}, "missing_field"],
        ["event", { name: "" }, "invalid_field"],
        ["event", { name: "a b" }, "invalid_field"],
        ["event", { name: "x".repeat(65) }, "invalid_field"],
        ["event", { name: "member-dead" }, "invalid_field"],
        ["event", { name: "a", data: 1 }, "invalid_field"],
        ["event", { name: "a", data: "\ud800" }, "invalid_field"],
        ["event", { name: "a", data: "ä".repeat(2_049) }, "invalid_field"],
        ["query", { name: "a", where: "cpu_cores>" }, "invalid_field"],
        ["query", { name: "a", where: "a=1 or ".repeat(80) }, "invalid_field"],
        ["query", { name: "a", timeout_s: 0 }, "invalid_field"],
        ["query", { name: "a", timeout_s: 301 }, "invalid_field"],
        ["query", { name: "a", data: "x".repeat(4_096) }, "invalid_field"],
        ["answer", { text: "x" }, "missing_field"],
        ["answer", { id: "1", text: "x".repeat(1_025) }, "invalid_field"],
      ];
      for (const [route, body, code] of cases) {
        const [status, given] = await outcome(square, route, body);
        assertEquals([status, given], [400, code], JSON.stringify(body).slice(0, 80));
      }
      assertEquals((await outcome(square, "events?name=a%20b"))[0], 400);
      assertEquals((await outcome(square, "answer", { id: "1" }))[1], "unknown_query");
      assertEquals(square.heard.filter(({ type }) => type !== "member"), []);
      assertEquals(
        (await outcome(square, "event", { name: "a", data: "x".repeat(33_000) }))[0],
        413,
      );
    });
  },
);

Deno.test(
  "GET /v1/events tells of events, queries and members as they come",
  LOOPBACK,
  async () => {
    await onTheSquare(async (square) => {
      const { bob, village } = square;
      const all = await watch(square);
      const lights = await watch(square, "lights");
      const asleep = await watch(square, "member-asleep");
      const { villager } = bob.agent;
      // By then it knows what the village remembers of it, and nothing is held.
      await village.pass(3_000, 100);
      villager.broadcast("lights", "off");
      villager.broadcast("member-asleep", "a lie");
      villager.query({
        name: "lights",
        where: "",
        data: "on?",
        deadlineMs: 5_000,
        onAnswer: () => {},
        onEnd: () => {},
      });
      villager.sleep();
      await until(square, "all is told", () => all.lines.length === 4 && asleep.lines.length === 1);
      const [event, lie] = all.lines.filter(({ kind }) => kind === "event");
      const query = all.lines.find(({ kind }) => kind === "query");
      const member = all.lines.find(({ kind }) => kind === "member");
      const told = { origin: BOB.id, origin_name: null };
      const nowMs = village.clock.wallMs();
      assert(event?.kind === "event" && event.received_unix_ms <= nowMs);
      const received = { received_unix_ms: event.received_unix_ms };
      assertEquals(event, { kind: "event", name: "lights", data: "off", ...told, ...received });
      assert(lie?.kind === "event" && lie.name === "member-asleep");
      assert(query?.kind === "query" && query.data === "on?");
      assert(member?.kind === "member" && member.incarnation === 1);
      assertEquals([member.name, member.data, member.origin], ["member-asleep", "", BOB.id]);
      assertEquals(lights.lines, [event, query]);
      assertEquals(asleep.lines, [member], "no event is taken for a member's change");
    });
  },
);

Deno.test(
  "POST /v1/answer answers a query that a watcher was told of, once",
  LOOPBACK,
  async () => {
    await onTheSquare(async (square) => {
      const { client, bob } = square;
      const { lines } = await watch(square, "up");
      const answers: string[] = [];
      bob.agent.villager.query({
        name: "up",
        where: "cpu_cores>=8",
        data: "",
        deadlineMs: 60_000,
        onAnswer: (id, text) => answers.push(`${id.slice(0, 8)} ${text}`),
        onEnd: () => {},
      });
      await until(square, "Alice is asked", () => lines.length === 1);
      const [query] = lines;
      assert(query?.kind === "query");
      assertEquals(await client.answer(query.id, "3 days"), { answered: true });
      await until(square, "Bob has it", () => answers.length > 0);
      assertEquals(answers, [`${ALICE.id.slice(0, 8)} 3 days`]);
      const again = await assertRejects(() => client.answer(query.id, "4"), ControlClientError);
      assertEquals(again.code, "unknown_query");
    });
  },
);

Deno.test("GET /v1/events frees the place of a watcher that has gone", LOOPBACK, async () => {
  await onTheSquare(async (square) => {
    const stop = new AbortController();
    const all = [];
    for (let count = 0; count < 16; count++) all.push(await watch({ ...square, stop }));
    const error = await assertRejects(() => watch(square), ControlClientError);
    assertEquals(error.code, "too_many_watchers");
    stop.abort();
    await Promise.all(all.map(({ ended }) => ended));
    // The server hears a moment later that they are gone.
    let freed = 0;
    for (let turn = 0; turn < 2_000 && freed < 16; turn++) {
      await settle();
      await watch(square).then(() => freed++, () => {});
    }
    assertEquals(freed, 16);
  });
});

Deno.test(
  "POST /v1/query streams the answers, and ends when everybody has answered",
  LOOPBACK,
  async () => {
    await onTheSquare(async (square) => {
      const { bob } = square;
      bob.agent.villager.watch((event) => {
        if (event.type !== "query") return;
        assertEquals(event.query.data, "please");
        bob.agent.villager.respond(event.query, "3\ndays");
      });
      const { events, ended } = await ask(square);
      await until(square, "it is over", () => events.length === 3);
      await ended;
      const [asked, answer, done] = events;
      assertEquals(asked, { event: "asked", asked: 1 });
      assert(answer?.event === "answer" && done?.event === "done");
      const { seconds, ...rest } = answer;
      assertEquals(rest, {
        event: "answer",
        node_id: BOB.id,
        short_id: BOB.id.slice(0, 8),
        name: null,
        text: "3\ndays",
      });
      assert(seconds < 1 && done.seconds < 1, "long before the time is up");
      assertEquals([done.answers, done.asked], [1, 1]);
    });
  },
);

Deno.test("POST /v1/query asks this device too where somebody on it waits", LOOPBACK, async () => {
  await onTheSquare(async (square) => {
    const { lines } = await watch(square, "up");
    const { events, ended } = await ask(square, "cpu_cores>=8");
    await until(square, "this device is asked", () => lines.length === 1);
    const [query] = lines;
    assert(query?.kind === "query" && query.origin === ALICE.id);
    await square.client.answer(query.id, "here");
    await until(square, "the time is up", () => events.length === 3);
    await ended;
    const [asked, answer, done] = events;
    assertEquals(asked, { event: "asked", asked: 2 });
    assert(answer?.event === "answer" && answer.node_id === ALICE.id && done?.event === "done");
    assertEquals([done.answers, done.asked, done.seconds >= 5], [1, 2, true]);
  });
});

Deno.test("POST /v1/query asks whom its filter is for", LOOPBACK, async () => {
  await onTheSquare(async (square) => {
    const { gossip } = square.alice.agent.villager;
    await until(square, "Bob's record is known", () => !!gossip.capabilitiesOf(BOB.id));
    const { events, ended } = await ask(square, "cpu_cores>8", 1);
    await until(square, "the time is up", () => events.length === 2);
    await ended;
    assertEquals(events[0], { event: "asked", asked: 0 });
    assertEquals(events[1], { event: "done", answers: 0, asked: 0, seconds: 1 });
    assertEquals(square.heard.filter(({ type }) => type === "query"), []);
  });
});

Deno.test("POST /v1/sleep and /v1/wake say how this device is, once", LOOPBACK, async () => {
  await onTheSquare(async (square) => {
    const { client, alice, bob } = square;
    assertEquals(await client.sleep(), { state: "asleep", told: 1 });
    const { incarnation } = alice.agent.villager.gossip.own;
    assertEquals(await client.sleep(), { state: "asleep", told: 1 });
    assertEquals(alice.agent.villager.gossip.own.incarnation, incarnation);
    const stateAtBob = () => bob.agent.villager.gossip.members.stateOf(ALICE.id);
    await until(square, "Bob knows", () => stateAtBob() === "asleep");
    const { gossip } = await client.status();
    assertEquals([gossip.state, gossip.sessions], ["asleep", { wanted: 1, kept: 1 }]);
    assertEquals((await client.event("lights", "")).members, 1);
    assertEquals(await client.wake(), { state: "alive", told: 1 });
    await until(square, "Bob knows", () => stateAtBob() === "alive");
  });
});

Deno.test("ControlServer.close() ends watchers and queries", LOOPBACK, async () => {
  await onTheSquare(async (square) => {
    const { lines, ended } = await watch(square);
    const query = await ask(square, "", 300);
    await square.server.close();
    await Promise.all([ended, query.ended]);
    const message = "the agent stops, or moves to another network";
    assertEquals(lines.at(-1), { kind: "ended", code: "stopped", message });
    assertEquals(query.events.at(-1)?.event, "done");
  });
});
