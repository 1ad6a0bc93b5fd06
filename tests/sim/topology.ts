/** The sessions of a village that has long been there. */

import { type Random, randomBelow, shuffled } from "../../src/base/random.ts";
import { wantedDegree } from "../../src/gossip/neighbourhood.ts";
import type { SimNetwork } from "./sim_network.ts";
import type { SimNode } from "./sim_node.ts";

/** Of finding a node another neighbour. */
const MAX_TRIES = 1_000;

/** Opens between `nodes` the sessions that a settled village has. */
export function connectVillage(
  network: SimNetwork,
  nodes: readonly SimNode[],
  random: Random,
): void {
  const connect = (node: SimNode, peer: SimNode | undefined) => {
    if (peer && peer !== node && !node.endTo(peer.id)) network.openNow(node, peer);
  };
  const wanted = wantedDegree(nodes.length);
  if (wanted >= nodes.length - 1) {
    nodes.forEach((node, at) => nodes.slice(0, at).forEach((peer) => connect(node, peer)));
    return;
  }
  // Each round is a ring through everybody in random order: two sessions each, and no part cut off.
  for (let round = 0; round < Math.floor(wanted / 2); round++) {
    const ring = shuffled(random, nodes);
    ring.forEach((node, at) => connect(node, ring[(at + 1) % ring.length]));
  }
  for (const node of nodes) {
    // Whoever shares an edge with two rings is one short.
    for (let tries = 0; node.sessions < wanted && tries < MAX_TRIES; tries++) {
      connect(node, anyOf(random, nodes));
    }
  }
}

/** A node of `nodes`, each as likely as any other. */
export function anyOf(random: Random, nodes: readonly SimNode[]): SimNode {
  const node = nodes[randomBelow(random, nodes.length)];
  if (!node) throw new RangeError("Cannot choose a node: there is none");
  return node;
}
