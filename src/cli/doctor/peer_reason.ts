/**
 * Why a peer is or is not connected, as one code. Pure: the facts are `control/diagnosis.ts`'s.
 *
 * | code                      | what it means                                                        |
 * |---------------------------|----------------------------------------------------------------------|
 * | `connected`               | there is a session, or the dial just now has opened one              |
 * | `this_device`             | it is this device itself                                             |
 * | `not_needed`              | alive; in a large village not everybody has a session with everybody |
 * | `old_node`                | it speaks JSON discovery only, and has no sessions                   |
 * | `asleep`, `left`          | it said so itself                                                    |
 * | `unknown_peer`            | nobody of that name or id was ever heard of                          |
 * | `ambiguous_peer`          | several match                                                        |
 * | `no_address`              | known, but nobody has said where it is                               |
 * | `refused`                 | the machine is there, and nothing listens at that port               |
 * | `timeout`                 | nothing comes back: off, asleep, or behind a firewall                |
 * | `silent`                  | something listens, and does not answer                               |
 * | `unreachable`             | there is no way to that address from here                            |
 * | `not_resolved`            | the host name has no address                                         |
 * | `denied`                  | this machine does not let us dial                                    |
 * | `not_hamlet`              | something else answers at that address                               |
 * | `wrong_peer`              | another hamlet device answers there                                  |
 * | `hung_up`                 | it ended the connection without a word                               |
 * | `busy`                    | it takes nobody more just now                                        |
 * | `version_mismatch`        | no version of the protocol in common                                 |
 * | `foreign_network`, `not_a_member`, `revoked`, `certificate_expired`, `bad_certificate`, `not_authorized`, |
 * | `identity_in_use`         | the trust codes of PROTOCOL.md section 8, about the peer or by it    |
 * | `own_revoked`, `own_certificate_expired` | this device does not belong any more                  |
 * | `clock_wrong`             | this device's clock is, so that certificates cannot be judged        |
 * | `clock_differs`           | the two clocks are more than five minutes apart                      |
 * | `dialling_later`          | it could be dialled and is not now; `next_dial_in_s` says when       |
 * | `no_agent`                | nothing stands in the way, but no agent runs here                    |
 * | `failed`                  | for another reason, told in words                                    |
 */

import type { DiagnosisView, ProbeView } from "../../control/diagnosis.ts";
import { parseAddress } from "../../net/address.ts";
import { isTrustCode, type TrustCode } from "../../trust/certificate.ts";
import { isIP } from "node:net";
import { formatDuration } from "../quantities.ts";
import type { Verdict } from "./finding.ts";
import { type ReasonCode, REASONS } from "./reasons.ts";

export interface PeerReason {
  readonly code: ReasonCode;
  readonly verdict: Verdict;
  readonly text: string;
  readonly next: string | undefined;
  /** Until the agent dials it again; `null` where it will not by itself. */
  readonly next_dial_in_s: number | null;
}

/** What else bears on it. */
export interface PeerSetting {
  /** Whether this device's clock cannot be right. */
  readonly isClockWrong: boolean;
  /** Whether an agent runs here; without one the doctor has dialled itself. */
  readonly hasAgent: boolean;
}

/** Codes of a failed dial by what they say about it; `NetError`, `FrameError`, `NoiseError`, `CloseCode`. */
const REASON_OF_DIAL: ReadonlyMap<string, ReasonCode> = new Map<string, ReasonCode>([
  ["refused", "refused"],
  ["timeout", "timeout"],
  ["unreachable", "unreachable"],
  ["denied", "denied"],
  ["idle", "silent"],
  ["first_bytes_timeout", "silent"],
  ["frame_timeout", "silent"],
  ["handshake_timeout", "silent"],
  ["foreign_http", "not_hamlet"],
  ["foreign_ssh", "not_hamlet"],
  ["foreign_tls", "not_hamlet"],
  ["length_out_of_bounds", "not_hamlet"],
  ["reserved", "not_hamlet"],
  ["malformed_json", "not_hamlet"],
  ["malformed_frame", "not_hamlet"],
  ["too_many_malformed", "not_hamlet"],
  ["bad_message", "not_hamlet"],
  ["bad_payload", "not_hamlet"],
  ["bad_signature", "not_hamlet"],
  ["bad_tag", "not_hamlet"],
  ["version_mismatch", "version_mismatch"],
  ["unsupported_pattern", "version_mismatch"],
  ["identity_mismatch", "wrong_peer"],
  ["self_connection", "this_device"],
  ["stale_timestamp", "clock_differs"],
  ["rejected", "busy"],
  ["rate_limited", "busy"],
  ["closed", "hung_up"],
  ["ended_by_peer", "hung_up"],
  ["duplicate", "dialling_later"],
  ["too_many_connections", "dialling_later"],
  ["shutdown", "dialling_later"],
  ["evicted", "dialling_later"],
]);
/** Of several addresses the most telling counts: what somebody said before what the network did. */
const WEIGHT: readonly ReasonCode[] = [
  ...["failed", "not_resolved", "denied", "unreachable", "timeout", "refused"] as const,
  ...["hung_up", "silent", "not_hamlet", "wrong_peer", "this_device", "dialling_later"] as const,
  ...["busy", "clock_differs", "version_mismatch"] as const,
];
/** What a wrong clock alone brings about. */
const BY_CLOCK: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  "certificate_expired",
  "own_certificate_expired",
  "bad_certificate",
  "clock_differs",
]);
/** What a peer may say of us. */
const OWN_REASON: Readonly<Partial<Record<TrustCode, ReasonCode>>> = Object.freeze({
  revoked: "own_revoked",
  certificate_expired: "own_certificate_expired",
});
const BY_ABSENCE: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  ...["refused", "timeout", "unreachable", "no_address", "not_resolved"] as const,
]);

/** The one reason why the peer that `view` is about is or is not connected. */
export function judgePeer(view: DiagnosisView, setting: PeerSetting): PeerReason {
  const { code, detail } = reasonOf(view, setting);
  const { verdict, text, next } = REASONS[code];
  const dueInS = view.connected || code === "connected" ? undefined : nextDialOf(view);
  const when = dueInS === undefined || !setting.hasAgent
    ? ""
    : `; dialled again in ${formatDuration(dueInS)}`;
  return {
    code,
    verdict,
    text: text + (detail ? ` (${detail})` : "") + when,
    next,
    next_dial_in_s: dueInS ?? null,
  };
}

interface Reason {
  readonly code: ReasonCode;
  readonly detail?: string;
}

function reasonOf(view: DiagnosisView, setting: PeerSetting): Reason {
  const reason = reasonByClockOf(view, setting);
  return setting.isClockWrong && BY_CLOCK.has(reason.code)
    ? { code: "clock_wrong", detail: reason.code }
    : reason;
}

function reasonByClockOf(view: DiagnosisView, { hasAgent }: PeerSetting): Reason {
  if (view.subject === "this_device") return { code: "this_device" };
  if (view.subject === "ambiguous") {
    return { code: "ambiguous_peer", detail: `${view.matches} match` };
  }
  if (view.subject === "unknown") return { code: "unknown_peer" };
  const opened = view.probes.find(({ outcome }) => outcome === "session");
  if (opened && !hasAgent) return { code: "no_agent", detail: `it answers at ${opened.address}` };
  if (view.connected || opened) return { code: "connected", detail: connectionOf(view, opened) };
  if (view.own_standing === "revoked") return { code: "own_revoked" };
  if (view.own_standing === "certificate_expired") return { code: "own_certificate_expired" };
  if (view.old_node || view.probes.some(({ outcome }) => outcome === "answered")) {
    return { code: "old_node" };
  }
  if (view.standing === "revoked") return { code: "revoked" };
  return reasonOfAbsence(view);
}

/** Of a peer that may be connected and is not. */
function reasonOfAbsence(view: DiagnosisView): Reason {
  const failure = weightiest(view.probes.map((probe) => reasonOfProbe(probe, view)));
  const hasGone = !failure || BY_ABSENCE.has(failure.code);
  if (hasGone && view.state === "asleep") return { code: "asleep" };
  if (hasGone && view.state === "left") return { code: "left" };
  if (failure) return failure;
  if (view.state === "alive" && !view.session_wanted) return { code: "not_needed" };
  if (view.standing === "certificate_expired") return { code: "certificate_expired" };
  if (view.standing === "stranger") return { code: "not_a_member" };
  return view.paths.length > 0 ? { code: "dialling_later" } : { code: "no_address" };
}

function reasonOfProbe({ address, code, reason }: ProbeView, { standing }: DiagnosisView): Reason {
  if (isTrustCode(code)) {
    // Of a member as we know it this cannot be our word: it is what the peer says of us.
    const own = standing === "member" ? OWN_REASON[code] : undefined;
    return own ? { code: own, detail: `says the peer at ${address}` } : { code, detail: address };
  }
  const known = REASON_OF_DIAL.get(code ?? "");
  if (known) return { code: known, detail: address };
  const host = parseAddress(address)?.host ?? "";
  if (code === "failed" && isIP(host) === 0) return { code: "not_resolved", detail: host };
  return { code: "failed", detail: `${address}: ${reason ?? code}` };
}

function weightiest(reasons: readonly Reason[]): Reason | undefined {
  const weightOf = ({ code }: Reason) =>
    WEIGHT.includes(code) ? WEIGHT.indexOf(code) : WEIGHT.length;
  return reasons.toSorted((a, b) => weightOf(b) - weightOf(a))[0];
}

function connectionOf(view: DiagnosisView, opened: ProbeView | undefined): string {
  if (opened) return `by dialling ${opened.address} just now`;
  const offset = view.clock_offset_ms;
  return [
    ...(view.rtt_ms === null ? ["it does not answer a ping"] : [`${view.rtt_ms.toFixed(1)} ms`]),
    ...(offset === null ? [] : [`its clock ${(offset / 1000).toFixed(1)} s beside ours`]),
  ].join(", ");
}

function nextDialOf({ paths }: DiagnosisView): number | undefined {
  return paths.length > 0 ? Math.min(...paths.map((path) => path.next_dial_in_s)) : undefined;
}
