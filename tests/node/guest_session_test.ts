/** What a device with an invitation may do before it is a member: use it, and nothing else. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Bytes, encodeHex } from "../../src/base/bytes.ts";
import type { JsonObject } from "../../src/base/guards.ts";
import { silentLog } from "../../src/base/log.ts";
import { RequestError } from "../../src/channel/requests.ts";
import type { Identity } from "../../src/node/identity.ts";
import { MESSAGE_TYPES } from "../../src/node/envelope.ts";
import { Node } from "../../src/node/node.ts";
import { InvitationBook, invitationIdOf, invitationKeyOf } from "../../src/trust/invitation.ts";
import { ALICE, BOB, CAROL, identityOf, localNode, WALL_MS } from "../testing/identities.ts";
import { founder, MALLORY, member } from "../testing/trust.ts";
import { outcomeWord, sessionEvents, Village, type Villager } from "../testing/village.ts";

const PURE = { permissions: "none" } as const;
const A = "10.0.0.1";
const B = "10.0.0.2";
const LIFE_MS = 900_000;

/** Alice, who founded a network and has given out an invitation. */
function inviter() {
  const village = new Village();
  const book = new InvitationBook();
  const { clock } = village;
  const alice = village.add(ALICE, A, {
    membership: founder(clock),
    invitationKeyOf: (id) => book.keyOf(id, clock.wallMs()),
  });
  const asked: JsonObject[] = [];
  alice.node.handleGuests("JOIN", (request, guest) => {
    asked.push({ ...guest, data: request.data });
    return { data: { welcome: true } };
  });
  alice.node.handle("SECRETS", () => ({ data: { secret: 1 } }));
  const invite = () =>
    book.create({ role: "member", wallMs: clock.wallMs(), expiresAtMs: clock.wallMs() + LIFE_MS })
      .secret;
  return { village, alice, book, asked, invite };
}

/** Adds a device that holds the invitation's `secret`, or claims to. */
function newcomer(
  village: Village,
  secret: Bytes,
  options: { identity?: Identity; host?: string; psk?: Bytes } = {},
): Villager {
  return village.add(options.identity ?? BOB, options.host ?? B, {
    psk: options.psk ?? invitationKeyOf(secret),
    pskId: invitationIdOf(secret),
  });
}

/** A device in a guest session with Alice. */
async function guest() {
  const setting = inviter();
  const secret = setting.invite();
  const bob = newcomer(setting.village, secret);
  assertEquals(outcomeWord(await setting.village.join(bob, setting.alice)), "session");
  await setting.village.clock.run(100, 10);
  const ask = (type: string, data: JsonObject = {}) =>
    setting.village.until(bob.node.request(ALICE.id, type, data, { deadlineMs: 2_000 }));
  return { ...setting, bob, ask, id: encodeHex(invitationIdOf(secret)) };
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, RequestError)).code;
}

Deno.test("Node tells nobody of a guest, and the guest whom it has reached", PURE, async () => {
  const { village, alice, bob } = await guest();
  assertEquals([alice.node.connected, alice.events], [[], []]);
  assertEquals(alice.node.counters.sessionsOpened, 0);
  assertEquals(bob.node.connected, [ALICE.id]);
  const [opened] = bob.events;
  assert(opened?.type === "session_opened");
  assertEquals(opened.peer.standing, { kind: "inviter" });
  await village.close();
});

Deno.test(
  "Node hands a guest's request to who admits guests, with its invitation",
  PURE,
  async () => {
    const { village, asked, ask, id } = await guest();
    const reply = await ask("JOIN", { name: "bob" });
    assertEquals(reply.data, { welcome: true });
    assertEquals(asked, [{ id: BOB.id, invitation: id, data: { name: "bob" } }]);
    await village.close();
  },
);

Deno.test("Node answers nothing else that a guest asks", PURE, async () => {
  const { village, ask, asked } = await guest();
  for (const type of ["SECRETS", "FILE_PUT", "CERTIFICATE_RENEW", "JOINED"]) {
    assertEquals(await refusal(ask(type)), "unsupported_type", type);
  }
  assertEquals(asked, []);
  await village.close();
});

Deno.test("Node takes no message of a guest for a member's, of whatever type", PURE, async () => {
  const { village, alice, bob } = await guest();
  for (const type of MESSAGE_TYPES) {
    if (type === "PEER_GOODBYE" || type === "ERROR") continue;
    bob.node.send(ALICE.id, type, { peers: [], record: {} }, { requiresAck: true });
  }
  await village.clock.run(2_000, 50);
  assertEquals(alice.events, []);
  const told = bob.events.flatMap((event) =>
    event.type === "envelope" ? [event.envelope.type] : []
  );
  assertEquals(told, ["PONG"], "a sign of life, and no more");
  await village.close();
});

Deno.test("Node broadcasts nothing to guests and can send them nothing", PURE, async () => {
  const { village, alice, bob } = await guest();
  alice.node.broadcast("NETWORK_STATE", { certificates: [] });
  alice.node.turnAway(BOB.id, "revoked");
  alice.node.disconnect(BOB.id, "x");
  await village.clock.run(500, 20);
  assertEquals(bob.events.filter(({ type }) => type === "envelope"), []);
  assertEquals(bob.node.connected, [ALICE.id]);
  await village.close();
});

Deno.test("Node answers members by none of the handlers for guests", PURE, async () => {
  const { village, alice } = inviter();
  const carol = village.add(CAROL, B, { membership: member(village.clock) });
  await village.join(carol, alice);
  const join = carol.node.request(ALICE.id, "JOIN", {}, { deadlineMs: 1_000 });
  assertEquals(await refusal(village.until(join)), "unsupported_type");
  await village.close();
});

Deno.test("Node ends a guest session after half a minute", PURE, async () => {
  const { village, alice, bob } = await guest();
  await village.clock.run(29_000, 100);
  assertEquals(bob.node.connected, [ALICE.id]);
  await village.clock.run(2_000, 100);
  assertEquals(bob.node.connected, []);
  assertEquals(alice.node.guests, 0);
  await village.close();
});

Deno.test("Node counts guests as strangers, of whom a host may have so many", PURE, async () => {
  const { village, alice, invite } = inviter();
  const secret = invite();
  const greedy: Node[] = [];
  for (let n = 0; n < 140; n++) {
    const node = new Node({
      local: localNode(identityOf(n), {
        clock: village.clock,
        psk: invitationKeyOf(secret),
        pskId: invitationIdOf(secret),
      }),
      dialer: village.network.dialerFrom(B),
      clock: village.clock,
      log: silentLog,
      onEvent: () => {},
    });
    greedy.push(node);
    const dial = node.dial(alice.address, { approach: "seal", expected: ALICE.id });
    assertEquals(outcomeWord(await village.until(dial)), "session");
  }
  await village.clock.run(100, 10);
  assertEquals(alice.node.guests, 128);
  assertEquals(alice.node.counters.connectionsEvicted, 140 - 128);
  await village.until(Promise.all(greedy.map((node) => node.close())));
  await village.close();
});

Deno.test("Node refuses an invitation that is unknown, expired or used up", PURE, async () => {
  const { village, alice, book, invite } = inviter();
  const unknown = newcomer(village, new Uint8Array(16));
  assertEquals(outcomeWord(await village.join(unknown, alice)), "invitation_unknown");
  const secret = invite();
  const late = newcomer(village, secret, { host: "10.0.0.3", identity: identityOf(3) });
  village.clock.jumpWall(LIFE_MS + 1);
  assertEquals(outcomeWord(await village.join(late, alice)), "invitation_expired");
  village.clock.jumpWall(-LIFE_MS);
  const use = { by: BOB.id, wasRemoved: false, wallMs: WALL_MS };
  book.redeem(encodeHex(invitationIdOf(secret)), secret, use);
  village.clock.jumpWall(LIFE_MS);
  assertEquals(outcomeWord(await village.join(late, alice)), "invitation_used");
  assertEquals(alice.events, []);
  assertEquals(alice.node.guests, 0);
  await village.close();
});

Deno.test("Node opens no guest session to who knows the id and not the key", PURE, async () => {
  const { village, alice, invite } = inviter();
  const thief = newcomer(village, invite(), { psk: new Uint8Array(32), identity: MALLORY });
  // The thief believes in its session until the inviter ends it.
  await village.join(thief, alice);
  await village.clock.run(1_000, 20);
  assertEquals(alice.node.counters.rejected.get("bad_tag"), 1);
  assertEquals(sessionEvents(thief), ["opened", "closed ended_by_peer"]);
  await village.close();
});

Deno.test("Node without invitations refuses the pattern", PURE, async () => {
  const village = new Village();
  const carol = village.add(CAROL, A, { membership: member(village.clock) });
  const bob = newcomer(village, new Uint8Array(16));
  assertEquals(outcomeWord(await village.join(bob, carol)), "unsupported_pattern");
  await village.close();
});

Deno.test(
  "Node that joins talks to nobody but the inviter whom its token names",
  PURE,
  async () => {
    const { village, invite } = inviter();
    const secret = invite();
    // Mallory has stolen the inviter's file of invitations, and its address.
    const mallory = village.add(MALLORY, "10.0.0.66", {
      invitationKeyOf: () => invitationKeyOf(secret),
    });
    const bob = newcomer(village, secret);
    const dial = bob.node.dial(mallory.address, { approach: "seal", expected: ALICE.id });
    assertEquals(outcomeWord(await village.until(dial)), "identity_mismatch");
    assertEquals([bob.node.connected, mallory.node.guests], [[], 0]);
    await village.close();
  },
);

Deno.test("Node keeps a member's session beside its guest session", PURE, async () => {
  const { village, alice, invite } = inviter();
  const carol = village.add(CAROL, B, { membership: member(village.clock) });
  await village.join(carol, alice);
  const again = newcomer(village, invite(), { identity: CAROL, host: "10.0.0.3" });
  await village.join(again, alice);
  await village.clock.run(40_000, 200);
  assertEquals(alice.node.connected, [CAROL.id]);
  assertEquals(sessionEvents(alice), ["opened"]);
  await village.close();
});

Deno.test("Node.close() ends guest sessions, timers included", PURE, async () => {
  const { village, alice } = await guest();
  await village.until(alice.node.close());
  assertEquals(alice.node.guests, 0);
  await village.close();
  assertEquals(village.clock.pending, 0);
});
