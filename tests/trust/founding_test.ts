import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { verifyChain } from "../../src/trust/certificate.ts";
import { foundNetwork } from "../../src/trust/founding.ts";
import { networkIdOf } from "../../src/trust/network_id.ts";
import { ALICE, PRIMITIVES, WALL_MS } from "../testing/identities.ts";
import { LIFETIME_MS } from "../testing/trust.ts";

const PURE = { permissions: "none" } as const;

function found() {
  return foundNetwork({
    name: "elm street",
    founder: { id: ALICE.id, name: "alice" },
    primitives: PRIMITIVES,
    wallMs: WALL_MS,
  });
}

Deno.test("foundNetwork() makes the founder the first admin of a network of its own", PURE, () => {
  const { network, chain, authoritySeed } = found();
  assertEquals(network.name, "elm street");
  assertEquals(network.secret.length, 32);
  assert(authoritySeed);
  const authority = PRIMITIVES.importSigningKeyPair(authoritySeed);
  assertEquals(networkIdOf(authority.publicKey), network.id);
  assertNotEquals<string>(network.id, ALICE.id);
  const [leaf, issuer] = chain;
  assertEquals(issuer, undefined);
  assertEquals([leaf.id, leaf.name, leaf.role], [ALICE.id, "alice", "admin"]);
  assertEquals([leaf.issuedAtMs, leaf.notAfterMs], [WALL_MS, WALL_MS + LIFETIME_MS]);
  verifyChain(chain, network.id, { verify: PRIMITIVES.verify, wallMs: WALL_MS });
});

Deno.test("foundNetwork() never makes the same network twice", PURE, () => {
  const [one, other] = [found(), found()];
  assertNotEquals(one.network.id, other.network.id);
  assertNotEquals(one.network.secret, other.network.secret);
  assertNotEquals(one.authoritySeed, other.authoritySeed);
});
