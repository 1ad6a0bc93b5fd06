import { assertEquals, assertRejects } from "@std/assert";
import { CERTIFICATES, Credentials } from "../../src/agent/credentials.ts";
import { ManualClock, settle } from "../../src/base/clock.ts";
import type { JsonObject } from "../../src/base/guards.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { RequestError } from "../../src/channel/requests.ts";
import { type IncomingRequest, Refusal } from "../../src/channel/responder.ts";
import type { Node, PeerRequestHandler } from "../../src/node/node.ts";
import type { Membership } from "../../src/trust/membership.ts";
import { ALICE, BOB, CAROL, identityOf } from "../testing/identities.ts";
import { admin, certificateJson, MALLORY, member, MEMBER_BY_ADMIN } from "../testing/trust.ts";

const DAVE = identityOf(4);
/** Dave's, from Bob. */
const DAVES: JsonObject = certificateJson({ node_id: DAVE.id, name: "dave", issuer: BOB.id });

/** A member's credentials whose requests `answer` answers. */
function bench(membership: Membership, answer: (ids: unknown) => JsonObject = () => ({})) {
  const clock = new ManualClock();
  const asked: [to: PeerId, ids: unknown][] = [];
  const learnt: PeerId[] = [];
  let handler: PeerRequestHandler | undefined;
  const node = {
    handle: (type: string, handle: PeerRequestHandler) => {
      assertEquals(type, CERTIFICATES);
      handler = handle;
    },
    request: (to: PeerId, _type: string, { ids }: JsonObject) => {
      asked.push([to, ids]);
      try {
        return Promise.resolve({ data: answer(ids) });
      } catch (error) {
        return Promise.reject(error);
      }
    },
  } as unknown as Node;
  const credentials = new Credentials({
    membership,
    node,
    clock,
    log: () => {},
    learn: (certificates) =>
      certificates.forEach((each) => membership.roster.learnCertificate(each, clock.wallMs())),
    onLearnt: (from) => learnt.push(from),
  });
  const ask = async (data: JsonObject, from: PeerId) =>
    await handler?.({ data } as IncomingRequest, from);
  return { clock, asked, learnt, credentials, ask };
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  clock.advance(ms);
  for (let turn = 0; turn < 4; turn++) await settle();
}

Deno.test("Credentials asks whoever told of a stranger, learns, and has all told again", async () => {
  const membership = member();
  const { clock, asked, learnt, credentials } = bench(
    membership,
    () => ({ certificates: [DAVES] }),
  );
  credentials.miss(DAVE.id, BOB.id);
  credentials.miss(DAVE.id, BOB.id);
  assertEquals([asked, membership.isMember(DAVE.id)], [[], false], "gathered for a moment");
  await pass(clock, 100);
  assertEquals(asked, [[BOB.id, [DAVE.id]]]);
  assertEquals([learnt, membership.isMember(DAVE.id)], [[BOB.id], true]);
  await credentials.close();
  assertEquals(clock.pending, 0);
});

Deno.test("Credentials believes no certificate that nobody with a say has signed", async () => {
  const membership = member();
  const forged = certificateJson({ node_id: MALLORY.id, name: "m", issuer: MALLORY.id });
  const { clock, learnt, credentials } = bench(membership, () => ({ certificates: [forged, 1] }));
  credentials.miss(MALLORY.id, BOB.id);
  await pass(clock, 100);
  assertEquals([learnt, membership.isMember(MALLORY.id)], [[], false]);
  await credentials.close();
});

Deno.test("Credentials lets a stranger rest of whom nobody knew better", async () => {
  const { clock, asked, credentials } = bench(member(), () => ({ certificates: [] }));
  credentials.miss(DAVE.id, BOB.id);
  await pass(clock, 100);
  credentials.miss(DAVE.id, ALICE.id);
  await pass(clock, 29_000);
  assertEquals(asked.length, 1);
  await pass(clock, 1_000);
  credentials.miss(DAVE.id, ALICE.id);
  await pass(clock, 100);
  assertEquals(asked, [[BOB.id, [DAVE.id]], [ALICE.id, [DAVE.id]]]);
  await credentials.close();
});

Deno.test("Credentials survives a session that ends, and answers that are none", async () => {
  for (
    const answer of [
      () => {
        throw new RequestError("lost", "gone");
      },
      () => ({}),
      () => ({ certificates: "none" }),
      () => ({ certificates: Array.from({ length: 65 }, () => DAVES) }),
    ]
  ) {
    const membership = member();
    const { clock, asked, learnt, credentials } = bench(membership, answer);
    credentials.miss(DAVE.id, BOB.id);
    await pass(clock, 100);
    assertEquals([learnt, membership.isMember(DAVE.id)], [[BOB.id], false], "others may know");
    credentials.miss(DAVE.id, ALICE.id);
    await pass(clock, 100);
    assertEquals(asked.map(([to]) => to), [BOB.id, ALICE.id]);
    await credentials.close();
  }
});

Deno.test("Credentials asks about 32 at once, by whom they were told of", async () => {
  const { clock, asked, credentials } = bench(member(), () => ({ certificates: [] }));
  for (let n = 10; n < 50; n++) credentials.miss(identityOf(n).id, n < 48 ? BOB.id : ALICE.id);
  await pass(clock, 100);
  const sizes = asked.map(([to, ids]) => [to, (ids as unknown[]).length]);
  assertEquals(sizes, [[BOB.id, 32], [BOB.id, 6], [ALICE.id, 2]]);
  await credentials.close();
});

Deno.test("Credentials notes 1,024 strangers and no more", async () => {
  const { clock, asked, credentials } = bench(member(), () => ({ certificates: [] }));
  for (let n = 0; n <= 1_024; n++) credentials.miss(`stranger ${n}` as PeerId, BOB.id);
  await pass(clock, 100);
  for (let turn = 0; turn < 100; turn++) await settle();
  assertEquals(asked.flatMap(([, ids]) => ids as unknown[]).length, 1_024);
  await credentials.close();
});

Deno.test("Credentials answers members with what they ask for, the signing admin first", async () => {
  const membership = admin();
  membership.roster.keep(MEMBER_BY_ADMIN);
  const { ask, credentials } = bench(membership);
  const reply = await ask({ ids: [CAROL.id, DAVE.id, "x", 7] }, ALICE.id);
  const [leaf, issuer] = MEMBER_BY_ADMIN;
  assertEquals(reply, { data: { certificates: [issuer?.signed, leaf.signed] } });
  await assertRejects(() => ask({ ids: [CAROL.id] }, MALLORY.id), Refusal, "no certificate");
  await assertRejects(() => ask({ ids: Array(33).fill(CAROL.id) }, ALICE.id), Refusal);
  await assertRejects(() => ask({}, ALICE.id), Refusal);
  await credentials.close();
});

Deno.test("Credentials has all told again of whom the certificate came by another way", async () => {
  const membership = member();
  const { clock, asked, learnt, credentials } = bench(membership);
  credentials.miss(DAVE.id, BOB.id);
  membership.roster.learnCertificate(DAVES, clock.wallMs());
  await pass(clock, 100);
  assertEquals([asked, learnt], [[], [BOB.id]]);
  await credentials.close();
});
