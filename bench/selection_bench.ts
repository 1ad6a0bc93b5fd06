/**
 * Peer selection: every candidate in order with every refusal explained, against the bare sort of
 * priorities that somebody else has computed.
 */

import { peerIdOf } from "../src/base/peer_id.ts";
import { randomBelow, seededRandom } from "../src/base/random.ts";
import { DEFAULT_CAPABILITIES } from "../src/discovery/capabilities.ts";
import { mergeAuthenticated, type Peer } from "../src/mesh/peer.ts";
import { type Candidate, evolutionPriority, selectForEvolution } from "../src/mesh/selection.ts";

const COUNTS = [10, 1_000, 100_000];
const SEED = 20_260;

/** A village in which about one peer in four is left out for one reason or another. */
function villageOf(count: number): readonly Peer[] {
  const random = seededRandom(SEED);
  return Array.from({ length: count }, (_, index) => {
    const capabilities = {
      ...DEFAULT_CAPABILITIES,
      cpuCores: 1 + randomBelow(random, 16),
      ramMb: 1_024 * (1 + randomBelow(random, 32)),
      batteryPercent: random.next() < 0.5 ? null : randomBelow(random, 101),
      evolutionCapacity: random.next(),
      evolutionLoad: random.next() * 0.9,
    };
    const id = peerIdOf(Uint8Array.from({ length: 32 }, (_, i) => index >>> (i % 4 * 8)));
    const news = { id, capabilities, isConnected: random.next() < 0.95 };
    const peer = mergeAuthenticated(undefined, news, capabilities, 0);
    if (!peer) throw new Error("Cannot build the village: news of a stranger was not believed");
    return peer;
  });
}

/** Throws unless the selection is complete and in order. */
function check(peers: readonly Peer[]): void {
  const { candidates, leftOut } = selectForEvolution(peers);
  const isOrdered = candidates.every(({ priority }, i) =>
    i === 0 || (candidates[i - 1]?.priority ?? 0) >= priority
  );
  if (
    !isOrdered || candidates.length === 0 || candidates.length + leftOut.length !== peers.length
  ) {
    throw new Error(`Cannot time the selection of ${peers.length} peers: it is wrong`);
  }
}

for (const count of COUNTS) {
  const peers = villageOf(count);
  check(peers);
  const ranked: readonly Candidate[] = peers.map((peer) => ({
    peer,
    priority: evolutionPriority(peer.capabilities, 0.5),
  }));
  const group = `select among ${count} peers`;
  Deno.bench({
    name: `bare sort, ${count}`,
    group,
    baseline: true,
    fn: () => void ranked.toSorted((a, b) => b.priority - a.priority),
  });
  Deno.bench({
    name: `selectForEvolution, ${count}`,
    group,
    fn: () => void selectForEvolution(peers),
  });
}
