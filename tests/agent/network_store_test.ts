/** Our network on the disk: founded, loaded, kept, damaged. */

import { assert, assertEquals, assertFalse, assertNotEquals, assertRejects } from "@std/assert";
import { encodeHex, encodeUtf8 } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import type { JsonObject } from "../../src/base/guards.ts";
import {
  NetworkStore,
  type NetworkStoreOptions,
  removeNetwork,
  writeJoined,
} from "../../src/agent/network_store.ts";
import { decodePeers } from "../../src/mesh/peer_store.ts";
import type { Identity } from "../../src/node/identity.ts";
import { StoreError } from "../../src/store/files.ts";
import { InvitationError, invitationIdOf } from "../../src/trust/invitation.ts";
import { FILES, modeOf, namesIn, withDirectory } from "../store/temp.ts";
import { ALICE, BOB, CAROL, identityOf, PRIMITIVES, WALL_MS } from "../testing/identities.ts";
import {
  ADMIN_CHAIN,
  certificateJson,
  FOUNDER_CHAIN,
  LIFETIME_MS,
  MALLORY,
  MEMBER_BY_ADMIN,
  NETWORK,
  NETWORK_ID,
  newRoster,
  OTHER_AUTHORITY_SEED,
  revocationJson,
} from "../testing/trust.ts";

interface Opening extends Partial<NetworkStoreOptions> {
  readonly alarms?: string[];
}

function open(stateDir: string, options: Opening = {}): Promise<NetworkStore> {
  const { alarms = [], ...rest } = options;
  return NetworkStore.open({
    stateDir,
    identity: ALICE,
    primitives: PRIMITIVES,
    clock: new ManualClock(),
    log: (level, event) => {
      if (level === "warn" || level === "error") alarms.push(event);
    },
    isOpen: false,
    deviceName: "alice",
    networkName: "elm street",
    ...rest,
  });
}

/** Carol's state after she has joined by Bob. */
async function join(stateDir: string): Promise<void> {
  const roster = newRoster();
  for (const chain of [FOUNDER_CHAIN, MEMBER_BY_ADMIN]) roster.keep(chain);
  await writeJoined(stateDir, {
    stored: { network: NETWORK, chain: MEMBER_BY_ADMIN, authoritySeed: undefined },
    roster,
    peers: [{ id: ALICE.id, addresses: [{ host: "10.0.0.1", port: 9000 }], seen: "2025-06-15" }],
  });
}

async function change(path: string, changes: JsonObject): Promise<void> {
  const json = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify({ ...json, ...changes }));
}

async function failure(promise: Promise<unknown>): Promise<StoreError> {
  const error = await assertRejects(() => promise, StoreError);
  assertEquals(error.code, "unreadable");
  return error;
}

Deno.test("NetworkStore.open() founds a network once, and finds it again", FILES, async () => {
  await withDirectory(async (dir) => {
    const first = await open(dir);
    assert(first.wasFounded && first.membership.isFounder);
    assertEquals(await namesIn(dir), ["network.json"]);
    const again = await open(dir, { deviceName: "other", networkName: "other" });
    assertFalse(again.wasFounded);
    assertEquals(again.membership.network, first.membership.network);
    assertEquals(again.membership.chain, first.membership.chain);
    assert(again.membership.isFounder, "it still has the authority's key");
    again.membership.certify({ id: BOB.id, name: "bob", role: "admin" });
  });
});

Deno.test(
  "NetworkStore keeps its files to their owner, and tells when they were not",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      const store = await open(dir);
      for (const part of ["network", "roster", "invitations"] as const) await store.save(part);
      const names = await namesIn(dir);
      assertEquals(names, ["invitations.json", "members.json", "network.json"]);
      for (const name of names) {
        const mode = await modeOf(`${dir}/${name}`);
        if (mode !== undefined) assertEquals(mode, 0o600, name);
      }
      if (Deno.build.os === "windows") return;
      await Deno.chmod(`${dir}/network.json`, 0o644);
      const alarms: string[] = [];
      await open(dir, { alarms });
      assertEquals(await modeOf(`${dir}/network.json`), 0o600);
      assertEquals(alarms, ["network was readable by others; now private"]);
    });
  },
);

Deno.test(
  "NetworkStore.open() loads what was joined, its members and its peers",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      await join(dir);
      const { membership, wasFounded } = await open(dir, { identity: CAROL });
      assertFalse(wasFounded || membership.isFounder);
      assertEquals(membership.network, NETWORK);
      assertEquals(membership.chain, MEMBER_BY_ADMIN);
      assertEquals([...membership.memberIds()].sort(), [ALICE.id, BOB.id, CAROL.id].sort());
      const peers = decodePeers(await Deno.readFile(`${dir}/peers.json`));
      assertEquals(peers.map(({ id }) => id), [ALICE.id]);
    });
  },
);

Deno.test("NetworkStore.save() keeps revocations across a restart", FILES, async () => {
  await withDirectory(async (dir) => {
    await join(dir);
    const store = await open(dir, { identity: CAROL });
    const { roster } = store.membership;
    roster.learnCertificate(certificateJson({ node_id: identityOf(1).id }), WALL_MS);
    for (const changes of [{ node_id: identityOf(1).id, issuer: BOB.id }, { node_id: BOB.id }]) {
      assert(roster.learnRevocation(revocationJson(changes)));
    }
    await store.save("roster");
    // Its clock stands still, or is years ahead: nobody who is out comes back in.
    for (const wallMs of [0, WALL_MS, WALL_MS + 10 * LIFETIME_MS]) {
      const clock = new ManualClock(wallMs);
      const { membership } = await open(dir, { identity: CAROL, clock });
      assertEquals(membership.roster.revocations().length, 2);
      for (const id of [BOB.id, identityOf(1).id]) assertFalse(membership.isMember(id));
      await Deno.stat(`${dir}/members.json`);
    }
  });
});

Deno.test("NetworkStore keeps invitations across a restart, used ones too", FILES, async () => {
  await withDirectory(async (dir) => {
    const store = await open(dir);
    const { invitations } = store;
    const make = () =>
      invitations.create({ role: "member", wallMs: WALL_MS, expiresAtMs: WALL_MS + 1_000 }).secret;
    const [used, fresh] = [make(), make()];
    const redeem = (from: NetworkStore, secret: typeof used, by: Identity) =>
      from.invitations.redeem(encodeHex(invitationIdOf(secret)), secret, {
        by: by.id,
        wasRemoved: false,
        wallMs: WALL_MS,
      });
    redeem(store, used, BOB);
    await store.save("invitations");
    const text = await Deno.readTextFile(`${dir}/invitations.json`);
    for (const secret of [used, fresh]) {
      assertFalse(text.includes(secret.toHex()));
      assertFalse(text.includes(secret.toBase64({ alphabet: "base64url", omitPadding: true })));
    }
    const again = await open(dir);
    assertEquals(redeem(again, fresh, MALLORY), "member");
    assertEquals(redeem(again, used, BOB), "member");
    assertEquals(
      (await assertRejects(() => Promise.try(() => redeem(again, used, CAROL)), InvitationError))
        .code,
      "invitation_used",
    );
  });
});

Deno.test("NetworkStore.open() stops at a damaged network file and leaves it", FILES, async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/network.json`;
    await open(dir);
    const good = await Deno.readFile(path);
    for (
      const bytes of [
        new Uint8Array(0),
        good.slice(0, 100),
        encodeUtf8("null"),
        encodeUtf8("{}"),
        new Uint8Array(good.length),
        new Uint8Array(16_385).fill(0x20),
      ]
    ) {
      await Deno.writeFile(path, bytes);
      const error = await assertRejects(() => open(dir), StoreError);
      assert(error.message.startsWith(`Cannot read `) && error.message.includes(path));
      assertEquals(await Deno.readFile(path), new Uint8Array(bytes), "nothing replaces it");
    }
    assertEquals(await namesIn(dir), ["network.json"]);
  });
});

Deno.test("NetworkStore.open() says what is wrong, what to do, and no secret", FILES, async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/network.json`;
    await open(dir);
    await Deno.writeTextFile(path, "{");
    assertEquals(
      (await failure(open(dir))).message,
      `Cannot read network ${path}: it is not JSON; restore it from a backup, or run: ` +
        "hamlet leave --force",
    );
  });
});

Deno.test(
  "NetworkStore.open() refuses a network file whose parts do not belong together",
  FILES,
  async () => {
    const otherSeed = OTHER_AUTHORITY_SEED.toBase64({ alphabet: "base64url", omitPadding: true });
    const cases: readonly (readonly [string, JsonObject])[] = [
      ["another device's certificate", { certificates: [ADMIN_CHAIN[0].signed] }],
      ["a forged certificate", {
        certificates: [{ ...certificateJson({ node_id: ALICE.id }), role: "admin" }],
      }],
      ["another network's certificate", { certificates: [FOUNDER_CHAIN[0].signed] }],
      ["another network's key", { authority_seed: otherSeed }],
      ["another network's id", { id: NETWORK_ID }],
      ["another version", { version: 2 }],
    ];
    for (const [label, changes] of cases) {
      await withDirectory(async (dir) => {
        await open(dir);
        await change(`${dir}/network.json`, changes);
        const { message } = await failure(open(dir));
        assertFalse(message.includes(otherSeed), label);
      });
    }
  },
);

Deno.test("NetworkStore.open() loads a certificate that has expired", FILES, async () => {
  await withDirectory(async (dir) => {
    await join(dir);
    const clock = new ManualClock(WALL_MS + 2 * LIFETIME_MS);
    const { membership } = await open(dir, { identity: CAROL, clock });
    assertFalse(membership.isMember(CAROL.id));
    assertEquals(membership.certificate.id, CAROL.id);
  });
});

Deno.test("NetworkStore.open() refuses a state that another device has left", FILES, async () => {
  await withDirectory(async (dir) => {
    await join(dir);
    assert((await failure(open(dir, { identity: BOB }))).message.includes("another device"));
  });
});

Deno.test("NetworkStore.open() sets damaged members and invitations aside", FILES, async () => {
  for (const name of ["members.json", "invitations.json"]) {
    for (const text of ["", "{", "null", "[]", '{"version":9}', "\u0000", '{"version":1}']) {
      await withDirectory(async (dir) => {
        await join(dir);
        await Deno.writeTextFile(`${dir}/${name}`, text);
        const alarms: string[] = [];
        const { membership } = await open(dir, { identity: CAROL, alarms });
        assertEquals(membership.chain, MEMBER_BY_ADMIN);
        // An invitations file says first of whom it is; one that does not is nobody's.
        const isForeign = name === "invitations.json" && text === '{"version":1}';
        assertEquals(alarms, isForeign ? [] : ["file damaged"], `${name} ${text}`);
        const aside = (await namesIn(dir)).filter((each) => each.startsWith(`${name}.damaged-`));
        assertEquals(aside.length, isForeign ? 0 : 1);
      });
    }
  }
});

Deno.test("NetworkStore.open() takes nothing from another network's files", FILES, async () => {
  await withDirectory(async (dir) => {
    const mine = await open(dir);
    mine.invitations.create({ role: "admin", wallMs: WALL_MS, expiresAtMs: WALL_MS + 1_000 });
    mine.membership.certify({ id: BOB.id, name: "bob", role: "admin" });
    mine.membership.revoke(MALLORY.id);
    for (const part of ["roster", "invitations"] as const) await mine.save(part);
    // A crash between the files of a network that was joined: the old ones are still there.
    await Deno.remove(`${dir}/network.json`);
    const other = await open(dir);
    assertNotEquals(other.membership.network.id, mine.membership.network.id);
    assertEquals(other.membership.memberIds(), [ALICE.id]);
    assertEquals(other.membership.roster.revocations(), []);
    assertEquals(other.invitations.open(WALL_MS), 0);
  });
});

Deno.test("writeJoined() puts the new network in the place of the old", FILES, async () => {
  await withDirectory(async (dir) => {
    const mine = await open(dir, { identity: CAROL });
    mine.invitations.create({ role: "admin", wallMs: WALL_MS, expiresAtMs: WALL_MS + 1_000 });
    for (const part of ["roster", "invitations"] as const) await mine.save(part);
    await join(dir);
    assertEquals(await namesIn(dir), ["members.json", "network.json", "peers.json"]);
    const text = await Deno.readTextFile(`${dir}/network.json`);
    assertEquals(JSON.parse(text)["authority_seed"], null, "the old authority is gone");
    assertEquals((await open(dir, { identity: CAROL })).membership.network, NETWORK);
  });
});

Deno.test("removeNetwork() forgets the network and everybody in it", FILES, async () => {
  await withDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/identity.json`, "mine");
    await join(dir);
    await removeNetwork(dir);
    assertEquals(await namesIn(dir), ["identity.json"]);
    await removeNetwork(dir);
    assert((await open(dir)).wasFounded);
  });
});

Deno.test(
  "NetworkStore.save() writes once what is asked for a thousand times",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      const store = await open(dir);
      const saves = Array.from({ length: 1_000 }, () => store.save("roster"));
      assertEquals(new Set(saves).size, 1);
      await saves[0];
      // What is learnt before a write has begun is in it.
      const late = store.save("roster");
      store.membership.certify({ id: BOB.id, name: "bob", role: "admin" });
      store.membership.certify({ id: CAROL.id, name: "carol", role: "member" });
      await late;
      await store.close();
      const again = await open(dir);
      assertEquals(again.membership.memberIds().length, 3);
    });
  },
);

Deno.test(
  "NetworkStore.save() rejects and goes on when the disk will not take it",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      const gone = `${dir}/gone`;
      await Deno.mkdir(gone);
      const alarms: string[] = [];
      const store = await open(gone, { alarms });
      await Deno.remove(gone, { recursive: true });
      await assertRejects(() => store.save("roster"), StoreError);
      assertEquals(alarms, ["network not saved"]);
      await Deno.mkdir(gone);
      await store.save("roster");
      assertEquals(await namesIn(gone), ["members.json"]);
      await store.close();
    });
  },
);

Deno.test("NetworkStore.open() founds nothing that it cannot write", FILES, async () => {
  await withDirectory(async (dir) => {
    const error = await assertRejects(() => open(`${dir}/gone`), StoreError);
    assertEquals(error.code, "unwritable");
  });
});

Deno.test("NetworkStore keeps a renewed certificate", FILES, async () => {
  await withDirectory(async (dir) => {
    const store = await open(dir);
    const { membership } = store;
    const [renewed] = membership.certify(membership.certificate);
    assert(membership.adopt([renewed]));
    await store.save("network");
    assertEquals((await open(dir)).membership.certificate, renewed);
  });
});
