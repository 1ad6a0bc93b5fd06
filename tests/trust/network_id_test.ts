import { assertEquals, assertNotEquals } from "@std/assert";
import { hkdfSync } from "node:crypto";
import { encodeBase64Url } from "../../src/base/bytes.ts";
import {
  authorityKeyOf,
  networkHint,
  networkIdOf,
  parseNetworkId,
  proofKeyOf,
} from "../../src/trust/network_id.ts";
import { ALICE, BOB } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const KEY = ALICE.signing.publicKey;
const ID = networkIdOf(KEY);

function derived(label: string, length: number): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", KEY, new Uint8Array(0), label, length));
}

Deno.test("networkIdOf() spells the authority's key as a node id is spelt", PURE, () => {
  assertEquals(ID, "25njqamcweflpvkl73j4szahhihoc4xt3ktcgjnpaingr5yhkena");
  assertEquals(authorityKeyOf(ID), KEY);
});

Deno.test("parseNetworkId() reads the canonical form and no other", PURE, () => {
  assertEquals(parseNetworkId(ID), ID);
  for (const text of ["", ID.slice(1), `${ID}a`, ID.toUpperCase(), ` ${ID}`, "1".repeat(52)]) {
    assertEquals(parseNetworkId(text), undefined);
  }
});

Deno.test("networkHint() is eight bytes of a hash that does not tell the id", PURE, () => {
  assertEquals(networkHint(ID), encodeBase64Url(derived("hamlet network hint", 8)));
  assertEquals(networkHint(ID).length, 11);
  assertNotEquals(networkHint(ID), networkHint(networkIdOf(BOB.signing.publicKey)));
});

Deno.test("proofKeyOf() is another hash of the same key", PURE, () => {
  assertEquals<Uint8Array>(proofKeyOf(ID), derived("hamlet proof of membership", 32));
});
