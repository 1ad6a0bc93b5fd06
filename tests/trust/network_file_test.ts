import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeUtf8, encodeBase64Url, encodeUtf8 } from "../../src/base/bytes.ts";
import { FieldError, Fields, type JsonObject } from "../../src/base/guards.ts";
import { TrustError } from "../../src/trust/certificate.ts";
import {
  decodeNetwork,
  decodeRoster,
  encodeNetwork,
  encodeRoster,
  MAX_NETWORK_FILE_BYTES,
  MAX_ROSTER_FILE_BYTES,
  readNetwork,
  type StoredNetwork,
  writeNetwork,
} from "../../src/trust/network_file.ts";
import { DEFAULT_ROSTER_LIMITS, type Roster } from "../../src/trust/roster.ts";
import { BOB, CAROL, identityOf, WALL_MS } from "../testing/identities.ts";
import { HOSTILE_VALUES, hostileJson } from "../testing/mutate.ts";
import {
  ADMIN_CHAIN,
  AUTHORITY_SEED,
  certificate,
  certificateJson,
  FOUNDER_CHAIN,
  LIFETIME_MS,
  MEMBER_BY_ADMIN,
  MEMBER_CHAIN,
  NETWORK,
  NETWORK_ID,
  newRoster,
  OTHER_NETWORK_ID,
  revocationJson,
  signedOf,
} from "../testing/trust.ts";

const PURE = { permissions: "none" } as const;
const FOUNDERS: StoredNetwork = {
  network: NETWORK,
  chain: FOUNDER_CHAIN,
  authoritySeed: AUTHORITY_SEED,
};
const MEMBERS: StoredNetwork = {
  network: NETWORK,
  chain: MEMBER_BY_ADMIN,
  authoritySeed: undefined,
};

function json(stored = FOUNDERS): JsonObject {
  return JSON.parse(decodeUtf8(encodeNetwork(stored)));
}

function decode(value: unknown): StoredNetwork {
  return decodeNetwork(encodeUtf8(hostileJson(value)));
}

/** A roster read from a file with these entries. */
function rosterOf(
  entries: { certificates?: unknown; revocations?: unknown },
  wallMs = WALL_MS,
): Roster {
  const roster = newRoster();
  const file = { version: 1, network: NETWORK_ID, certificates: [], revocations: [], ...entries };
  decodeRoster(encodeUtf8(JSON.stringify(file)), roster, wallMs);
  return roster;
}

Deno.test("encodeNetwork() spells the file", PURE, () => {
  const common = {
    version: 1,
    id: NETWORK_ID,
    name: "elm street",
    secret: "ERERERERERERERERERERERERERERERERERERERERERE",
  };
  assertEquals(json(), {
    ...common,
    authority_seed: encodeBase64Url(AUTHORITY_SEED),
    certificates: signedOf(FOUNDER_CHAIN),
  });
  assertEquals(json(MEMBERS), {
    ...common,
    authority_seed: null,
    certificates: signedOf(MEMBER_BY_ADMIN),
  });
});

Deno.test("decodeNetwork() round-trips", PURE, () => {
  const record = { at: 5, issuer: NETWORK_ID, secret: "s", signature: "x" };
  const changed = { ...MEMBERS, secrets: { former: [AUTHORITY_SEED, NETWORK.secret], record } };
  for (const stored of [FOUNDERS, MEMBERS, changed]) {
    assertEquals(decodeNetwork(encodeNetwork(stored)), stored);
  }
});

Deno.test("decodeNetwork() refuses a file cut anywhere, and garbage behind", PURE, () => {
  const bytes = encodeNetwork(FOUNDERS);
  for (let cut = 0; cut < bytes.length - 2; cut++) {
    assertThrows(() => decodeNetwork(bytes.slice(0, cut)), TypeError, "it is not JSON");
  }
  assertThrows(() => decodeNetwork(encodeUtf8(decodeUtf8(bytes) + "x")), TypeError);
  assertThrows(() => decodeNetwork(Uint8Array.of(0xff)), TypeError, "it is not JSON");
});

Deno.test("decodeNetwork() refuses a damaged field and tells no secret", PURE, () => {
  const secret = String(json()["secret"]);
  const seed = String(json()["authority_seed"]);
  const changes: readonly JsonObject[] = [
    { version: 2 },
    { id: "elm street" },
    { name: "" },
    { name: "x".repeat(33) },
    { secret: secret.slice(1) },
    { secret: `${secret}A` },
    { secret: null },
    { authority_seed: seed.slice(1) },
    { authority_seed: "" },
    { authority_seed: 7 },
    { certificates: [] },
    { certificates: [{}] },
    { certificates: null },
    { certificates: [...signedOf(MEMBER_BY_ADMIN), certificateJson()] },
  ];
  for (const change of changes) {
    const error = assertThrows(() => decode({ ...json(), ...change }), Error);
    for (const text of [secret.slice(1, 20), seed.slice(1, 20)]) {
      assert(!error.message.includes(text), error.message);
    }
  }
});

Deno.test("decodeNetwork() throws nothing unexpected at a hostile value", PURE, () => {
  for (const value of HOSTILE_VALUES) {
    assertIsOurs(() => decode(value));
    for (const key of Object.keys(json())) {
      if (key === "name" && value === "x") continue;
      if (key === "authority_seed" && value === null) continue;
      assertIsOurs(() => decode({ ...json(), [key]: value }));
    }
  }
});

Deno.test("encodeNetwork() stays below its limit with the longest names", PURE, () => {
  const name = "网".repeat(32);
  const bob = certificate({ node_id: BOB.id, role: "admin", name });
  const carol = certificate({ issuer: BOB.id, name });
  const bytes = encodeNetwork({ ...FOUNDERS, chain: [carol, bob], network: { ...NETWORK, name } });
  assert(bytes.length < MAX_NETWORK_FILE_BYTES);
  assertEquals(decodeNetwork(bytes).network.name, name);
});

Deno.test("readNetwork() reads what writeNetwork() wrote", PURE, () => {
  assertEquals(readNetwork(Fields.of(writeNetwork(NETWORK))), NETWORK);
  assertThrows(() => readNetwork(Fields.of({})), FieldError);
});

Deno.test("encodeRoster() and decodeRoster() keep who belongs and who does not", PURE, () => {
  const roster = newRoster();
  for (const chain of [FOUNDER_CHAIN, MEMBER_BY_ADMIN]) roster.keep(chain);
  roster.learnCertificate(certificateJson({ node_id: identityOf(1).id }), WALL_MS);
  roster.learnRevocation(revocationJson({ issuer: BOB.id }));
  const read = newRoster();
  decodeRoster(encodeRoster(NETWORK_ID, roster), read, WALL_MS);
  assertEquals(read.certificates(), roster.certificates());
  assertEquals(read.revocations(), roster.revocations());
  const file = JSON.parse(decodeUtf8(encodeRoster(NETWORK_ID, roster)));
  assertEquals(Object.keys(file), ["version", "network", "certificates", "revocations"]);
});

Deno.test("decodeRoster() keeps the word of an admin whose certificate has ended", PURE, () => {
  const endMs = WALL_MS + 5;
  const bob = certificateJson({ node_id: BOB.id, role: "admin", not_after: endMs });
  const roster = rosterOf({
    certificates: [bob, certificateJson()],
    revocations: [revocationJson({ issuer: BOB.id })],
  }, endMs + 1);
  assertEquals(roster.get(BOB.id), undefined);
  assert(!roster.isMember(CAROL.id, endMs + 1));
});

Deno.test("decodeRoster() keeps the word of whoever has left", PURE, () => {
  const before = newRoster();
  before.keep(MEMBER_CHAIN);
  assert(before.learnRevocation(revocationJson({ issuer: CAROL.id })));
  const after = newRoster();
  decodeRoster(encodeRoster(NETWORK_ID, before), after, WALL_MS);
  assertEquals(after.learnCertificate(certificateJson(), WALL_MS), undefined);
});

Deno.test("decodeRoster() forgets nobody on a board whose clock stands still", PURE, () => {
  const roster = rosterOf({
    certificates: [certificateJson(), ...signedOf(ADMIN_CHAIN)],
    revocations: [revocationJson()],
  }, 0);
  assert(roster.isMember(BOB.id, 0));
  assert(!roster.isMember(CAROL.id, 0));
});

Deno.test("decodeRoster() passes over what is forged, foreign or expired", PURE, () => {
  const foreign = { network: OTHER_NETWORK_ID, issuer: OTHER_NETWORK_ID };
  const roster = rosterOf({
    certificates: [
      { ...certificateJson(), name: "forged" },
      certificateJson({ ...foreign, node_id: identityOf(1).id }),
      certificateJson({ node_id: identityOf(2).id, not_after: WALL_MS + 9 }),
      null,
      "x",
      ...signedOf(ADMIN_CHAIN),
    ],
    revocations: [revocationJson(foreign), { ...revocationJson(), node_id: BOB.id }, 7, []],
  }, WALL_MS + 10);
  assertEquals(roster.certificates(), [ADMIN_CHAIN[0]]);
  assertEquals(roster.revocations(), []);
});

Deno.test("decodeRoster() refuses a file that is none", PURE, () => {
  for (const text of ["", "x", "null", "[]", "{}", '{"version":2}', '{"version":1}']) {
    assertIsOurs(() => decodeRoster(encodeUtf8(text), newRoster(), WALL_MS));
  }
  assertThrows(() => rosterOf({ certificates: {} }), FieldError);
  assertThrows(() => rosterOf({ revocations: null }), FieldError);
});

Deno.test("decodeRoster() takes as many entries as a roster holds and no more", PURE, () => {
  const { maxCertificates, maxRevocations } = DEFAULT_ROSTER_LIMITS;
  rosterOf({ certificates: Array(maxCertificates).fill(0) });
  rosterOf({ revocations: Array(maxRevocations).fill(0) });
  assertThrows(() => rosterOf({ certificates: Array(maxCertificates + 1).fill(0) }), FieldError);
  assertThrows(() => rosterOf({ revocations: Array(maxRevocations + 1).fill(0) }), FieldError);
});

Deno.test("encodeRoster() of a full roster fits into its file", PURE, () => {
  const longest = { ...certificateJson({ name: "网".repeat(32), not_after: 1e14 }) };
  const roster = newRoster();
  roster.learnCertificate(longest, WALL_MS);
  roster.recallRevocation(revocationJson({ at: WALL_MS + LIFETIME_MS, node_id: BOB.id }));
  const one = encodeRoster(NETWORK_ID, roster).length;
  assert(one * DEFAULT_ROSTER_LIMITS.maxCertificates < MAX_ROSTER_FILE_BYTES, `${one}`);
});

function assertIsOurs(action: () => unknown): void {
  const error = assertThrows(action, Error);
  const isOurs = error instanceof FieldError || error instanceof TrustError ||
    error instanceof TypeError;
  assert(isOurs, error.stack);
}
