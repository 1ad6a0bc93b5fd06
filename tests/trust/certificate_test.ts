import { assert, assertEquals, assertThrows } from "@std/assert";
import { createPublicKey, verify } from "node:crypto";
import { Buffer } from "node:buffer";
import type { JsonObject } from "../../src/base/guards.ts";
import { publicKeyOf } from "../../src/base/peer_id.ts";
import {
  type Chain,
  isTrustCode,
  readCertificate,
  signCertificate,
  TrustError,
  verifyChain,
} from "../../src/trust/certificate.ts";
import { naiveCanonical } from "../testing/canonical.ts";
import { ALICE, BOB, CAROL, PRIMITIVES, WALL_MS } from "../testing/identities.ts";
import { HOSTILE_VALUES } from "../testing/mutate.ts";
import {
  ADMIN_CHAIN,
  AUTHORITY_SEED,
  certificate,
  certificateJson,
  DAY_MS,
  LIFETIME_MS,
  MALLORY,
  MEMBER_BY_ADMIN,
  MEMBER_CHAIN,
  NETWORK_ID,
  OTHER_NETWORK_ID,
  signedWith,
} from "../testing/trust.ts";

const PURE = { permissions: "none" } as const;
const AUTHORITY = {
  name: NETWORK_ID,
  signer: PRIMITIVES.importSigningKeyPair(AUTHORITY_SEED),
};

function check(chain: Chain, wallMs = WALL_MS): void {
  verifyChain(chain, NETWORK_ID, { verify: PRIMITIVES.verify, wallMs });
}

function code(chain: Chain, wallMs = WALL_MS): string {
  return assertThrows(() => check(chain, wallMs), TrustError).code;
}

Deno.test("signCertificate() spells the certificate and signs its canonical form", PURE, () => {
  const subject = {
    network: NETWORK_ID,
    id: CAROL.id,
    name: "Carols Küche",
    role: "member",
    notAfterMs: WALL_MS + 7.9,
  } as const;
  const made = signCertificate(subject, AUTHORITY, WALL_MS + 0.9);
  const { signature, serial, ...rest } = made.signed;
  assertEquals(rest, {
    type: "CERTIFICATE",
    network: NETWORK_ID,
    node_id: CAROL.id,
    name: "Carols Küche",
    role: "member",
    issued: WALL_MS,
    not_after: WALL_MS + 7,
    issuer: NETWORK_ID,
  });
  assert(/^[0-9a-f]{16}$/.test(String(serial)));
  const der = Buffer.concat([
    Buffer.from("302a300506032b6570032100", "hex"),
    publicKeyOf(NETWORK_ID as string as typeof CAROL.id),
  ]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  const covered = Buffer.from(naiveCanonical({ ...rest, serial }));
  assert(verify(null, covered, key, Buffer.from(String(signature), "base64url")));
  assertEquals(readCertificate(JSON.parse(JSON.stringify(made.signed))), made);
});

Deno.test("signCertificate() gives each certificate a serial of its own", PURE, () => {
  const subject = { ...MEMBER_CHAIN[0], notAfterMs: WALL_MS };
  const serials = new Set(
    Array.from({ length: 50 }, () => signCertificate(subject, AUTHORITY, WALL_MS).serial),
  );
  assertEquals(serials.size, 50);
});

Deno.test("readCertificate() reads what another implementation signed", PURE, () => {
  const json = certificateJson();
  assertEquals(readCertificate(json), {
    network: NETWORK_ID,
    id: CAROL.id,
    name: "carol",
    role: "member",
    serial: "00112233445566ff",
    issuedAtMs: WALL_MS,
    notAfterMs: WALL_MS + LIFETIME_MS,
    issuer: NETWORK_ID,
    signed: json,
  });
});

Deno.test("readCertificate() takes each field at its limit and not past it", PURE, () => {
  const cases: readonly (readonly [JsonObject, boolean])[] = [
    [{ name: "x" }, true],
    [{ name: "" }, false],
    [{ name: "x".repeat(32) }, true],
    [{ name: "x".repeat(33) }, false],
    [{ name: "tab\there" }, false],
    [{ serial: "x".repeat(15) }, false],
    [{ serial: "x".repeat(17) }, false],
    [{ issued: 0 }, true],
    [{ issued: -1 }, false],
    [{ issued: 0.5 }, false],
    [{ issued: 1e14 }, true],
    [{ issued: 1e14 + 1 }, false],
    [{ not_after: 1e14 }, true],
    [{ not_after: 1e14 + 1 }, false],
    [{ role: "owner" }, false],
    [{ role: "Admin" }, false],
    [{ node_id: CAROL.id.toUpperCase() }, false],
    [{ node_id: CAROL.id.slice(1) }, false],
    [{ network: "elm street" }, false],
  ];
  for (const [change, isGood] of cases) {
    const json = { ...certificateJson(), ...change };
    if (isGood) readCertificate(json);
    else assertEquals(refusal(json), "bad_certificate", JSON.stringify(change));
  }
});

Deno.test("readCertificate() refuses other types, spare keys and missing ones", PURE, () => {
  const good = certificateJson();
  for (const type of ["REVOCATION", "PEER_RECORD", "PEER_DISCOVERY", "certificate", null]) {
    assertEquals(refusal({ ...good, type }), "bad_certificate");
  }
  assertEquals(refusal({ ...good, admin: true }), "bad_certificate");
  assertEquals(refusal({ ...good, ...JSON.parse('{"__proto__":1}') }), "bad_certificate");
  for (const key of Object.keys(good)) {
    if (key === "signature") continue;
    const { [key]: _, ...rest } = good;
    assertEquals(refusal(rest), "bad_certificate", key);
  }
});

Deno.test("readCertificate() refuses a hostile value in any place", PURE, () => {
  const good = certificateJson();
  for (const value of HOSTILE_VALUES) {
    for (const key of Object.keys(good)) {
      const json = { ...good, [key]: value };
      if (key === "signature") assertEquals(code([readCertificate(json)]), "bad_certificate");
      else if (key !== "name" || value !== "x") assertEquals(refusal(json), "bad_certificate", key);
    }
  }
  for (const value of HOSTILE_VALUES) assertEquals(refusal(value), "bad_certificate");
});

Deno.test("verifyChain() accepts the authority's word, and an admin's for a member", PURE, () => {
  check(ADMIN_CHAIN);
  check(MEMBER_CHAIN);
  check(MEMBER_BY_ADMIN);
});

Deno.test("verifyChain() covers every field by the signature", PURE, () => {
  const good = certificateJson();
  const changes: readonly JsonObject[] = [
    { node_id: MALLORY.id },
    { name: "mallory" },
    { role: "admin" },
    { serial: "ffffffffffffffff" },
    { issued: WALL_MS + 1 },
    { not_after: WALL_MS + LIFETIME_MS + 1 },
    { signature: certificateJson({ name: "x" })["signature"] },
    { signature: `${good["signature"]}A` },
    { signature: `${good["signature"]}==` },
    { signature: String(good["signature"]).slice(1) },
    { signature: "" },
    { signature: null },
    { signature: [good["signature"]] },
  ];
  for (const change of changes) {
    const chain: Chain = [readCertificate({ ...good, ...change })];
    assertEquals(code(chain), "bad_certificate", JSON.stringify(change));
  }
  const { signature: _, ...unsigned } = good;
  assertEquals(code([readCertificate(unsigned)]), "bad_certificate");
});

Deno.test("verifyChain() refuses whom nobody with a say has signed", PURE, () => {
  const forged = (signer: Uint8Array<ArrayBuffer>, changes: JsonObject) =>
    readCertificate(signedWith(signer, { ...certificateJson(), ...changes }));
  const malloryAsAdmin = forged(new Uint8Array(32), { node_id: MALLORY.id, role: "admin" });
  const byMallory = certificate({ node_id: CAROL.id, issuer: MALLORY.id });
  const bobAsMember = certificate({ node_id: BOB.id });
  const byBob = certificate({ issuer: BOB.id });
  const cases: readonly (readonly [string, Chain])[] = [
    ["signed by itself", [certificate({ issuer: CAROL.id })]],
    ["signed by itself, shown twice", [
      certificate({ issuer: CAROL.id }),
      certificate({ issuer: CAROL.id, role: "admin" }),
    ]],
    ["signed by a stranger", [byMallory]],
    ["signed by a stranger who calls itself an admin", [byMallory, malloryAsAdmin]],
    ["signed by a member", [byBob, bobAsMember]],
    ["its admin is not shown", [byBob]],
    ["another admin is shown", [
      byBob,
      certificate({ node_id: ALICE.id, role: "admin" }),
    ]],
    ["an admin signed an admin", [
      certificate({ issuer: BOB.id, role: "admin" }),
      ADMIN_CHAIN[0],
    ]],
    ["its admin was made by an admin", [
      byMallory,
      certificate({ node_id: MALLORY.id, role: "admin", issuer: BOB.id }),
    ]],
    ["its admin is of another network", [
      byBob,
      certificate({ node_id: BOB.id, role: "admin", network: OTHER_NETWORK_ID }),
    ]],
    ["its admin is the other network's", [
      byBob,
      certificate({
        node_id: BOB.id,
        role: "admin",
        network: OTHER_NETWORK_ID,
        issuer: OTHER_NETWORK_ID,
      }),
    ]],
  ];
  for (const [label, chain] of cases) assertEquals(code(chain), "bad_certificate", label);
});

Deno.test("verifyChain() tells a foreign network from a forgery", PURE, () => {
  const foreign = certificate({ network: OTHER_NETWORK_ID, issuer: OTHER_NETWORK_ID });
  assertEquals(code([foreign]), "foreign_network");
});

Deno.test("verifyChain() lets nothing unchecked come along with a good certificate", PURE, () => {
  // Whoever keeps the chain would keep an admin that nobody made.
  const forged = readCertificate(
    signedWith(new Uint8Array(32), {
      ...certificateJson(),
      node_id: MALLORY.id,
      role: "admin",
    }),
  );
  assertEquals(code([MEMBER_CHAIN[0], forged]), "bad_certificate");
  assertEquals(code([MEMBER_CHAIN[0], ADMIN_CHAIN[0]]), "bad_certificate");
});

Deno.test("verifyChain() holds to the last millisecond of leaf and issuer", PURE, () => {
  const endMs = WALL_MS + 10 * DAY_MS;
  const shortAdmin = certificate({ node_id: BOB.id, role: "admin", not_after: endMs });
  for (
    const chain of [
      [certificate({ not_after: endMs })],
      [certificate({ issuer: BOB.id, not_after: endMs }), ADMIN_CHAIN[0]],
      [certificate({ issuer: BOB.id }), shortAdmin],
    ] as const
  ) {
    check(chain, endMs);
    assertEquals(code(chain, endMs + 1), "certificate_expired");
  }
});

Deno.test("verifyChain() says until when an expired certificate was good", PURE, () => {
  const chain: Chain = [certificate({ not_after: Date.UTC(2026, 1, 3, 12) })];
  const { message } = assertThrows(() => check(chain, Date.UTC(2027, 0, 1)), TrustError);
  assertEquals(
    message,
    "Cannot accept certificate: it was valid until 2026-02-03; ask an admin for a new invitation",
  );
});

Deno.test("verifyChain() works on a board whose clock stands before the issue", PURE, () => {
  check(MEMBER_BY_ADMIN, 0);
  check([certificate({ issued: WALL_MS + 90 * DAY_MS })], WALL_MS);
});

Deno.test("verifyChain() refuses a certificate that was issued after its own end", PURE, () => {
  const issued = WALL_MS + LIFETIME_MS;
  check([certificate({ issued })]);
  assertEquals(code([certificate({ issued: issued + 1 })]), "bad_certificate");
  // Nor may an admin date ahead of its own end what it signs.
  const ahead = certificate({ issuer: BOB.id, issued: issued + 1, not_after: 1e14 });
  assertEquals(code([ahead, ADMIN_CHAIN[0]]), "bad_certificate");
});

Deno.test("isTrustCode() knows the codes that cross the wire and no others", PURE, () => {
  for (
    const known of [
      ...["not_a_member", "foreign_network", "bad_certificate"],
      ...["certificate_expired", "revoked", "not_authorized", "identity_in_use"],
    ]
  ) assert(isTrustCode(known));
  for (const other of ["unsupported_type", "", "REVOKED", 1, null, undefined, ["revoked"]]) {
    assert(!isTrustCode(other));
  }
});

function refusal(value: unknown): string {
  return assertThrows(() => readCertificate(value), TrustError).code;
}
