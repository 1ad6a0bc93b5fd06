/**
 * Who believes what of whom: one byte for each pair of nodes, kept up by the events that the nodes emit, and
 * counted by subject as it changes. Asking whether everybody knows everybody then costs one look at each node.
 *
 * A node's belief of itself is not counted.
 */

import { unreachable } from "../../src/base/errors.ts";
import type { MemberChange } from "../../src/gossip/swim.ts";

export const UNKNOWN = 0;
export const ALIVE = 1;
export const SUSPECT = 2;
export const DEAD = 3;
export const LEFT = 4;
export const ASLEEP = 5;
const STATES = 6;
export type Belief =
  | typeof UNKNOWN
  | typeof ALIVE
  | typeof SUSPECT
  | typeof DEAD
  | typeof LEFT
  | typeof ASLEEP;

/** What a change makes of its member. */
export function beliefOf(change: MemberChange["change"]): Belief {
  switch (change) {
    case "joined":
    case "alive":
      return ALIVE;
    case "suspect":
      return SUSPECT;
    case "dead":
      return DEAD;
    case "left":
      return LEFT;
    case "asleep":
      return ASLEEP;
    case "reaped":
      return UNKNOWN;
    default:
      return unreachable(change);
  }
}

export class Beliefs {
  readonly nodes: number;
  readonly #states: Uint8Array;
  readonly #incarnations: Uint32Array;
  /** By state and subject. */
  readonly #counts: Int32Array;

  constructor(nodes: number) {
    this.nodes = nodes;
    this.#states = new Uint8Array(nodes * nodes);
    this.#incarnations = new Uint32Array(nodes * nodes);
    this.#counts = new Int32Array(nodes * STATES);
    this.#counts.fill(nodes - 1, UNKNOWN * nodes, (UNKNOWN + 1) * nodes);
  }

  /** What `observer` believes of `subject`. */
  of(observer: number, subject: number): Belief {
    return this.#states[observer * this.nodes + subject] as Belief;
  }

  /** The last incarnation of `subject` that `observer` told of. */
  incarnationOf(observer: number, subject: number): number {
    return this.#incarnations[observer * this.nodes + subject] as number;
  }

  /** How many believe `belief` of `subject`, itself left out. */
  count(belief: Belief, subject: number): number {
    return this.#counts[belief * this.nodes + subject] as number;
  }

  set(observer: number, subject: number, belief: Belief, incarnation: number): void {
    if (observer === subject) return;
    const at = observer * this.nodes + subject;
    const before = this.#states[at] as Belief;
    this.#incarnations[at] = incarnation;
    if (before === belief) return;
    this.#states[at] = belief;
    this.#add(before, subject, -1);
    this.#add(belief, subject, 1);
  }

  /** `observer` knows all of `subjects`, of incarnation 0. */
  setAlive(observer: number, subjects: readonly number[]): void {
    for (const subject of subjects) this.set(observer, subject, ALIVE, 0);
  }

  /** `observer` begins from nothing. */
  forget(observer: number): void {
    for (let subject = 0; subject < this.nodes; subject++) this.set(observer, subject, UNKNOWN, 0);
  }

  /** One who believes `belief` of `subject` and is among those that `fits`. */
  find(belief: Belief, subject: number, fits: (observer: number) => boolean): number | undefined {
    if (this.count(belief, subject) === 0) return undefined;
    for (let observer = 0; observer < this.nodes; observer++) {
      if (this.of(observer, subject) === belief && observer !== subject && fits(observer)) {
        return observer;
      }
    }
    return undefined;
  }

  #add(belief: Belief, subject: number, by: 1 | -1): void {
    const at = belief * this.nodes + subject;
    this.#counts[at] = (this.#counts[at] as number) + by;
  }
}
