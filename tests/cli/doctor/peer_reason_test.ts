import { assertEquals } from "@std/assert";
import { judgePeer } from "../../../src/cli/doctor/peer_reason.ts";
import { REASONS } from "../../../src/cli/doctor/reasons.ts";
import type { DiagnosisView, ProbeView } from "../../../src/control/diagnosis.ts";

const PEER: DiagnosisView = {
  subject: "peer",
  matches: 1,
  node_id: "k5w2rq7a",
  short_id: "k5w2rq7a",
  name: "kitchen",
  old_node: false,
  own_standing: "member",
  standing: "member",
  state: "unknown",
  connected: false,
  session_wanted: true,
  rtt_ms: null,
  clock_offset_ms: null,
  paths: [],
  probes: [],
};
const PATH = { address: "10.0.0.9:9000", failures: 3, failed_by: "timeout", next_dial_in_s: 42 };
const SETTING = { isClockWrong: false, hasAgent: true };

function failedBy(...codes: readonly string[]): { readonly probes: readonly ProbeView[] } {
  return {
    probes: codes.map((code, index) => ({
      address: `10.0.0.${index + 1}:9000`,
      outcome: "failed",
      node_id: null,
      code,
      reason: null,
    })),
  };
}

function probed(outcome: "session" | "answered") {
  const probe = { address: "10.0.0.1:9000", node_id: "k5w2rq7a", code: null, reason: null };
  return { probes: [{ ...probe, outcome }] };
}

const TABLE: readonly (readonly [
  what: string,
  facts: Partial<DiagnosisView>,
  code: string,
  setting?: Partial<typeof SETTING>,
])[] = [
  ["is this device", { subject: "this_device", connected: false }, "this_device"],
  ["may be one of three", { subject: "ambiguous", matches: 3 }, "ambiguous_peer"],
  ["nobody knows", { subject: "unknown", matches: 0 }, "unknown_peer"],
  ["has a session", { connected: true, rtt_ms: 1.5, clock_offset_ms: 20 }, "connected"],
  ["has a session and does not answer", { connected: true }, "connected"],
  ["was connected by the dial", probed("session"), "connected"],
  ["would be connected by an agent", probed("session"), "no_agent", { hasAgent: false }],
  ["answers in JSON alone", probed("answered"), "old_node"],
  ["is listed as an old node", { old_node: true }, "old_node"],
  ["was revoked", { standing: "revoked" }, "revoked"],
  ["was revoked, and so were we", { standing: "revoked", own_standing: "revoked" }, "own_revoked"],
  ["outlived our certificate", { own_standing: "certificate_expired" }, "own_certificate_expired"],
  ["nobody has located", {}, "no_address"],
  ["is no member", { standing: "stranger" }, "not_a_member"],
  ["has an old certificate", { standing: "certificate_expired" }, "certificate_expired"],
  ["has its turn later", { paths: [PATH] }, "dialling_later"],
  ["needs no session", { state: "alive", session_wanted: false }, "not_needed"],
  ["sleeps", { state: "asleep", ...failedBy("timeout") }, "asleep"],
  ["has left", { state: "left", ...failedBy("refused") }, "left"],
  ["sleeps behind a web server", { state: "asleep", ...failedBy("foreign_http") }, "not_hamlet"],
  ["refuses", failedBy("refused"), "refused"],
  ["is not there", failedBy("timeout"), "timeout"],
  ["is nowhere", failedBy("unreachable"), "unreachable"],
  ["may not be dialled", failedBy("denied"), "denied"],
  ["says nothing", failedBy("handshake_timeout"), "silent"],
  ["is a web server", failedBy("foreign_http"), "not_hamlet"],
  ["is a secure shell", failedBy("foreign_ssh"), "not_hamlet"],
  ["is somebody else", failedBy("identity_mismatch"), "wrong_peer"],
  ["is ourselves elsewhere", failedBy("self_connection"), "this_device"],
  ["speaks another version", failedBy("version_mismatch"), "version_mismatch"],
  ["is busy", failedBy("rejected"), "busy"],
  ["hangs up", failedBy("ended_by_peer"), "hung_up"],
  ["lives in another time", failedBy("stale_timestamp"), "clock_differs"],
  ["is of another network", failedBy("foreign_network"), "foreign_network"],
  ["has a twin", failedBy("identity_in_use"), "identity_in_use"],
  ["says that we were revoked", failedBy("revoked"), "own_revoked"],
  ["is a stranger, revoked", { standing: "stranger", ...failedBy("revoked") }, "revoked"],
  ["fails in a way of its own", failedBy("nonce_exhausted"), "failed"],
  ["refuses at one address, is silent at another", failedBy("refused", "idle"), "silent"],
  ["tells more than the network", failedBy("foreign_network", "timeout"), "foreign_network"],
  ["tells more than a twin address", failedBy("timeout", "refused", "unreachable"), "refused"],
  ["expired by a wrong clock", failedBy("certificate_expired"), "clock_wrong", {
    isClockWrong: true,
  }],
  ["refuses whatever the clock", failedBy("refused"), "refused", { isClockWrong: true }],
];

for (const [what, facts, code, setting] of TABLE) {
  Deno.test(`judgePeer() says ${code} of a peer that ${what}`, () => {
    const reason = judgePeer({ ...PEER, ...facts }, { ...SETTING, ...setting });
    assertEquals(reason.code, code);
    // Whatever is wrong comes with something to do.
    assertEquals(reason.verdict === "broken" && reason.next === undefined, false);
  });
}

Deno.test("judgePeer() gives every reason that it knows, to somebody", () => {
  const untold = ["not_authorized", "bad_certificate", "not_resolved"];
  const told = new Set([...TABLE.map(([, , code]) => code), ...untold]);
  assertEquals(Object.keys(REASONS).filter((code) => !told.has(code)), []);
  for (const code of ["not_authorized", "bad_certificate"]) {
    assertEquals(judgePeer({ ...PEER, ...failedBy(code) }, SETTING).code, code);
  }
});

Deno.test("judgePeer() tells a name without an address from another failure", () => {
  const probe = { outcome: "failed", node_id: null, code: "failed", reason: "Cannot connect: no" };
  const codeAt = (address: string) =>
    judgePeer({ ...PEER, probes: [{ ...probe, outcome: "failed", address }] }, SETTING).code;
  assertEquals([codeAt("pi.invalid:9000"), codeAt("10.0.0.1:9000"), codeAt("[fd00::1]:9000")], [
    "not_resolved",
    "failed",
    "failed",
  ]);
});

Deno.test("judgePeer() says when the next dial is, and only where an agent dials", () => {
  const view = { ...PEER, paths: [{ ...PATH, next_dial_in_s: 90 }, PATH], ...failedBy("timeout") };
  const reason = judgePeer(view, SETTING);
  assertEquals([reason.next_dial_in_s, reason.text.endsWith("dialled again in 42 s")], [42, true]);
  assertEquals(
    judgePeer({ ...PEER, connected: true, paths: [PATH] }, SETTING).next_dial_in_s,
    null,
  );
  const alone = judgePeer(view, { ...SETTING, hasAgent: false });
  assertEquals(alone.text.includes("dialled again"), false);
});
