import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { hkdfSync } from "node:crypto";
import { type Bytes, encodeHex } from "../../src/base/bytes.ts";
import { FieldError, Fields, type JsonObject } from "../../src/base/guards.ts";
import {
  InvitationBook,
  InvitationError,
  invitationIdOf,
  invitationKeyOf,
  MAX_OPEN_INVITATIONS,
} from "../../src/trust/invitation.ts";
import { ALICE, BOB, WALL_MS } from "../testing/identities.ts";
import { HOSTILE_VALUES } from "../testing/mutate.ts";
import { DAY_MS } from "../testing/trust.ts";

const PURE = { permissions: "none" } as const;
const LIFE_MS = 900_000;
const END_MS = WALL_MS + LIFE_MS;
const SECRET: Bytes = new Uint8Array(16).fill(9);

function create(book: InvitationBook, wallMs = WALL_MS, role: "member" | "admin" = "member") {
  const { secret } = book.create({ role, wallMs, expiresAtMs: wallMs + LIFE_MS });
  return { secret, id: encodeHex(invitationIdOf(secret)) };
}

function use(wallMs = WALL_MS, by = BOB.id, wasRemoved = false) {
  return { by, wasRemoved, wallMs };
}

function code(action: () => unknown): string {
  return assertThrows(action, InvitationError).code;
}

function decode(value: unknown): InvitationBook {
  return InvitationBook.decode(Fields.of(value));
}

function entries(book: InvitationBook): readonly JsonObject[] {
  return book.encode()["invitations"] as readonly JsonObject[];
}

Deno.test("invitationIdOf() and invitationKeyOf() are two hashes of the secret", PURE, () => {
  const derived = (label: string, length: number) =>
    new Uint8Array(hkdfSync("sha256", SECRET, new Uint8Array(0), label, length));
  assertEquals<Uint8Array>(invitationIdOf(SECRET), derived("hamlet invitation id", 8));
  assertEquals<Uint8Array>(invitationKeyOf(SECRET), derived("hamlet invitation key", 32));
});

Deno.test("InvitationBook.create() gives a new secret of 128 bits and keeps a hash", PURE, () => {
  const book = new InvitationBook();
  const [one, other] = [create(book), create(book)];
  assertEquals(one.secret.length, 16);
  assertNotEquals(one.secret, other.secret);
  const text = JSON.stringify(book.encode());
  for (const { secret } of [one, other]) {
    assert(!text.includes(secret.toHex()));
    assert(!text.includes(secret.toBase64({ alphabet: "base64url", omitPadding: true })));
  }
  assertEquals<Uint8Array>(
    book.keyOf(invitationIdOf(one.secret), WALL_MS),
    invitationKeyOf(one.secret),
  );
});

Deno.test("InvitationBook.redeem() lets one device in, in the role it was made for", PURE, () => {
  for (const role of ["member", "admin"] as const) {
    const book = new InvitationBook();
    const { id, secret } = create(book, WALL_MS, role);
    assertEquals(book.open(WALL_MS), 1);
    assertEquals(book.redeem(id, secret, use()), role);
    assertEquals(book.open(WALL_MS), 0);
    assertEquals(code(() => book.redeem(id, secret, use(WALL_MS, ALICE.id))), "invitation_used");
  }
});

Deno.test("InvitationBook.redeem() answers the same device again until it expires", PURE, () => {
  const book = new InvitationBook();
  const { id, secret } = create(book);
  book.redeem(id, secret, use());
  assertEquals(book.redeem(id, secret, use(END_MS)), "member");
  assertEquals(book.keyOf(invitationIdOf(secret), END_MS).length, 32);
  assertEquals(code(() => book.redeem(id, secret, use(END_MS + 1))), "invitation_used");
  assertEquals(code(() => book.keyOf(invitationIdOf(secret), END_MS + 1)), "invitation_used");
});

Deno.test(
  "InvitationBook.redeem() lets nobody back in by the invitation it once came by",
  PURE,
  () => {
    const book = new InvitationBook();
    const { id, secret } = create(book);
    book.redeem(id, secret, use());
    assertEquals(
      code(() => book.redeem(id, secret, use(WALL_MS, BOB.id, true))),
      "invitation_used",
    );
    const again = create(book);
    assertEquals(book.redeem(again.id, again.secret, use(WALL_MS, BOB.id, true)), "member");
  },
);

Deno.test("InvitationBook.redeem() wants the secret itself", PURE, () => {
  const book = new InvitationBook();
  const { id } = create(book);
  const other = create(book);
  for (const wrong of [SECRET, new Uint8Array(0), other.secret, book.keyOf(idBytes(id), WALL_MS)]) {
    assertEquals(code(() => book.redeem(id, wrong, use())), "invitation_unknown");
  }
  assertEquals(book.open(WALL_MS), 2, "a wrong guess uses nothing up");
});

Deno.test("InvitationBook tells unknown, expired and used apart", PURE, () => {
  const book = new InvitationBook();
  const { id, secret } = create(book);
  assertEquals(code(() => book.keyOf(invitationIdOf(SECRET), WALL_MS)), "invitation_unknown");
  assertEquals(code(() => book.keyOf(new Uint8Array(0), WALL_MS)), "invitation_unknown");
  assertEquals(code(() => book.keyOf(new Uint8Array(4_000), WALL_MS)), "invitation_unknown");
  assertEquals(code(() => book.redeem("", secret, use())), "invitation_unknown");
  assertEquals(book.keyOf(idBytes(id), END_MS).length, 32);
  assertEquals(code(() => book.keyOf(idBytes(id), END_MS + 1)), "invitation_expired");
  assertEquals(code(() => book.redeem(id, secret, use(END_MS + 1))), "invitation_expired");
});

Deno.test("InvitationBook.create() keeps so many open ones and no more", PURE, () => {
  const book = new InvitationBook();
  const made = Array.from({ length: MAX_OPEN_INVITATIONS }, () => create(book));
  assertEquals(book.open(WALL_MS), 64);
  assertEquals(code(() => create(book)), "too_many_invitations");
  const [first] = made;
  assert(first);
  book.redeem(first.id, first.secret, use());
  create(book);
  assertEquals(code(() => create(book)), "too_many_invitations");
  create(book, END_MS + 1);
});

Deno.test("InvitationBook remembers what has ended for a week, and at most 256 of it", PURE, () => {
  const book = new InvitationBook();
  const first = create(book);
  const weekMs = END_MS + 7 * DAY_MS;
  create(book, weekMs);
  assertEquals(code(() => book.keyOf(idBytes(first.id), weekMs)), "invitation_expired");
  create(book, weekMs + 1);
  assertEquals(code(() => book.keyOf(idBytes(first.id), weekMs)), "invitation_unknown");

  const busy = new InvitationBook();
  const used = Array.from({ length: 400 }, () => {
    const made = create(busy);
    busy.redeem(made.id, made.secret, use());
    return made;
  });
  create(busy);
  assertEquals(entries(busy).length, 257);
  const of = (n: number) => () => busy.redeem(used.at(n)?.id ?? "", SECRET, use(END_MS + 1));
  assertEquals(code(of(400 - 256)), "invitation_used");
  assertEquals(code(of(400 - 257)), "invitation_unknown");
});

Deno.test("InvitationBook.decode() reads what encode() wrote, however full", PURE, () => {
  const book = new InvitationBook();
  for (let n = 0; n < 300; n++) {
    const made = create(book);
    book.redeem(made.id, made.secret, use());
  }
  for (let n = 0; n < MAX_OPEN_INVITATIONS; n++) create(book, WALL_MS, "admin");
  assertEquals(entries(book).length, 320);
  const read = decode(JSON.parse(JSON.stringify(book.encode())));
  assertEquals(read.encode(), book.encode());
  assertEquals(read.open(WALL_MS), 64);
});

Deno.test("InvitationBook.encode() spells the file", PURE, () => {
  const book = new InvitationBook();
  const { id, secret } = create(book);
  const hash = invitationKeyOf(secret).toBase64({ alphabet: "base64url", omitPadding: true });
  const entry = { id, hash, role: "member", expires: END_MS, used_by: null };
  assertEquals(entries(book), [entry]);
  book.redeem(id, secret, use());
  assertEquals(entries(book), [{ ...entry, used_by: BOB.id }]);
});

Deno.test("InvitationBook.decode() makes no used invitation new", PURE, () => {
  const book = new InvitationBook();
  const { id, secret } = create(book);
  book.redeem(id, secret, use());
  const [entry] = entries(book);
  const read = decode({ invitations: [entry] });
  assertEquals(code(() => read.redeem(id, secret, use(WALL_MS, ALICE.id))), "invitation_used");
  for (const damaged of ["bob", BOB.id.slice(1), BOB.id.toUpperCase()]) {
    assertThrows(() => decode({ invitations: [{ ...entry, used_by: damaged }] }), TypeError);
  }
});

Deno.test("InvitationBook.decode() refuses damage and too many", PURE, () => {
  const book = new InvitationBook();
  create(book);
  const [entry] = entries(book);
  assert(entry);
  for (const key of Object.keys(entry)) {
    for (const value of HOSTILE_VALUES) {
      if (key === "used_by" && value === null) continue;
      if (key === "id" && value === "x") continue;
      const error = assertThrows(() => decode({ invitations: [{ ...entry, [key]: value }] }));
      assert(error instanceof FieldError || error instanceof TypeError);
    }
  }
  decode({ invitations: Array(320).fill(entry) });
  assertThrows(() => decode({ invitations: Array(321).fill(entry) }), FieldError);
  for (const value of [{}, { invitations: null }, { invitations: [null] }]) {
    assertThrows(() => decode(value), FieldError);
  }
});

function idBytes(id: string): Bytes {
  return Uint8Array.fromHex(id);
}
