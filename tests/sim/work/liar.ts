/**
 * Liars: devices that know the protocol and break it. They know each other, vote for each other's inventions and
 * against everything true, and never forge a signature, which nobody could.
 */

import type { JsonObject } from "../../../src/base/guards.ts";
import { isObject } from "../../../src/base/guards.ts";
import type { PeerId } from "../../../src/base/peer_id.ts";
import { type Random, randomBelow } from "../../../src/base/random.ts";
import type { Genome } from "../../../src/work/evolve/space.ts";
import { newConsensus, writeConsensus } from "../../../src/work/job/consensus.ts";
import { signOrder } from "../../../src/work/job/order.ts";
import { signParticipant } from "../../../src/work/job/participant_record.ts";
import { type Proposal, readProposal, signProposal } from "../../../src/work/job/proposal.ts";
import { readSolution, signSolution } from "../../../src/work/job/signed_solution.ts";
import type { Job } from "../../../src/work/job/spec.ts";
import { signVote } from "../../../src/work/job/vote.ts";
import { SIM_CRYPTO, simSpeaker } from "./work_crypto.ts";
import { sphere, type WorkWorld } from "./work_world.ts";
import type { WorkDevice, WorkMessage } from "./work_device.ts";

/**
 * `inflated`: its worker reports a millionth of the cost, and it believes that itself. `mute`: its worker returns NaN
 * for all that others claim. `crafty`: it measures well and lies on purpose.
 */
export type Persona = "inflated" | "mute" | "crafty";

/** How often a liar thinks of something new. */
const EVERY_MS = 1_000;
/** Messages that it keeps to tell again. */
const MAX_KEPT = 64;

export class Liar {
  readonly device: WorkDevice;
  readonly #world: WorkWorld;
  readonly #friends: ReadonlySet<PeerId>;
  readonly #random: Random;
  /** What it heard, to be copied and replayed. */
  readonly #heard: WorkMessage[] = [];
  readonly #copied = new Set<string>();
  #round = 0;

  constructor(
    world: WorkWorld,
    device: WorkDevice,
    options: { readonly persona: Persona; readonly friends: ReadonlySet<PeerId> },
  ) {
    this.device = device;
    this.#world = world;
    this.#friends = options.friends;
    this.#random = device.random;
    const { persona } = options;
    device.deviation = {
      ...persona === "inflated" && { fitness: (genome) => sphere(genome) * 1e-6 },
      ...persona === "mute" &&
        { fitness: (genome, random) => random.next() < 0.5 ? NaN : sphere(genome) },
      outgoing: (message) => [this.#twisted(message)],
      incoming: (message, from) => this.#hear(message, from),
    };
    world.timeline.call(world.nowMs + EVERY_MS * this.#random.next(), () => this.#act());
  }

  #act(): void {
    this.#world.timeline.call(this.#world.nowMs + EVERY_MS, () => this.#act());
    const { job, node, isUp } = this.device;
    if (!isUp || !job || !node) return;
    const others = this.#world.devices.filter((device) => device !== this.device);
    const tell = (message: WorkMessage["type"], data: JsonObject) => {
      for (const { id } of others) this.device.send(id, message, data);
    };
    switch (randomBelow(this.#random, 8)) {
      case 0:
        return this.#propose(job, others.map(({ id }) => id));
      case 1:
        return this.#propose(job, [...this.#friends]);
      case 2:
        return this.#propose(job, []);
      case 3:
        return tell("EVOLUTION_RESULTS_SHARE", { solutions: [this.#invented(job).signed] });
      case 4:
        return tell("EVOLUTION_PROGRESS", this.#made(job));
      case 5:
        return tell("EVOLUTION_COMPLETE", {
          state: "stopped",
          order: this.#ownOrder(job),
          consensus: null,
        });
      default:
        return this.#replay(others);
    }
  }

  /** A result that is none, put before a jury drawn from `pool`; friends vote for it without a look. */
  #propose(job: Job, pool: readonly PeerId[]): void {
    const invented = this.#invented(job);
    const proposal = signProposal(job, this.device.self, {
      round: this.#round++ % 16,
      cause: "target",
      orderSeq: 0,
      solution: invented,
      fitness: invented.fitness,
      unixMs: this.#world.wallMs,
      pool: pool.filter((id) => id !== this.device.id),
    }, SIM_CRYPTO);
    for (const id of proposal.jury) {
      this.device.send(id, "EVOLUTION_PROPOSAL", { proposal: proposal.signed });
    }
    this.#pretend(job, proposal);
  }

  /** Friends' votes, and a claim that all is settled. */
  #pretend(job: Job, proposal: Proposal): void {
    const votes = this.#world.devices
      .filter(({ id }) => this.#friends.has(id) && proposal.jury.includes(id))
      .map(({ self }) =>
        signVote(job.id, self, {
          proposal: proposal.hash,
          says: "agrees",
          fitness: proposal.fitness,
        }, SIM_CRYPTO)
      );
    const consensus = writeConsensus(newConsensus(proposal, votes));
    for (const { id } of this.#world.devices) {
      this.device.send(id, "EVOLUTION_COMPLETE", { state: "accepted", order: null, consensus });
      for (const vote of votes) this.device.send(id, "EVOLUTION_VOTE", { vote: vote.signed });
    }
  }

  /** A genome from nowhere, said to be perfect. */
  #invented(job: Job) {
    const { space } = job.spec;
    const genome: Genome = Array.from({ length: space.dims }, () => this.#random.next() * 4 + 0.5);
    return signSolution(job, this.device.self, { genome, fitness: 0 }, SIM_CRYPTO);
  }

  /** Records of strangers, of others in its own hand, and of itself with no end of evaluations. */
  #made(job: Job): JsonObject {
    const word = {
      seq: this.#world.wallMs + 1_000,
      state: "running",
      reason: "",
      slots: 4_096,
      evaluations: 1e15,
      perSecond: 1e12,
      generation: 1e15,
      best: -1e300,
      unixMs: this.#world.wallMs,
    } as const;
    const strangers = Array.from(
      { length: 10 },
      (_, i) => simSpeaker(this.#random.next() * 2 ** 32, i),
    );
    const made = [this.device.self, ...strangers].map((each) =>
      signParticipant(job.id, each, word).signed
    );
    const forged = this.#kept("participants").map((record) => ({ ...record, evaluations: 1e9 }));
    return { participants: [...made, ...forged].slice(0, 32), order_seq: 0, result: null };
  }

  #ownOrder(job: Job): JsonObject {
    const said = { seq: 2 ** 52, action: "stop", unixMs: this.#world.wallMs } as const;
    return signOrder(job.id, this.device.self, said, SIM_CRYPTO).signed;
  }

  #replay(others: readonly WorkDevice[]): void {
    const old = this.#heard[randomBelow(this.#random, Math.max(1, this.#heard.length))];
    if (!old) return;
    for (const { id } of others) this.device.send(id, old.type, old.data);
  }

  /** What was heard last of records in a list called `key`. */
  #kept(key: string): readonly JsonObject[] {
    for (const { data } of this.#heard.toReversed()) {
      const list = data[key];
      if (Array.isArray(list)) return list.filter(isObject).slice(0, 4);
    }
    return [];
  }

  #hear(message: WorkMessage, _from: WorkDevice): void {
    this.#heard.push(message);
    if (this.#heard.length > MAX_KEPT) this.#heard.shift();
    const { job, self } = this.device;
    if (message.type !== "EVOLUTION_RESULTS_SHARE" || !job || message.job !== job.id) return;
    // What others found is passed on as its own.
    for (const each of Array.isArray(message.data["solutions"]) ? message.data["solutions"] : []) {
      try {
        const solution = readSolution(job, each, SIM_CRYPTO);
        if (this.#friends.has(solution.node) || this.#copied.has(solution.genomeHash)) continue;
        this.#copied.add(solution.genomeHash);
        const copied = signSolution(job, self, solution, SIM_CRYPTO).signed;
        for (const { id } of this.#world.devices) {
          this.device.send(id, "EVOLUTION_RESULTS_SHARE", { solutions: [copied] });
        }
      } catch {
        // Another liar's, malformed on purpose.
      }
    }
  }

  /** Its own votes, turned round: yes to its friends, no to all others. */
  #twisted(message: WorkMessage): WorkMessage {
    const { job, self } = this.device;
    const vote = message.data["vote"];
    if (message.type !== "EVOLUTION_VOTE" || !job || !isObject(vote)) return message;
    const proposal = this.#proposalOf(job, String(vote["proposal"]));
    if (!proposal) return message;
    const isFriend = this.#friends.has(proposal.node);
    const said = {
      proposal: proposal.hash,
      says: isFriend ? "agrees" : "differs",
      fitness: isFriend ? proposal.fitness : proposal.fitness + 1,
    } as const;
    return { ...message, data: { vote: signVote(job.id, self, said, SIM_CRYPTO).signed } };
  }

  #proposalOf(job: Job, hash: string): Proposal | undefined {
    for (const { type, data } of this.#heard.toReversed()) {
      if (type !== "EVOLUTION_PROPOSAL") continue;
      try {
        const proposal = readProposal(job, data["proposal"], SIM_CRYPTO);
        if (proposal.hash === hash) return proposal;
      } catch {
        // Not one.
      }
    }
    return undefined;
  }
}
