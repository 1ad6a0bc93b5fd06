/**
 * The village of the soak: its members, what the schedule does to them, and whether it is whole again.
 */

import { pause, systemClock } from "../../../src/base/clock.ts";
import { describeError } from "../../../src/base/errors.ts";
import { programCommand, RealAgent } from "../real_agent.ts";
import { floodGarbage, floodHandshakes, floodIdle, floodLegacy } from "./floods.ts";
import type { Act } from "./schedule.ts";

/** What was done and how it ended. */
export interface DeedCount {
  done: number;
  failed: number;
}

/** How long a command may take on a machine that is busy. */
const COMMAND_MS = 60_000;
const WHOLE_MS = 30_000;
const POLL_MS = 200;
const QUERY_SECONDS = 2;

export class SoakVillage {
  readonly agents: readonly RealAgent[];
  /** By kind of act. */
  readonly deeds: Record<string, DeedCount> = {};
  readonly problems: string[] = [];
  readonly #root: string;

  constructor(root: string, nodes: number) {
    this.#root = root;
    this.agents = Array.from(
      { length: nodes },
      (_, index) => new RealAgent({ root, name: `n${index}` }),
    );
  }

  /** Founds a network and lets everybody in, as an owner would. */
  async form(): Promise<void> {
    const [founder, ...others] = this.agents;
    if (!founder) return;
    await founder.start();
    for (const agent of others) {
      const { token } = await founder.client.invite({ admin: false, expires_s: 900 });
      await agent.start();
      await agent.client.join(token, agent.name);
      await agent.moved();
    }
    if (!await this.becomesWhole()) this.problems.push("the village did not form");
  }

  /** Does `act`; what goes wrong with it is a problem of the report, not of ours. */
  async perform(act: Act): Promise<void> {
    const count = this.deeds[act.kind] ??= { done: 0, failed: 0 };
    try {
      await this.#do(act);
      count.done++;
    } catch (error) {
      count.failed++;
      this.problems.push(`${act.kind}: ${describeError(error)}`);
    }
  }

  /** Waits until everybody has a session with everybody; `false` when that takes too long. */
  async becomesWhole(): Promise<boolean> {
    const untilMs = systemClock.now() + WHOLE_MS;
    const wanted = this.agents.length - 1;
    for (;;) {
      const sessions = await Promise.all(this.agents.map(async (agent) => {
        try {
          return (await agent.client.status()).peers.connected;
        } catch {
          return 0; // It is still starting.
        }
      }));
      if (sessions.every((count) => count >= wanted)) return true;
      if (systemClock.now() > untilMs) return false;
      await pause(systemClock, POLL_MS);
    }
  }

  /** Removes the files that have arrived: disks are not what is soaked. */
  async tidy(): Promise<void> {
    for (const { stateDir } of this.agents) {
      for await (const entry of Deno.readDir(`${stateDir}/inbox`)) {
        if (entry.isFile) await Deno.remove(`${stateDir}/inbox/${entry.name}`).catch(() => {});
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.agents.map(async (agent) => {
      const kill = systemClock.schedule(5_000, () => void agent.end("SIGKILL"));
      await agent.end("SIGTERM");
      kill.cancel();
    }));
  }

  #agent(index: number): RealAgent {
    const agent = this.agents[index];
    if (!agent) throw new RangeError(`Cannot find node ${index}`);
    return agent;
  }

  async #do(act: Act): Promise<void> {
    switch (act.kind) {
      case "kill": {
        const agent = this.#agent(act.node);
        await agent.end(act.signal);
        await pause(systemClock, act.downMs);
        return await agent.start();
      }
      case "garbage":
        return await floodGarbage(this.#agent(act.node).port, act.count, act.seed);
      case "idle":
        return await floodIdle(this.#agent(act.node).port, act.count, act.holdMs);
      case "legacy":
        return await floodLegacy(this.#agent(act.node).port, act.count, act.seed);
      case "handshakes":
        return await floodHandshakes(this.#agent(act.node).port, act.count, act.seed);
      case "send":
        return await this.#send(this.#agent(act.from), this.#agent(act.to), act.bytes);
      case "event":
        await this.#agent(act.from).client.event(act.name, "x".repeat(act.bytes));
        return;
      case "query":
        await this.#command("query", "--state", this.#agent(act.from).stateDir, "soak", ...[
          "--timeout",
          `${QUERY_SECONDS}s`,
        ]);
        return;
      case "ping": {
        const { node_id: id } = await this.#agent(act.to).client.status();
        await this.#agent(act.from).client.ping(id);
      }
    }
  }

  async #send(from: RealAgent, to: RealAgent, bytes: number): Promise<void> {
    const { node_id: id } = await to.client.status();
    const path = await Deno.makeTempFile({ dir: this.#root, prefix: "file-" });
    try {
      await Deno.writeFile(path, crypto.getRandomValues(new Uint8Array(65_536)));
      await Deno.truncate(path, bytes);
      await this.#command("send", "--state", from.stateDir, id, path);
    } finally {
      await Deno.remove(path);
    }
  }

  /** Runs a command of the program; rejects when it fails. */
  async #command(...command: readonly string[]): Promise<void> {
    const { program, args } = programCommand(command);
    const { success, code, stderr } = await new Deno.Command(program, {
      args,
      env: { HAMLET_CONFIG: "off" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      signal: AbortSignal.timeout(COMMAND_MS),
    }).output();
    if (!success) throw new Error(`exit code ${code}: ${new TextDecoder().decode(stderr).trim()}`);
  }
}
