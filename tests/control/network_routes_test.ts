/** The control API's routes about the network, in a village whose founder is Alice. */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { CodedError } from "../../src/base/errors.ts";
import { FieldError, Fields, type JsonObject } from "../../src/base/guards.ts";
import { ControlClient, ControlClientError } from "../../src/control/client.ts";
import { writeEndpoint } from "../../src/control/endpoint_file.ts";
import { MemberHistory } from "../../src/control/member_history.ts";
import { checkMayLeave, NetworkRoutes } from "../../src/control/network_routes.ts";
import { ControlServer } from "../../src/control/server.ts";
import { decodeToken, type InvitationToken } from "../../src/trust/invitation_token.ts";
import type { Joined } from "../../src/agent/joining.ts";
import { withDirectory } from "../store/temp.ts";
import { ALICE, BOB, CAROL } from "../testing/identities.ts";
import { type Citizen, connected, Realm } from "../testing/realm.ts";
import { ADMIN_CHAIN, certificate, MALLORY, MEMBER_CHAIN, NETWORK_ID } from "../testing/trust.ts";
import { aliceAndBob, METRICS } from "./village.ts";

const DAVE = MALLORY;

interface Home {
  readonly realm: Realm;
  readonly alice: Citizen;
  readonly bob: Citizen;
  readonly carol: Citizen;
}

/** Alice, the admin Bob and the member Carol, each in session with the others. */
async function atHome(use: (home: Home) => Promise<void>): Promise<void> {
  const realm = new Realm();
  try {
    const alice = await realm.founder();
    const bob = await realm.add(BOB, "10.0.0.2", ADMIN_CHAIN, { peers: [alice.address] });
    const carol = await realm.add(CAROL, "10.0.0.3", MEMBER_CHAIN, { peers: [alice.address] });
    await realm.pass(2_000);
    assertEquals(connected(alice).length + connected(bob).length + connected(carol).length, 6);
    await use({ realm, alice, bob, carol });
  } finally {
    await realm.close();
  }
}

interface Moves {
  readonly routes: NetworkRoutes;
  /** Where the agent was told to go. */
  readonly moves: (Joined | undefined)[];
  /** Tokens that were used. */
  readonly tokens: InvitationToken[];
}

/** The routes of `citizen`; `join` is what using a token comes to. */
function routesOf(
  { agent }: Citizen,
  { clock }: Realm,
  join: () => Promise<Joined> = () => Promise.reject(new TypeError("nobody joins here")),
): Moves {
  const moves: (Joined | undefined)[] = [];
  const tokens: InvitationToken[] = [];
  const routes = new NetworkRoutes({
    agent,
    clock,
    history: new MemberHistory(agent, clock),
    join: (token) => {
      tokens.push(token);
      return join();
    },
    onMove: (joined) => moves.push(joined),
  });
  return { routes, moves, tokens };
}

function body(fields: JsonObject = {}): Fields {
  return Fields.of(fields, "body");
}

/** The code with which `call` fails. */
async function codeOf(call: () => unknown): Promise<string> {
  return (await assertRejects(async () => await call(), CodedError)).code;
}

Deno.test("NetworkRoutes.members() puts this device first, then who is here, then by name", async () => {
  await atHome(async ({ realm, carol, bob }) => {
    await realm.village.crash(bob);
    await realm.pass(60_000, 1_000);
    const { network, members, revoked } = routesOf(carol, realm).routes.members();
    assertEquals([network.id, network.name, network.members], [NETWORK_ID, "elm street", 3]);
    assertEquals([network.role, network.founder, network.open], ["member", false, false]);
    assertEquals(
      members.map(({ name, role, this_device, connected }) => [name, role, this_device, connected]),
      [
        ["carol", "member", true, true],
        ["alice", "admin", false, true],
        ["bob", "admin", false, false],
      ],
    );
    assertEquals(members.map(({ node_id }) => node_id), [CAROL.id, ALICE.id, BOB.id]);
    assertEquals(members.map(({ addresses }) => addresses[0]), [
      "10.0.0.3:9000",
      "10.0.0.1:9000",
      "10.0.0.2:9000",
    ]);
    const [self, here, away] = members;
    assertEquals(self?.last_seen_s, 0);
    assert((here?.last_seen_s ?? 99) < 60 && (away?.last_seen_s ?? 0) >= 60);
    assertEquals(revoked, []);
  });
});

Deno.test("NetworkRoutes.members() tells who was never met, and who invited whom", async () => {
  await atHome(({ realm, alice }) => {
    const leaf = certificate({ node_id: DAVE.id, name: "dave", issuer: BOB.id });
    alice.membership.roster.keep([leaf, ADMIN_CHAIN[0]]);
    const { members } = routesOf(alice, realm).routes.members();
    const dave = members.find(({ name }) => name === "dave");
    assertEquals([dave?.connected, dave?.last_seen_s, dave?.addresses], [false, null, []]);
    assertEquals(dave?.invited_by, BOB.id);
    assertEquals(members.find(({ name }) => name === "carol")?.invited_by, null);
    return Promise.resolve();
  });
});

Deno.test("NetworkRoutes.invite() gives a token for the role and the time asked for", async () => {
  await atHome(async ({ realm, alice, bob, carol }) => {
    const { routes } = routesOf(alice, realm);
    const nowMs = realm.clock.wallMs();
    const plain = await routes.invite(body());
    assertEquals([plain.role, plain.expires_unix_ms - nowMs], ["member", 900_000]);
    assertEquals(plain.network, "elm street");
    const token = decodeToken(plain.token);
    assertEquals([token.inviter, token.addresses], [ALICE.id, [alice.address]]);
    const admin = await routes.invite(body({ admin: true, expires_s: 10 }));
    assertEquals([admin.role, admin.expires_unix_ms - nowMs], ["admin", 10_000]);
    assertEquals(alice.invitations.open(nowMs), 2);

    const ofBob = routesOf(bob, realm).routes;
    assertEquals((await ofBob.invite(body())).role, "member");
    assertEquals(await codeOf(() => ofBob.invite(body({ admin: true }))), "not_authorized");
    const ofCarol = routesOf(carol, realm).routes;
    assertEquals(await codeOf(() => ofCarol.invite(body())), "not_authorized");
    assertEquals(carol.invitations.open(nowMs), 0);
  });
});

Deno.test("NetworkRoutes.invite() refuses times and roles that are none", async () => {
  await atHome(async ({ realm, alice }) => {
    const { routes } = routesOf(alice, realm);
    for (const expires_s of [9, 604_801, 0, -1, 60.5, "900", null]) {
      await assertRejects(() => routes.invite(body({ expires_s })), FieldError);
    }
    await assertRejects(() => routes.invite(body({ admin: "yes" })), FieldError);
    await routes.invite(body({ expires_s: 604_800 }));
    assertEquals(alice.invitations.open(realm.clock.wallMs()), 1);
  });
});

Deno.test("NetworkRoutes.invite() gives 64 invitations at once and no more", async () => {
  await atHome(async ({ realm, alice }) => {
    const { routes } = routesOf(alice, realm);
    for (let i = 0; i < 64; i++) await routes.invite(body({ expires_s: 10 + i }));
    assertEquals(await codeOf(() => routes.invite(body())), "too_many_invitations");
    await realm.pass(11_000, 1_000);
    await routes.invite(body());
  });
});

Deno.test("NetworkRoutes.revoke() finds a member by id, beginning or name", async () => {
  for (const node of [CAROL.id, CAROL.id.slice(0, 6), "carol"]) {
    await atHome(async ({ realm, alice, bob }) => {
      const { routes } = routesOf(alice, realm);
      assertEquals(await routes.revoke(body({ node })), {
        node_id: CAROL.id,
        short_id: CAROL.id.slice(0, 8),
        name: "carol",
        kept: [],
      });
      await realm.pass(1_000);
      const { members, revoked } = routesOf(bob, realm).routes.members();
      assertEquals(members.map(({ name }) => name), ["bob", "alice"]);
      assertEquals(revoked.map(({ node_id }) => node_id), [CAROL.id]);
      assertEquals([connected(alice), connected(bob)], [[BOB.id], [ALICE.id]]);
    });
  }
});

Deno.test("NetworkRoutes.revoke() names those whom an admin had let in", async () => {
  await atHome(async ({ realm, alice }) => {
    const leaf = certificate({ node_id: DAVE.id, name: "dave", issuer: BOB.id });
    alice.membership.roster.keep([leaf, ADMIN_CHAIN[0]]);
    const { routes } = routesOf(alice, realm);
    const { name, kept } = await routes.revoke(body({ node: "bob" }));
    assertEquals([name, kept.map((each) => [each.node_id, each.name])], ["bob", [[
      DAVE.id,
      "dave",
    ]]]);
    assertEquals(
      routes.members().members.map((each) => [each.name, each.invited_by]),
      [["alice", null], ["carol", null], ["dave", null]],
    );
  });
});

Deno.test("NetworkRoutes.revoke() does not guess", async () => {
  await atHome(async ({ realm, alice }) => {
    const { routes } = routesOf(alice, realm);
    const revoke = (node: unknown) => codeOf(() => routes.revoke(body({ node })));
    assertEquals(await revoke("nobody"), "unknown_member");
    assertEquals(await revoke("caro"), "unknown_member");
    assertEquals(await revoke("Carol"), "unknown_member");
    assertEquals(await revoke("alice"), "not_authorized");
    for (const node of ["", 7, null, "x".repeat(129)]) {
      await assertRejects(() => routes.revoke(body({ node })), FieldError);
    }
    const twin = certificate({ node_id: DAVE.id, name: "carol" });
    alice.membership.roster.keep([twin]);
    const error = await assertRejects(() => routes.revoke(body({ node: "carol" })), CodedError);
    assertEquals(error.code, "unknown_member");
    assertMatch(error.message, /2 match/);
    assertEquals(routes.members().members.length, 4);
  });
});

Deno.test("NetworkRoutes.revoke() does not take who has gone for who is here", async () => {
  await atHome(async ({ realm, alice }) => {
    const { routes } = routesOf(alice, realm);
    await routes.revoke(body({ node: "bob" }));
    assertEquals(await codeOf(() => routes.revoke(body({ node: "bob" }))), "unknown_member");
    alice.membership.roster.keep([certificate({ node_id: DAVE.id, name: "bob" })]);
    assertEquals((await routes.revoke(body({ node: "bob" }))).node_id, DAVE.id);
  });
});

Deno.test("NetworkRoutes.revoke() removes a node that was never heard of, by its whole id", async () => {
  await atHome(async ({ realm, alice }) => {
    const { routes } = routesOf(alice, realm);
    const { node_id, name } = await routes.revoke(body({ node: DAVE.id }));
    assertEquals([node_id, name], [DAVE.id, null]);
    assertEquals(routes.members().revoked.map(({ node_id }) => node_id), [DAVE.id]);
    assertEquals(
      await codeOf(() => routes.revoke(body({ node: DAVE.id.slice(0, 51) }))),
      "unknown_member",
    );
  });
});

Deno.test("NetworkRoutes.revoke() is for admins, and admins for the founder", async () => {
  await atHome(async ({ realm, alice, bob, carol }) => {
    const ofCarol = routesOf(carol, realm).routes;
    for (const node of ["bob", "alice", CAROL.id]) {
      assertEquals(await codeOf(() => ofCarol.revoke(body({ node }))), "not_authorized");
    }
    const ofBob = routesOf(bob, realm).routes;
    assertEquals(await codeOf(() => ofBob.revoke(body({ node: "alice" }))), "not_authorized");
    await ofBob.revoke(body({ node: "carol" }));
    await realm.pass(1_000);
    assertEquals(connected(alice), [BOB.id]);
  });
});

Deno.test("NetworkRoutes.leave() tells the others, and moves", async () => {
  await atHome(async ({ realm, alice, bob, carol }) => {
    const { routes, moves } = routesOf(carol, realm);
    assertEquals(routes.leave(body()), { left: "elm street" });
    assertEquals(moves, [undefined]);
    await realm.pass(1_000);
    for (const other of [alice, bob]) {
      assertEquals(other.membership.isMember(CAROL.id), false);
      assertEquals(connected(other).includes(CAROL.id), false);
    }
  });
});

Deno.test("NetworkRoutes.leave() keeps the founder of a network of others, unless forced", async () => {
  await atHome(async ({ realm, alice }) => {
    const { routes, moves } = routesOf(alice, realm);
    const error = assertThrows(() => routes.leave(body()), CodedError);
    assertEquals(error.code, "founder");
    assertMatch(error.message, /2 other members.*hamlet leave --force$/);
    assertEquals(await codeOf(() => routes.leave(body({ force: false }))), "founder");
    assertEquals(moves, []);
    assertEquals(routes.leave(body({ force: true })), { left: "elm street" });
    assertEquals(moves, [undefined]);
  });
});

Deno.test("NetworkRoutes.join() moves who is alone, and nobody else", async () => {
  await atHome(async ({ realm, alice, bob, carol }) => {
    const token = await realm.invite(alice);
    for (
      const [citizen, code] of [[alice, "founder"], [bob, "already_member"], [
        carol,
        "already_member",
      ]] as const
    ) {
      const { routes, moves, tokens } = routesOf(citizen, realm);
      assertEquals(await codeOf(() => routes.join(body({ token }))), code);
      assertEquals([moves, tokens], [[], []]);
    }
    const removed = await realm.join(DAVE, "10.0.0.4", token);
    const dave = await realm.settle(DAVE, "10.0.0.4", removed);
    await realm.pass(1_000);
    await routesOf(alice, realm).routes.revoke(body({ node: DAVE.id }));
    await realm.pass(1_000);
    assertEquals(dave.membership.isRevoked, true);
    const again = await realm.invite(alice);
    const { routes, moves, tokens } = routesOf(dave, realm, () => Promise.resolve(removed));
    const joined = await routes.join(body({ token: again.toLowerCase() }));
    assertEquals([joined.network, joined.role], [{ id: NETWORK_ID, name: "elm street" }, "member"]);
    assertEquals([moves, tokens.map(({ inviter }) => inviter)], [[removed], [ALICE.id]]);
  });
});

Deno.test("NetworkRoutes.join() refuses what is no token before anything else", async () => {
  const realm = new Realm();
  try {
    const { routes, tokens } = routesOf(await realm.founder(), realm);
    for (const token of ["hello", "A".repeat(200), "A".repeat(1_024)]) {
      assertEquals(await codeOf(() => routes.join(body({ token }))), "damaged_token");
    }
    for (const token of ["", 7, "A".repeat(1_025)]) {
      await assertRejects(() => routes.join(body({ token })), FieldError);
    }
    assertEquals(tokens, []);
  } finally {
    await realm.close();
  }
});

Deno.test("NetworkRoutes does one move at a time, and nothing after it", async () => {
  const realm = new Realm();
  try {
    const alice = await realm.founder();
    const token = await realm.invite(alice);
    const joined = await realm.join(DAVE, "10.0.0.4", token);
    const outcome = Promise.withResolvers<Joined>();
    let attempts = 0;
    // The first invitation turns out to be worth nothing, the second is good.
    const { routes, moves } = routesOf(
      alice,
      realm,
      () => attempts++ ? outcome.promise : Promise.reject(new TypeError("expired")),
    );
    // Dave joined her network meanwhile, so that she may not go before he is removed.
    await routes.revoke(body({ node: DAVE.id }));
    await assertRejects(() => routes.join(body({ token })), TypeError, "expired");
    const joining = routes.join(body({ token }));
    const others = [
      () => routes.join(body({ token })),
      () => routes.leave(body()),
      () => routes.invite(body()),
      () => routes.revoke(body({ node: BOB.id })),
    ];
    for (const other of others) assertEquals(await codeOf(other), "moving");
    outcome.resolve(joined);
    await joining;
    for (const other of others) assertEquals(await codeOf(other), "moving");
    assertEquals(moves, [joined]);
    assertEquals(routes.members().members.length, 1);
  } finally {
    await realm.close();
  }
});

Deno.test("NetworkRoutes has nothing to tell where there is no network", async () => {
  const { village, alice } = await aliceAndBob();
  try {
    const routes = new NetworkRoutes({
      agent: alice.agent,
      clock: village.clock,
      history: new MemberHistory(alice.agent, village.clock),
      join: () => Promise.reject(new TypeError("nobody joins here")),
      onMove: () => {},
    });
    const calls = [
      () => routes.members(),
      () => routes.invite(body()),
      () => routes.revoke(body({ node: BOB.id })),
      () => routes.leave(body()),
    ];
    for (const call of calls) assertEquals(await codeOf(call), "not_authorized");
  } finally {
    await village.close();
  }
});

Deno.test("checkMayLeave() counts those who are members now", async () => {
  await atHome(async ({ realm, alice }) => {
    const { routes } = routesOf(alice, realm);
    await routes.revoke(body({ node: "bob" }));
    assertMatch(
      assertThrows(() => checkMayLeave(alice.membership, "join"), CodedError).message,
      /^Cannot join: .* 1 other member would be left/,
    );
    await routes.revoke(body({ node: "carol" }));
    checkMayLeave(alice.membership, "leave");
    checkMayLeave(alice.membership, "join");
  });
});

Deno.test("ControlServer serves the network's routes to its clients", {
  permissions: { net: true, read: true, write: true },
}, async () => {
  await atHome(async ({ realm, alice }) => {
    const { setting } = await settingOf();
    const moves: unknown[] = [];
    const server = new ControlServer({
      agent: alice.agent,
      setting: { ...setting, clock: realm.clock },
      metrics: METRICS,
      onStop: () => {},
      join: () => Promise.reject(new TypeError("nobody joins here")),
      onMove: (joined) => moves.push(joined),
    });
    try {
      await withDirectory(async (stateDir) => {
        const { url, token } = server;
        await writeEndpoint(stateDir, { url, token, pid: Deno.pid, listenPort: 9000 });
        const client = await ControlClient.open(stateDir);
        const { members } = await client.members();
        assertEquals(members.map(({ name }) => name), ["alice", "bob", "carol"]);
        const invitation = await client.invite({ admin: true, expires_s: 60 });
        assertEquals(invitation.role, "admin");
        assertEquals((await client.revoke("carol")).node_id, CAROL.id);
        const refused = async (call: Promise<unknown>) =>
          (await assertRejects(() => call, ControlClientError)).code;
        assertEquals(await refused(client.revoke("carol")), "unknown_member");
        assertEquals(await refused(client.invite({ admin: false, expires_s: 1 })), "invalid_field");
        assertEquals(await refused(client.join("hello")), "damaged_token");
        assertEquals(await refused(client.join(invitation.token)), "founder");
        assertEquals(await refused(client.leave({ force: false })), "founder");
        assertEquals(await client.leave({ force: true }), { left: "elm street" });
        assertEquals(moves, [undefined]);
      });
    } finally {
      await server.close();
    }
  });
});

/** A setting for a control server; its village is closed again. */
async function settingOf() {
  const { village, setting } = await aliceAndBob();
  await village.close();
  return { setting };
}
