/** What people see of the network: invitations, members, who joined and who was removed. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { renderInvitation } from "../../src/cli/commands/invite.ts";
import { renderJoined } from "../../src/cli/commands/join.ts";
import { changedMembers, renderMembers } from "../../src/cli/commands/members.ts";
import { renderRevoked } from "../../src/cli/commands/revoke.ts";
import type {
  InviteView,
  JoinView,
  MembersView,
  MemberView,
  RevokeView,
} from "../../src/control/network_views.ts";

const PURE = { permissions: "none" } as const;
const DAY_MS = 86_400_000;
const NOW_MS = 1_800_000_000_000;

const INVITATION: InviteView = {
  token: "AHK5W2RQ".repeat(12),
  role: "member",
  expires_unix_ms: NOW_MS + 900_000,
  network: "anna's village",
};

const JOINED: JoinView = {
  network: { id: "n".padEnd(52, "a"), name: "anna's village" },
  role: "member",
  node_id: idOf("k5w2rq7a"),
  members: 3,
};

function idOf(beginning: string): string {
  return beginning.padEnd(52, "a");
}

function member(beginning: string, name: string, rest: Partial<MemberView> = {}): MemberView {
  return {
    node_id: idOf(beginning),
    short_id: beginning,
    name,
    role: "member",
    this_device: false,
    state: "alive",
    state_since_s: null,
    incarnation: 0,
    connected: false,
    last_seen_s: null,
    addresses: [],
    issued_unix_ms: NOW_MS,
    expires_unix_ms: NOW_MS + 180 * DAY_MS,
    invited_by: null,
    ...rest,
  };
}

function village(
  members: readonly MemberView[],
  revoked: MembersView["revoked"] = [],
): MembersView {
  return {
    network: {
      id: "n".padEnd(52, "a"),
      name: "anna's village",
      role: "admin",
      founder: true,
      open: false,
      members: members.length,
      certificate_expires_unix_ms: NOW_MS + 180 * DAY_MS,
      revoked: false,
    },
    members,
    revoked,
  };
}

/** What stands before the QR code. */
function textOf(view: InviteView, expiresS: number): string {
  const text = renderInvitation(view, expiresS, { hasColours: false });
  return text.slice(0, text.search(/^[█▀▄ ]+$/m));
}

Deno.test("renderInvitation() shows the code, the command and what it does", PURE, () => {
  const text = renderInvitation(INVITATION, 900, { hasColours: false });
  assert(/\n\n(?:[█▀▄ ]+\n){19}$/.test(text), "a blank line and a code");
  assertEquals(
    textOf(INVITATION, 900),
    `On the other device, within 15 min:

  hamlet join ${INVITATION.token}

It lets one device into anna's village, once.
Keep this agent running until then.

`,
  );
});

Deno.test("renderInvitation() says when it makes an admin, and how long there is", PURE, () => {
  const text = textOf({ ...INVITATION, role: "admin" }, 5_400);
  assertStringIncludes(text, "within 1 h 30 min:");
  assertStringIncludes(text, "It lets one device, as an admin, into anna's village, once.");
});

Deno.test("renderJoined() says whom one is with, and what comes next", PURE, () => {
  const cases: readonly (readonly [Partial<JoinView>, boolean, string])[] = [
    [
      {},
      false,
      "Joined anna's village as a member; 2 other devices are known.\n" +
      "Now start the agent: hamlet up\n",
    ],
    [
      { role: "admin", members: 2 },
      true,
      "Joined anna's village as an admin; 1 other device is known.\n" +
      "The running agent has moved there; see: hamlet members\n",
    ],
  ];
  for (const [change, isRunning, text] of cases) {
    assertEquals(renderJoined({ ...JOINED, ...change }, isRunning), text);
  }
});

Deno.test("renderMembers() is a table and a line that counts", PURE, () => {
  const view = village([
    member("k5w2rq7a", "desk", {
      role: "admin",
      this_device: true,
      connected: true,
      state_since_s: 3_600,
      last_seen_s: 0,
      addresses: ["192.168.1.5:9000", "[2001:db8::1]:9000"],
    }),
    member("p3ab7c2d", "laptop", {
      role: "admin",
      connected: true,
      state: "suspect",
      state_since_s: 1.6,
      incarnation: 12,
      last_seen_s: 2,
      addresses: ["192.168.1.20:9000"],
      expires_unix_ms: NOW_MS + 90_000,
    }),
    member("q2wert34", "phone", {
      last_seen_s: 3_700,
      addresses: ["192.168.1.30:9000"],
      invited_by: idOf("p3ab7c2d"),
    }),
    member("z7abcdef", "old pi", {
      state: "unknown",
      incarnation: null,
      invited_by: idOf("gone2345"),
      expires_unix_ms: NOW_MS,
    }),
  ], [{ node_id: idOf("gone2345"), short_id: "gone2345", revoked_unix_ms: NOW_MS }]);
  assertEquals(
    renderMembers(view, NOW_MS),
    `NODE      NAME    ROLE    STATE    SINCE  SESSION      INC  ADDRESS            CERTIFICATE  INVITED BY
k5w2rq7a  desk    admin   alive      60m  this device    0  192.168.1.5:9000    180 d 00 h  founder
p3ab7c2d  laptop  admin   suspect     2s  open          12  192.168.1.20:9000   1 min 30 s  founder
q2wert34  phone   member  alive        -  62m ago        0  192.168.1.30:9000   180 d 00 h  laptop
z7abcdef  old pi  member  unknown      -  -              -  -                          0 s  gone2345

anna's village: 4 members (2 alive, 1 suspect, 1 unknown), 1 session, 1 removed
`,
  );
  const narrow = renderMembers(view, NOW_MS, 80).split("\n");
  assertEquals(narrow[0], "NODE      NAME    ROLE    STATE    SINCE  SESSION      INC  ADDRESS");
  assertEquals(narrow[5], "(no room for CERTIFICATE, INVITED BY; see: --json)");
  for (const line of narrow) assert(line.length <= 80, line);
});

Deno.test("renderMembers() leaves certificates out where nobody else has one", PURE, () => {
  const { network, ...rest } = village([
    member("k5w2rq7a", "desk", { role: "admin", this_device: true, connected: true }),
    {
      ...member("p3ab7c2d", "", { connected: true, state: "asleep", incarnation: 3 }),
      name: null,
      role: null,
      issued_unix_ms: null,
      expires_unix_ms: null,
    },
  ]);
  assertEquals(
    renderMembers({ network: { ...network, open: true }, ...rest }, NOW_MS),
    `NODE      NAME  STATE   SINCE  SESSION      INC  ADDRESS
k5w2rq7a  desk  alive       -  this device    0  -
p3ab7c2d  -     asleep      -  open           3  -

open village: 2 members (1 alive, 1 asleep), 1 session
`,
  );
});

Deno.test("changedMembers() tells who is not as before, time passing apart", PURE, () => {
  const desk = member("k5w2rq7a", "desk", { state_since_s: 1, last_seen_s: 0 });
  const phone = member("q2wert34", "phone", { connected: true });
  assertEquals(changedMembers([], [desk, phone]), [desk, phone]);
  const older = { ...desk, state_since_s: 9, last_seen_s: 8 };
  assertEquals(changedMembers([desk, phone], [older, phone]), []);
  const asleep = { ...desk, state: "asleep" } as const;
  const restarted = { ...phone, incarnation: 1 };
  assertEquals(changedMembers([desk, phone], [restarted, asleep]), [restarted, asleep]);
  assertEquals(changedMembers([desk, phone], [desk]), [{
    ...phone,
    state: "unknown",
    incarnation: null,
    connected: false,
  }]);
});

Deno.test("renderMembers() tells who is alone what to do", PURE, () => {
  const view = village([member("k5w2rq7a", "desk", { this_device: true, connected: true })]);
  const text = renderMembers(view, NOW_MS);
  assertStringIncludes(text, "\nanna's village: 1 member (1 alive), 0 sessions\n");
  assertStringIncludes(text, "\nTo let another device in: hamlet invite\n");
});

Deno.test("renderRevoked() names who went and who stays", PURE, () => {
  const gone: RevokeView = {
    node_id: idOf("k5w2rq7a"),
    short_id: "k5w2rq7a",
    name: "phone",
    kept: [],
  };
  const later = "Members that are offline learn of it when they come back.\n";
  assertEquals(renderRevoked(gone), `Removed phone (k5w2rq7a). ${later}`);
  assertEquals(renderRevoked({ ...gone, name: null }), `Removed k5w2rq7a. ${later}`);
  const kept = ["p3ab7c2d", "q2wert34"].map((id, i) => ({
    node_id: idOf(id),
    short_id: id,
    name: `pi ${i}`,
  }));
  assertEquals(
    renderRevoked({ ...gone, kept }),
    `Removed phone (k5w2rq7a). ${later}` +
      "It had let these in, who stay: pi 0 (p3ab7c2d), pi 1 (q2wert34). " +
      "Remove those you do not know.\n",
  );
});
