import { assertEquals } from "@std/assert";
import { DhtScout } from "../../src/agent/dht.ts";
import type { Bytes } from "../../src/base/bytes.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { systemRandom } from "../../src/base/random.ts";
import { readRecord, signRecord } from "../../src/mesh/peer_record.ts";
import type { Address } from "../../src/net/address.ts";
import { openDht } from "../../src/net/dht.ts";
import type { Identity } from "../../src/node/identity.ts";
import { ALICE, BOB, CAROL, PRIMITIVES } from "../testing/identities.ts";
import { startPrivateDht } from "../testing/private_dht.ts";

const HOST = "127.0.0.1";

/** A scout on real sockets, and what it finds. */
interface Member {
  readonly scout: DhtScout;
  readonly addresses: Address[];
  /** The first address of another. */
  readonly met: Promise<Address>;
  /** The first record of the member that was missing. */
  readonly learnt: Promise<unknown>;
}

async function startMember(
  { identity, port, secret, missing, bootstrap }: {
    readonly identity: Identity;
    readonly port: number;
    readonly secret: Bytes;
    readonly missing: Identity;
    readonly bootstrap: readonly Address[];
  },
): Promise<Member> {
  const own = { host: HOST, port };
  const addresses: Address[] = [];
  const met = Promise.withResolvers<Address>();
  const learnt = Promise.withResolvers<unknown>();
  const { verify } = PRIMITIVES;
  const scout = await DhtScout.start({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    primitives: PRIMITIVES,
    secrets: () => [secret],
    id: identity.id,
    port,
    addresses: () => [own],
    record: () => signRecord(identity.id, [own], identity.signing, systemClock.wallMs()),
    wanted: () => [missing.id],
    onAddress: (address) => {
      addresses.push(address);
      met.resolve(address);
    },
    onRecord: learnt.resolve,
    open: () => openDht({ host: HOST, port: 0, bootstrap, verify, clock: systemClock }),
  });
  return { scout, addresses, met: met.promise, learnt: learnt.promise };
}

Deno.test("DhtScout: two that know one node of a DHT find each other, a stranger nobody", async () => {
  const { bootstrap, close } = await startPrivateDht(20);
  const [secret, otherSecret] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(8)];
  const [alice, bob, stranger] = await Promise.all([
    startMember({ identity: ALICE, port: 9001, secret, missing: BOB, bootstrap }),
    startMember({ identity: BOB, port: 9002, secret, missing: ALICE, bootstrap }),
    startMember({ identity: CAROL, port: 9003, secret: otherSecret, missing: BOB, bootstrap }),
  ]);
  try {
    assertEquals(await alice.met, { host: HOST, port: 9002 });
    assertEquals(await bob.met, { host: HOST, port: 9001 });
    const records = await Promise.all([alice.learnt, bob.learnt]);
    assertEquals(
      records.map((record) => readRecord(record, PRIMITIVES.verify, systemClock.wallMs())?.id),
      [BOB.id, ALICE.id],
    );
    assertEquals(stranger.addresses, []);
  } finally {
    await Promise.all([alice, bob, stranger].map(({ scout }) => scout.close()));
    await close();
  }
});
