/**
 * The reasons that `hamlet doctor PEER` gives, in words, and what to do about each.
 */

import type { TrustCode } from "../../trust/certificate.ts";
import type { Verdict } from "./finding.ts";

/** Why a peer is or is not connected. Stable: programs branch on it. */
export type ReasonCode =
  | "connected"
  | "this_device"
  | "not_needed"
  | "old_node"
  | "asleep"
  | "left"
  | "unknown_peer"
  | "ambiguous_peer"
  | "no_address"
  | "refused"
  | "timeout"
  | "silent"
  | "unreachable"
  | "not_resolved"
  | "denied"
  | "not_hamlet"
  | "wrong_peer"
  | "hung_up"
  | "busy"
  | "version_mismatch"
  | TrustCode
  | "own_revoked"
  | "own_certificate_expired"
  | "clock_wrong"
  | "clock_differs"
  | "dialling_later"
  | "no_agent"
  | "failed";

export interface ReasonText {
  readonly verdict: Verdict;
  readonly text: string;
  readonly next: string | undefined;
}

const INVITE = "on a member run: hamlet invite; then here: hamlet leave, hamlet join TOKEN";
const INVITE_IT = "to let it in, run: hamlet invite; then on it: hamlet join TOKEN";

export const REASONS: Readonly<Record<ReasonCode, ReasonText>> = Object.freeze({
  connected: ok("connected"),
  this_device: ok("it is this device itself"),
  not_needed: ok("alive; a large village keeps no session with everybody, and dials when needed"),
  old_node: ok("an old node: it speaks JSON discovery, and has no sessions"),
  asleep: ok("asleep, as it said itself", "wake it up"),
  left: ok("it left in good order: its agent was stopped", "on it run: hamlet up"),
  unknown_peer: broken(
    "nobody of that name or id was ever heard of here",
    "see who is known: hamlet members, hamlet peers; or name an address: HOST:PORT",
  ),
  ambiguous_peer: broken("that may be several", "give more of its id"),
  no_address: broken(
    "known, but nobody has said where it is",
    "start its agent on this network, or here: hamlet up --peer HOST:PORT",
  ),
  refused: broken(
    "its machine is there, but nothing listens at that port",
    "on it: hamlet status shows the port; if its agent does not run: hamlet up",
  ),
  timeout: broken(
    "nothing comes back: it is off, asleep, or a firewall drops what we send",
    "is it on, and on this network? let its firewall pass the TCP port of hamlet",
  ),
  silent: broken(
    "something listens there and does not answer",
    "look at the log of the agent on it; restart it if it hangs",
  ),
  unreachable: broken(
    "there is no way to that address from here",
    "bring both devices onto one network; on this one see: ip route",
  ),
  not_resolved: broken("that host name has no address", "try its IP address instead"),
  denied: broken(
    "this machine does not let us dial",
    "look at its own firewall, and at the limits of the service",
  ),
  not_hamlet: broken(
    "something else than hamlet answers there",
    "on it: hamlet status shows the port",
  ),
  wrong_peer: broken(
    "another hamlet device answers at its address",
    "its address has changed: on it, hamlet status shows the present one",
  ),
  hung_up: broken(
    "it ended the connection without a word",
    "look at the log of the agent on it",
  ),
  busy: warn("it takes nobody more just now", "try again in a minute"),
  version_mismatch: broken(
    "no version of the protocol in common",
    "update the older of the two; see: hamlet version",
  ),
  not_a_member: broken("it is no member of this network", INVITE_IT),
  foreign_network: broken("it belongs to another network", INVITE_IT),
  bad_certificate: broken(
    "its certificate does not hold",
    "on it: hamlet leave; then invite it anew",
  ),
  certificate_expired: broken(
    "its certificate has expired",
    "invite it anew: hamlet invite; on it: hamlet leave, hamlet join TOKEN",
  ),
  revoked: broken("it was removed from this network", INVITE_IT),
  not_authorized: broken("it may not do that in this network", "see who may: hamlet members"),
  identity_in_use: broken(
    "two devices have the same identity",
    "on the copy, move identity.json away and join anew",
  ),
  own_revoked: broken("this device was removed from its network", INVITE),
  own_certificate_expired: broken("this device's certificate has expired", INVITE),
  clock_wrong: broken(
    "this device's clock is wrong, so that certificates cannot be judged",
    "set the clock; see the line about it",
  ),
  clock_differs: broken(
    "the two clocks are more than five minutes apart",
    "have both set by the network; on Linux: timedatectl set-ntp true",
  ),
  dialling_later: warn("nothing stands in the way; it is dialled when its turn comes", undefined),
  no_agent: broken("nothing stands in the way, but no agent runs here", "start it: hamlet up"),
  failed: broken("the dial failed", "look at the reason above"),
});

function ok(text: string, next?: string): ReasonText {
  return { verdict: "ok", text, next };
}

function warn(text: string, next: string | undefined): ReasonText {
  return { verdict: "warn", text, next };
}

function broken(text: string, next: string): ReasonText {
  return { verdict: "broken", text, next };
}
