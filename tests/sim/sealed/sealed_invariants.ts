/**
 * What must hold in every run of whole agents: checked as things happen, and by a look at everybody each second.
 *
 * - Everybody believes alive who is up and reachable, and nobody else, at the latest {@link SETTLE_MS} after the last
 *   change that concerns them.
 * - The incarnations that an observer tells of a member never fall.
 * - An event reaches nobody twice, and everybody who was there throughout in {@link EVENT_MS}, a split not counted.
 * - {@link REVOKED_MS} after a revocation nobody holds a session with that key, nor any record of it, ever again.
 * - Gossip's neighbours are the sessions, both sides agree on a session, and queues keep their bounds.
 */

import type { GossipEvent } from "../../../src/gossip/gossip.ts";
import { wantedDegree } from "../../../src/gossip/neighbourhood.ts";
import type { MemberChange } from "../../../src/gossip/swim.ts";
import type { PeerId } from "../../../src/base/peer_id.ts";
import type { SealedNode } from "./sealed_node.ts";

/** Beliefs may be wrong, and sessions one-sided, this long. */
export const SETTLE_MS = 60_000;
/** An event may be under way this long. */
export const EVENT_MS = 60_000;
export const REVOKED_MS = 10_000;
/** Others' questions that a member takes at once. */
const MAX_ERRANDS = 256;
/** A false death is one that nothing within this time explains. */
const CALM_MS = 30_000;

interface Broadcast {
  readonly number: number;
  readonly sentMs: number;
  /** By node: the life in which it was told. */
  readonly told: Map<SealedNode, number>;
  isJudged: boolean;
}

/** What the invariants look at. */
export interface SealedVillage {
  readonly nodes: readonly SealedNode[];
  readonly nowMs: number;
  /** Whether the network is split, and since when it has been what it is. */
  readonly isSplit: boolean;
  readonly splitSinceMs: number;
  nodeOf(id: PeerId): SealedNode | undefined;
  fail(rule: string): never;
}

export class SealedInvariants {
  /** Healthy members that somebody declared dead. */
  falseDeaths = 0;
  readonly #village: SealedVillage;
  readonly #broadcasts: Broadcast[] = [];
  /** By observer: the last incarnation that it told of each. */
  readonly #incarnations = new Map<SealedNode, Map<PeerId, number>>();
  /** Since when each thing is wrong. */
  #wrongs = new Map<string, number>();

  constructor(village: SealedVillage) {
    this.#village = village;
  }

  /** A new process knows nothing. */
  onStart(node: SealedNode): void {
    this.#incarnations.delete(node);
  }

  expect(number: number): void {
    const { nowMs } = this.#village;
    this.#broadcasts.push({ number, sentMs: nowMs, told: new Map(), isJudged: false });
  }

  /** Whether all that are up have been told of each of these events. */
  isKnown(...numbers: readonly number[]): boolean {
    const up = this.#village.nodes.filter(({ isUp, isRevoked }) => isUp && !isRevoked);
    return numbers.every((number) =>
      up.every((node) => this.#broadcasts[number]?.told.get(node) === node.life)
    );
  }

  onEvent(node: SealedNode, event: GossipEvent): void {
    if (event.type === "member") this.#onMember(node, event.member);
    if (event.type !== "event" || event.event.name !== "sim") return;
    const number = Number(event.event.data);
    const broadcast = this.#broadcasts[number];
    if (!broadcast) this.#village.fail(`node ${node.index} is told of event ${number}, never sent`);
    if (broadcast.told.get(node) === node.life) {
      this.#village.fail(`node ${node.index} is told of event ${number} twice`);
    }
    broadcast.told.set(node, node.life);
  }

  /** Looks at everybody. */
  scan(): void {
    const { nodes, nowMs } = this.#village;
    const wrongs = new Map<string, number>();
    const note = (what: string) => wrongs.set(what, this.#wrongs.get(what) ?? nowMs);
    const up = nodes.filter(({ isUp }) => isUp);
    for (const node of up) {
      this.#checkBounds(node);
      this.#checkRevoked(node);
      this.#noteOneSided(node, note);
      if (!this.#village.isSplit) this.#noteBeliefs(node, note);
    }
    this.#wrongs = wrongs;
    for (const [what, sinceMs] of wrongs) {
      if (nowMs - sinceMs >= SETTLE_MS) this.#village.fail(`${what}, for ${SETTLE_MS / 1_000} s`);
    }
    for (const broadcast of this.#broadcasts) this.#judge(broadcast);
  }

  /** Whether all that are up believe all that are up alive, and nobody else. */
  get isOneView(): boolean {
    let isSo = true;
    for (const node of this.#village.nodes) {
      if (node.isUp && !node.isRevoked) this.#noteBeliefs(node, () => isSo = false);
    }
    return isSo;
  }

  /** Whether each has the sessions that it wants, and the whole hangs together by them. */
  get isWoven(): boolean {
    const up = this.#village.nodes.filter(({ isUp, isRevoked }) => isUp && !isRevoked);
    const wanted = wantedDegree(up.length);
    if (up.some(({ agent }) => agent.node.connected.length < wanted)) return false;
    const reached = new Set(up.slice(0, 1));
    for (const node of reached) {
      for (const id of node.agent.node.connected) {
        const peer = this.#village.nodeOf(id);
        if (peer?.isUp) reached.add(peer);
      }
    }
    return up.every((node) => reached.has(node));
  }

  /** Whether nobody has anything of a revoked key any more. */
  get isRid(): boolean {
    const { nodes } = this.#village;
    const revoked = nodes.filter(({ isRevoked }) => isRevoked);
    return nodes.every((node) =>
      !node.isUp || node.isRevoked ||
      revoked.every((each) => whatIsKept(node, each) === undefined)
    );
  }

  #onMember(node: SealedNode, { id, incarnation, change }: MemberChange): void {
    const subject = this.#village.nodeOf(id);
    if (!subject) this.#village.fail(`node ${node.index} tells of ${id}, which nobody is`);
    if (change === "reaped") return;
    const told = this.#incarnations.get(node) ?? new Map<PeerId, number>();
    this.#incarnations.set(node, told);
    const before = told.get(id) ?? 0;
    if (incarnation < before) {
      this.#village.fail(
        `node ${node.index} tells of incarnation ${incarnation} of node ${subject.index} after ${before}`,
      );
    }
    told.set(id, incarnation);
    if (change === "dead" && this.#isHealthy(node, subject)) this.falseDeaths++;
  }

  #isHealthy(observer: SealedNode, subject: SealedNode): boolean {
    if (!subject.isUp || subject.group !== observer.group) return false;
    if (subject.isRevoked || observer.isRevoked) return false;
    const { nowMs, splitSinceMs } = this.#village;
    return nowMs - Math.max(subject.upSinceMs, observer.upSinceMs, splitSinceMs) >= CALM_MS;
  }

  #checkBounds({ agent, index }: SealedNode): void {
    const { gossip } = agent.villager;
    const sessions = agent.node.connected.length;
    const { queued, members, neighbours } = gossip;
    if (neighbours.size !== sessions) {
      this.#village.fail(`node ${index} has ${neighbours.size} neighbours, ${sessions} sessions`);
    }
    const cap = members.size + neighbours.size + MAX_ERRANDS;
    if (queued > cap) {
      this.#village.fail(`node ${index} holds ${queued} rumours, of at most ${cap}`);
    }
  }

  #checkRevoked(node: SealedNode): void {
    const { nodes, nowMs, isSplit, splitSinceMs } = this.#village;
    if (node.isRevoked || isSplit) return;
    for (const revoked of nodes) {
      const sinceMs = Math.max(revoked.revokedMs, splitSinceMs, node.upSinceMs);
      if (nowMs - sinceMs < REVOKED_MS) continue;
      const what = whatIsKept(node, revoked);
      if (what) this.#village.fail(`node ${node.index} has ${what} node ${revoked.index}, revoked`);
    }
  }

  #noteOneSided(node: SealedNode, note: (what: string) => void): void {
    for (const id of node.agent.node.connected) {
      const peer = this.#village.nodeOf(id);
      if (peer?.isUp && peer.agent.node.isConnected(node.id)) continue;
      note(`node ${node.index} alone holds a session with node ${peer?.index}`);
    }
  }

  #noteBeliefs(node: SealedNode, note: (what: string) => void): void {
    if (node.isRevoked) return;
    const { members } = node.agent.villager.gossip;
    for (const subject of this.#village.nodes) {
      if (subject === node || subject.isRevoked) continue;
      const state = members.stateOf(subject.id);
      // Asleep, it may be believed so or gone.
      const isThere = state === "alive" || state === "suspect";
      if (isThere === subject.isUp) continue;
      note(`node ${node.index} believes node ${subject.index} ${state}, which is ${word(subject)}`);
    }
  }

  #judge(broadcast: Broadcast): void {
    const { nodes, nowMs, isSplit, splitSinceMs } = this.#village;
    const { number, sentMs, told } = broadcast;
    if (broadcast.isJudged || isSplit) return;
    if (nowMs - Math.max(sentMs, splitSinceMs) < EVENT_MS) return;
    broadcast.isJudged = true;
    for (const node of nodes) {
      if (!node.isUp || node.upSinceMs > sentMs || node.isRevoked || told.has(node)) continue;
      this.#village.fail(`node ${node.index} was never told of event ${number}`);
    }
  }
}

/** What a node has of one that was revoked. */
function whatIsKept({ agent }: SealedNode, { id }: SealedNode): string | undefined {
  if (agent.node.isConnected(id)) return "a session with";
  return agent.villager.gossip.members.record(id) && "a member record of";
}

function word({ isUp, isAsleep }: SealedNode): string {
  return isUp ? "up" : isAsleep ? "asleep" : "down";
}
