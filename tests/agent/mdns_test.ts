import { assert, assertEquals } from "@std/assert";
import { MdnsScout, type MdnsScoutOptions } from "../../src/agent/mdns.ts";
import { ManualClock, settle } from "../../src/base/clock.ts";
import { type PeerId, peerIdOf } from "../../src/base/peer_id.ts";
import { seededRandom } from "../../src/base/random.ts";
import { describeService, message, pointerTo } from "../../src/discovery/dns_sd.ts";
import type { FoundService } from "../../src/discovery/dns_sd_browser.ts";
import type { Address } from "../../src/net/address.ts";
import type { DnsMessage, DnsRecord } from "../../src/net/dns_message.ts";
import {
  isOnLink,
  type MulticastEvents,
  type MulticastInterface,
  type OpenMulticast,
} from "../../src/net/multicast.ts";

const PURE = { permissions: "none" } as const;
const STEP_MS = 10;

/** A packet as the link carried it. */
interface Sent {
  readonly atMs: number;
  readonly from: string;
  readonly to: Address | undefined;
  readonly message: DnsMessage;
}

/** Links in memory: who has an address of one subnet hears what is said there, and itself. */
class Ether {
  readonly clock: ManualClock;
  readonly sent: Sent[] = [];
  /** Addresses whose sockets hear nothing, cannot send, or cannot be opened. */
  readonly deaf = new Set<string>();
  readonly mute = new Set<string>();
  readonly closed = new Set<string>();
  /** On one host, sockets hear what arrives at any interface, as on Linux. */
  readonly #sockets = new Set<{ on: MulticastInterface; events: MulticastEvents }>();
  opened = 0;

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  get size(): number {
    return this.#sockets.size;
  }

  open: OpenMulticast = async (on, events) => {
    await Promise.resolve();
    if (this.closed.has(on.address)) throw new Error("Cannot open multicast DNS on eth0: taken");
    const socket = { on, events };
    this.#sockets.add(socket);
    this.opened++;
    return {
      send: async (sent, to) => {
        await Promise.resolve();
        if (this.mute.has(on.address)) throw new Error("not permitted");
        this.say(sent, { host: on.address, port: 5353 }, to);
      },
      close: () => Promise.resolve(void this.#sockets.delete(socket)),
    };
  };

  /** What a host says to the group, or to one host. */
  say(sent: DnsMessage, from: Address, to?: Address): void {
    this.sent.push({ atMs: this.clock.now(), from: from.host, to, message: sent });
    for (const { on, events } of [...this.#sockets]) {
      if (to ? to.host !== on.address : !isOnLink(on, from.host)) continue;
      if (!this.deaf.has(on.address)) events.onMessage(sent, from);
    }
  }

  /** Hands `sent` to the sockets of every link, whichever it arrived by. */
  leak(sent: DnsMessage, from: Address): void {
    for (const { events } of [...this.#sockets]) events.onMessage(sent, from);
  }

  malformed(): void {
    for (const { events } of this.#sockets) events.onMalformed();
  }

  /** When `host` asked for the service type. */
  queries(host: string): readonly number[] {
    return this.of(host, "query").filter(({ message }) => message.questions[0]?.type === "PTR")
      .map(({ atMs }) => atMs);
  }

  of(host: string, kind: DnsMessage["kind"]): readonly Sent[] {
    return this.sent.filter((each) => each.from === host && each.message.kind === kind);
  }
}

function idOf(n: number): PeerId {
  return peerIdOf(new Uint8Array(32).fill(n));
}

function eth(address: string, name = "eth0"): MulticastInterface {
  return { name, address, netmask: "255.255.255.0" };
}

function serviceOf(n: number) {
  return { id: idOf(n), port: 9000 + n, version: "1", hint: undefined };
}

interface Host {
  readonly scout: MdnsScout;
  readonly found: FoundService[];
  readonly logged: string[];
  interfaces: MulticastInterface[];
  isSearching: boolean;
  hint: string | undefined;
}

function start(ether: Ether, n: number, ...addresses: readonly string[]): Host {
  const found: FoundService[] = [];
  const logged: string[] = [];
  const world: Omit<Host, "scout"> = {
    found,
    logged,
    interfaces: addresses.map((address, i) => eth(address, `eth${i}`)),
    isSearching: false,
    hint: undefined,
  };
  const options: MdnsScoutOptions = {
    clock: ether.clock,
    random: seededRandom(n),
    log: (level, event) => logged.push(`${level} ${event}`),
    service: { ...serviceOf(n), hint: () => world.hint },
    interfaces: () => world.interfaces,
    open: ether.open,
    isSearching: () => world.isSearching,
    onFound: (each) => found.push(each),
  };
  return Object.assign(world, { scout: new MdnsScout(options) });
}

/** Runs `use` on an empty ether, then closes the scouts that it started and checks that nothing is left. */
async function onEther(
  use: (ether: Ether, add: (n: number, ...addresses: readonly string[]) => Host) => Promise<void>,
): Promise<void> {
  const ether = new Ether(new ManualClock());
  const hosts: Host[] = [];
  await use(ether, (n, ...addresses) => {
    const host = start(ether, n, ...addresses);
    hosts.push(host);
    return host;
  });
  await Promise.all(hosts.map(({ scout }) => scout.close()));
  assertEquals([ether.size, ether.clock.pending], [0, 0]);
}

/** Moves time on in small steps; in memory everything settles in a few turns of the microtask queue. */
async function run(ether: Ether, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    ether.clock.advance(STEP_MS);
    for (let turn = 0; turn < 12; turn++) await Promise.resolve();
  }
}

/** The differences of neighbours, in whole tens of milliseconds. */
function gaps(instants: readonly number[]): readonly number[] {
  return instants.slice(1).map((atMs, i) => Math.round((atMs - (instants[i] ?? 0)) / 10) * 10);
}

function seen(found: readonly FoundService[]): ReadonlySet<string> {
  return new Set(
    found.map(({ id, addresses, version, hint }) =>
      [id?.slice(0, 4), version, hint, ...addresses.map(({ host, port }) => `${host}:${port}`)]
        .join(
          " ",
        )
    ),
  );
}

const QUERY = message("query", { questions: [{ name: "_hamlet._tcp.local", type: "PTR" }] });

Deno.test("MdnsScout finds everybody on the link and never itself", PURE, async () => {
  await onEther(async (ether, add) => {
    const hosts = [1, 2, 3, 4, 5].map((n) => add(n, `10.0.0.${n}`));
    await run(ether, 300);
    for (const [i, { found, scout }] of hosts.entries()) {
      const others = [1, 2, 3, 4, 5].filter((n) => n !== i + 1);
      assertEquals(
        seen(found),
        new Set(others.map((n) => `${idOf(n).slice(0, 4)} 1  10.0.0.${n}:900${n}`)),
      );
      assertEquals([scout.state, scout.reason], ["on", undefined]);
    }
  });
});

Deno.test("MdnsScout finds who was there before and who came later", PURE, async () => {
  await onEther(async (ether, add) => {
    const early = add(1, "10.0.0.1");
    await run(ether, 20_000);
    const late = add(2, "10.0.0.2");
    await run(ether, 500);
    assertEquals([seen(early.found).size, seen(late.found).size], [1, 1]);
  });
});

Deno.test(
  "MdnsScout asks at growing intervals, and soon while somebody is missing",
  PURE,
  async () => {
    await onEther(async (ether, add) => {
      const host = add(1, "10.0.0.1");
      await run(ether, 230_000);
      const instants = ether.queries("10.0.0.1");
      assert((instants[0] ?? 0) >= 20 && (instants[0] ?? 0) <= 140, `${instants[0]}`);
      assertEquals(gaps(instants), [1_000, 3_000, 9_000, 27_000, 60_000, 60_000, 60_000]);
      host.isSearching = true;
      await run(ether, 41_000);
      const urgent = ether.queries("10.0.0.1").slice(instants.length);
      assert(urgent.length >= 5, `${urgent}`);
      assert(gaps(urgent).every((gap) => gap <= 8_000), `${gaps(urgent)}`);
    });
  },
);

Deno.test("MdnsScout.search() asks everybody anew, once a second at most", PURE, async () => {
  await onEther(async (ether, add) => {
    const host = add(1, "10.0.0.1");
    const other = add(2, "10.0.0.2");
    await run(ether, 50_000);
    const before = ether.queries("10.0.0.1").length;
    host.found.length = other.found.length = 0;
    for (let i = 0; i < 50; i++) {
      host.scout.search();
      await run(ether, 100);
    }
    const instants = ether.queries("10.0.0.1").slice(before);
    assert(instants.length >= 4 && gaps(instants).every((gap) => gap >= 1_000), `${instants}`);
    assertEquals(seen(host.found).size, 1);
  });
});

Deno.test("MdnsScout does not ask again whoever answered this search", PURE, async () => {
  await onEther(async (ether, add) => {
    const host = add(1, "10.0.0.1");
    add(2, "10.0.0.2");
    await run(ether, 3_000);
    host.found.length = 0;
    await run(ether, 60_000);
    assertEquals(host.found, []);
  });
});

Deno.test("MdnsScout announces itself twice, and says goodbye", PURE, async () => {
  await onEther(async (ether, add) => {
    const { scout } = add(1, "10.0.0.1");
    await run(ether, 10_000);
    const announced = ether.of("10.0.0.1", "response");
    assertEquals(announced.map(({ to, message }) => [to, message.answers]), [
      [undefined, describeService(serviceOf(1), ["10.0.0.1"])],
      [undefined, describeService(serviceOf(1), ["10.0.0.1"])],
    ]);
    const [gap] = gaps(announced.map(({ atMs }) => atMs));
    assert(gap !== undefined && gap >= 1_000 && gap <= 1_100, `${gap}`);
    assertEquals(scout.counters.answersSent, 2);
    await scout.close();
    const last = ether.of("10.0.0.1", "response").at(-1)?.message.answers;
    assertEquals(last?.map(({ type, ttlSeconds }) => `${type} ${ttlSeconds}`), [
      "PTR 0",
      "SRV 0",
      "TXT 0",
      "A 0",
    ]);
    await scout.close();
    assertEquals([scout.state, scout.reason], ["off", "it is closed"]);
  });
});

Deno.test("MdnsScout announces a changed hint", PURE, async () => {
  await onEther(async (ether, add) => {
    const host = add(1, "10.0.0.1");
    const other = add(2, "10.0.0.2");
    await run(ether, 3_000);
    host.hint = "AAECAwQFBgc";
    other.found.length = 0;
    host.scout.refresh();
    await run(ether, 300);
    assertEquals(seen(other.found), new Set(["aeaq 1 AAECAwQFBgc 10.0.0.1:9001"]));
  });
});

Deno.test("MdnsScout follows its interfaces, told or not", PURE, async () => {
  await onEther(async (ether, add) => {
    const host = add(1);
    const other = add(2, "10.0.0.2");
    assertEquals([host.scout.state, host.scout.reason], [
      "off",
      "no network interface has an IPv4 address",
    ]);
    await run(ether, 5_000);
    assertEquals([ether.opened, host.found], [1, []]);
    host.interfaces = [eth("10.0.0.1")];
    host.scout.refresh();
    assertEquals(host.scout.state, "starting");
    await run(ether, 500);
    assertEquals([host.scout.state, seen(host.found).size], ["on", 1]);
    host.interfaces = [eth("10.0.0.7")];
    await run(ether, 9_000);
    assertEquals(seen(other.found), new Set(["aeaq 1  10.0.0.1:9001", "aeaq 1  10.0.0.7:9001"]));
    host.interfaces = [];
    host.scout.refresh();
    await run(ether, 100);
    assertEquals([host.scout.state, ether.size], ["off", 1]);
  });
});

Deno.test(
  "MdnsScout announces on each link the addresses that lead somewhere there",
  PURE,
  async () => {
    await onEther(async (ether, add) => {
      const host = add(1);
      host.interfaces = [
        eth("10.0.0.1", "eth0"),
        eth("10.0.0.9", "eth0"),
        eth("172.17.0.1", "docker0"),
        eth("10.5.0.1", "eth0"),
      ];
      host.scout.refresh();
      await run(ether, 500);
      assertEquals(ether.opened, 3, "a socket for each subnet of each interface");
      const told = ether.sent.filter(({ message }) => message.kind === "response").map((each) => [
        each.from,
        each.message.answers.flatMap((record) => record.type === "A" ? [record.address] : [])
          .join(),
      ]);
      assertEquals(
        new Map(told.map(([from = "", hosts]) => [from, hosts])),
        new Map([
          ["10.0.0.1", "10.0.0.1,10.0.0.9,10.5.0.1"],
          ["172.17.0.1", "172.17.0.1"],
          ["10.5.0.1", "10.5.0.1,10.0.0.1,10.0.0.9"],
        ]),
      );
    });
  },
);

Deno.test("MdnsScout opens 16 sockets at most", PURE, async () => {
  await onEther(async (ether, add) => {
    add(1, ...Array.from({ length: 40 }, (_, i) => `10.0.${i}.1`));
    await run(ether, 100);
    assertEquals(ether.size, 16);
  });
});

Deno.test("MdnsScout answers on the link that asked, whichever socket heard it", PURE, async () => {
  await onEther(async (ether, add) => {
    add(1, "10.0.0.1", "10.0.1.1");
    await run(ether, 5_000);
    const before = ether.sent.length;
    ether.leak(QUERY, { host: "10.0.1.50", port: 5353 });
    await run(ether, 500);
    assertEquals(ether.sent.slice(before).map(({ from }) => from), ["10.0.1.1"]);
  });
});

Deno.test("MdnsScout answers an ordinary resolver of its link, and of no other", PURE, async () => {
  await onEther(async (ether, add) => {
    add(1, "10.0.0.1");
    await run(ether, 5_000);
    const before = ether.sent.length;
    ether.leak({ ...QUERY, id: 99 }, { host: "10.0.0.50", port: 40_000 });
    ether.leak({ ...QUERY, id: 98 }, { host: "8.8.8.8", port: 40_000 });
    await run(ether, 500);
    const replies = ether.sent.slice(before);
    assertEquals(replies.map(({ to, message }) => [to, message.id]), [
      [{ host: "10.0.0.50", port: 40_000 }, 99],
    ]);
  });
});

Deno.test("MdnsScout asks for what an answer left out", PURE, async () => {
  await onEther(async (ether, add) => {
    const host = add(1, "10.0.0.1");
    await run(ether, 5_000);
    const name = "printer._hamlet._tcp.local";
    const from = { host: "10.0.0.5", port: 5353 };
    const before = ether.sent.length;
    ether.say(message("response", { answers: [pointerTo(name)] }), from);
    await run(ether, 200);
    const asked = ether.sent.slice(before + 1).map(({ message }) => message.questions);
    assertEquals(asked, [[{ name, type: "SRV" }, { name, type: "TXT" }]]);
    const life = { ttlSeconds: 120, flush: true };
    const location: DnsRecord = { ...life, name, type: "SRV", target: "p.local", port: 80 };
    ether.say(message("response", { answers: [location] }), from);
    await run(ether, 3_000);
    assertEquals(host.found, [{
      instance: "printer",
      id: undefined,
      hint: undefined,
      version: undefined,
      addresses: [{ host: "10.0.0.5", port: 80 }],
    }]);
    assertEquals(host.scout.counters.servicesHeard, 1);
  });
});

Deno.test("MdnsScout believes no response from another port or from loopback", PURE, async () => {
  await onEther(async (ether, add) => {
    const host = add(1, "10.0.0.1");
    ether.deaf.add("10.0.0.1");
    await run(ether, 1_000);
    const records = describeService(serviceOf(3), ["10.0.0.3"]);
    const forged = message("response", { answers: records });
    ether.leak(forged, { host: "127.0.0.1", port: 5353 });
    assertEquals(host.scout.state, "starting", "loopback shows nothing");
    ether.leak(forged, { host: "10.0.0.3", port: 40_000 });
    assertEquals([host.found, host.scout.state], [[], "on"]);
    ether.leak(forged, { host: "10.0.0.3", port: 5353 });
    assertEquals(host.found.length, 1);
  });
});

Deno.test("MdnsScout tells that nothing comes back, keeps trying, and recovers", PURE, async () => {
  await onEther(async (ether, add) => {
    ether.deaf.add("10.0.0.1");
    const host = add(1, "10.0.0.1");
    const other = add(2, "10.0.0.2");
    await run(ether, 4_980);
    assertEquals([host.scout.state, host.scout.reason], ["starting", undefined]);
    await run(ether, 40);
    assertEquals(
      [host.scout.state, host.scout.reason],
      ["blocked", "nothing comes back on eth0: a firewall may drop UDP port 5353"],
    );
    assertEquals(other.scout.state, "on");
    await run(ether, 60_000);
    const instants = ether.queries("10.0.0.1").filter((atMs) => atMs > 5_000);
    assert(gaps(instants).every((gap) => gap <= 8_010), `${gaps(instants)}`);
    assertEquals(host.scout.state, "blocked");
    ether.deaf.clear();
    other.found.length = 0;
    await run(ether, 8_500);
    assertEquals([host.scout.state, host.scout.reason], ["on", undefined]);
    assertEquals([seen(host.found).size, seen(other.found).size], [1, 1], "announced anew too");
    assertEquals(host.logged, [
      "debug multicast starting",
      "warn multicast blocked",
      "info multicast on",
    ]);
  });
});

Deno.test("MdnsScout is on when it hears others, though not itself", PURE, async () => {
  await onEther(async (ether, add) => {
    ether.deaf.add("10.0.0.1");
    const { scout } = add(1, "10.0.0.1");
    await run(ether, 6_000);
    assertEquals(scout.state, "blocked");
    ether.leak(message("response", {}), { host: "10.0.0.9", port: 5353 });
    assertEquals(scout.state, "on");
  });
});

Deno.test("MdnsScout notices a firewall that comes later", PURE, async () => {
  await onEther(async (ether, add) => {
    const host = add(1, "10.0.0.1");
    host.isSearching = true;
    await run(ether, 30_000);
    assertEquals(host.scout.state, "on");
    ether.deaf.add("10.0.0.1");
    await run(ether, 10_000);
    assertEquals(host.scout.state, "blocked");
  });
});

Deno.test("MdnsScout tells that it cannot send, and recovers", PURE, async () => {
  await onEther(async (ether, add) => {
    ether.mute.add("10.0.0.1");
    const host = add(1, "10.0.0.1");
    const other = add(2, "10.0.0.2");
    await run(ether, 5_100);
    assertEquals(
      [host.scout.state, host.scout.reason],
      ["blocked", "eth0 does not send: it may be down, or a firewall may drop UDP port 5353"],
    );
    assertEquals([host.scout.counters.queriesSent, host.scout.counters.answersSent], [0, 0]);
    ether.mute.clear();
    await run(ether, 4_000);
    assertEquals([host.scout.state, seen(other.found).size], ["on", 1]);
  });
});

Deno.test("MdnsScout tells why no socket opens, and tries again", PURE, async () => {
  await onEther(async (ether, add) => {
    ether.closed.add("10.0.0.1");
    const host = add(1, "10.0.0.1");
    const other = add(2, "10.0.0.2");
    await run(ether, 5_100);
    assertEquals(
      [host.scout.state, host.scout.reason],
      ["blocked", "Cannot open multicast DNS on eth0: taken"],
    );
    ether.closed.clear();
    await run(ether, 5_000);
    assertEquals([host.scout.state, seen(other.found).size, seen(host.found).size], ["on", 1, 1]);
  });
});

Deno.test("MdnsScout is on while one of its links works", PURE, async () => {
  await onEther(async (ether, add) => {
    ether.deaf.add("10.0.1.1");
    const { scout } = add(1, "10.0.0.1", "10.0.1.1");
    await run(ether, 30_000);
    assertEquals([scout.state, scout.reason], ["on", undefined]);
  });
});

Deno.test("MdnsScout counts", PURE, async () => {
  await onEther(async (ether, add) => {
    const { scout } = add(1, "10.0.0.1");
    await run(ether, 5_000);
    ether.malformed();
    ether.leak(QUERY, { host: "10.0.0.5", port: 5353 });
    await run(ether, 200);
    // Its own three questions are heard too, and known to need no answer.
    assertEquals(scout.counters, {
      queriesSent: 3,
      queriesReceived: 4,
      answersSent: 3,
      servicesHeard: 0,
      malformed: 1,
    });
  });
});

Deno.test("MdnsScout.close() in the middle of opening frees the socket", PURE, async () => {
  await onEther(async (ether, add) => {
    const { scout } = add(1, "10.0.0.1", "10.0.1.1");
    await Promise.all([scout.close(), scout.close()]);
    scout.refresh();
    scout.search();
    assertEquals([ether.opened, ether.size, ether.clock.pending], [2, 0, 0]);
  });
});

Deno.test("MdnsScout.close() waits a second at most for a goodbye", PURE, async () => {
  const clock = new ManualClock();
  const stuck = Promise.withResolvers<void>();
  const scout = new MdnsScout({
    clock,
    random: seededRandom(1),
    log: () => {},
    service: { id: idOf(1), port: 9000, version: "1", hint: () => undefined },
    interfaces: () => [eth("10.0.0.1")],
    open: () => Promise.resolve({ send: () => stuck.promise, close: () => Promise.resolve() }),
    isSearching: () => false,
    onFound: () => {},
  });
  await settle();
  const closing = scout.close();
  await clock.run(1_000, 100);
  await closing;
  assertEquals(clock.pending, 0);
  stuck.resolve();
  await settle();
});
