/**
 * What belonging costs a dial: both sides of a whole conversation until it is sealed, without a network as the
 * baseline, and with certificates from the founder and from an admin.
 */

import { type Clock, systemClock } from "../src/base/clock.ts";
import type { Bytes } from "../src/base/bytes.ts";
import { DEFAULT_CAPABILITIES } from "../src/discovery/capabilities.ts";
import { Conversation } from "../src/node/conversation.ts";
import type { ConversationEvents } from "../src/node/conversation_events.ts";
import { type Identity, identityFromSeed } from "../src/node/identity.ts";
import { LocalNode } from "../src/node/local_node.ts";
import { chooseBackend } from "../src/noise/backend.ts";
import { KEY_BYTES, randomBytes } from "../src/noise/primitives.ts";
import type { Chain } from "../src/trust/certificate.ts";
import { foundNetwork } from "../src/trust/founding.ts";
import { Membership } from "../src/trust/membership.ts";
import type { StoredNetwork } from "../src/trust/network_file.ts";
import { Roster } from "../src/trust/roster.ts";

const { primitives } = chooseBackend();
const clock: Clock = systemClock;

function newIdentity(): Identity {
  return identityFromSeed(randomBytes(KEY_BYTES), primitives);
}

function membershipOf(identity: Identity, stored: StoredNetwork, chain: Chain): Membership {
  const { network, authoritySeed } = stored;
  return new Membership({
    network,
    chain,
    id: identity.id,
    roster: new Roster({ network: network.id, verify: primitives.verify }),
    signer: identity.signing,
    authority: chain === stored.chain && authoritySeed
      ? primitives.importSigningKeyPair(authoritySeed)
      : undefined,
    isOpen: false,
    wallMs: () => clock.wallMs(),
  });
}

function nodeOf(identity: Identity, membership?: Membership): LocalNode {
  return new LocalNode({
    identity,
    primitives,
    clock,
    membership,
    legacy: "lan",
    describe: () => ({
      id: identity.id,
      listenPort: 9000,
      capabilities: DEFAULT_CAPABILITIES,
      status: "active",
    }),
    addresses: () => [{ host: "192.168.1.5", port: 9000 }],
  });
}

/** Shakes hands once; the kinds of standing that each side gives the other. */
function meet(dialler: LocalNode, listener: LocalNode): readonly string[] {
  const standings: string[] = [];
  const events: ConversationEvents = {
    onDiscovered() {},
    onSealed: ({ standing }) => void standings.push(standing.kind),
    onMessage() {},
    onIncoming() {},
    onOutput() {},
    onRefused() {},
    onClosed() {},
  };
  const common = { remoteHost: "127.0.0.1", nowMs: 0, events };
  const ours = new Conversation({ ...common, local: dialler, approach: "seal" });
  const theirs = new Conversation({ ...common, local: listener });
  pass(ours, theirs);
  pass(theirs, ours);
  pass(ours, theirs);
  ours.close("shutdown");
  theirs.close("shutdown");
  return standings;
}

function pass(from: Conversation, to: Conversation): void {
  from.prepare(0);
  let rest: Bytes = from.outlet.take();
  while (rest.length > 0) {
    const space = to.space();
    const count = Math.min(space.length, rest.length);
    space.set(rest.subarray(0, count));
    to.receive(count, 0);
    rest = rest.subarray(count);
  }
}

const [founder, admin, member] = [newIdentity(), newIdentity(), newIdentity()];
const wallMs = clock.wallMs();
const stored = foundNetwork({
  name: "bench",
  founder: { id: founder.id, name: "founder" },
  primitives,
  wallMs,
});
const founders = membershipOf(founder, stored, stored.chain);
const adminChain = founders.certify({ id: admin.id, name: "admin", role: "admin" });
const byFounder = founders.certify({ id: member.id, name: "member", role: "member" });
const admins = membershipOf(admin, stored, adminChain);
const byAdmin = admins.certify({ id: member.id, name: "member", role: "member" });

const cases = [
  ["no network", nodeOf(member), "open"],
  ["certified by the founder", nodeOf(member, membershipOf(member, stored, byFounder)), "member"],
  ["certified by an admin", nodeOf(member, membershipOf(member, stored, byAdmin)), "member"],
] as const;
for (const [name, dialler, kind] of cases) {
  const listener = kind === "open" ? nodeOf(admin) : nodeOf(admin, admins);
  const standings = meet(dialler, listener);
  if (standings.length !== 2 || standings.some((each) => each !== kind)) {
    throw new Error(`Cannot time "${name}": they met as ${standings.join(", ") || "nobody"}`);
  }
  Deno.bench({
    name,
    group: "a dial, both sides, until it is sealed",
    baseline: kind === "open",
    fn: () => void meet(dialler, listener),
  });
}
