/**
 * One host of the trial: its place on the network, its agent and what the agent says of itself.
 */

import { describeError } from "../../../src/base/errors.ts";
import { isObject } from "../../../src/base/guards.ts";
import { shortId } from "../../../src/base/peer_id.ts";
import { pause, systemClock } from "../../../src/base/clock.ts";
import { SCRATCH } from "./enclosure.ts";
import type { Place } from "./network.ts";
import { NO_VIEW, type SeenPeer, type View } from "./observer.ts";
import { hamletLine, Resident, run, scriptLine } from "./process.ts";

const READY_MS = 30_000;
const READY_POLL_MS = 100;
/** When things happened the agents say themselves; how often they are asked does not change it. */
const LOOK_MS = 500;

export class Host {
  readonly name: string;
  readonly stateDir: string;
  place: Place;
  /** Its node id, once its agent has said it. */
  id = "";
  /** What its agent said last. */
  view: View = NO_VIEW;
  /** When each session that its present agent ever had was first seen to have begun, by peer, Unix ms. */
  readonly sealedUnixMs = new Map<string, number>();
  /** The short ids of all that its agents ever had a session with. */
  readonly met = new Set<string>();
  readonly #observer: Resident;
  readonly #views: ((view: View) => void)[] = [];
  readonly #logPath: string;
  #lastWords = "";
  #failure: string | undefined;
  #agent: Resident | undefined;

  constructor(name: string, place: Place) {
    this.name = name;
    this.place = place;
    this.stateDir = `${SCRATCH}/${name}`;
    this.#logPath = `${SCRATCH}/${name}.log`;
    this.#observer = new Resident(
      place.namespace,
      scriptLine("observer.ts", this.stateDir),
      (line) => this.#views.shift()?.(readView(line)),
    );
  }

  /** How its agent ended though nobody had asked it to. */
  get failure(): string | undefined {
    return this.#failure && `${this.name}: ${this.#failure}`;
  }

  /** Starts the agent; resolves once it is ready. */
  async start(args: readonly string[] = []): Promise<void> {
    const line = hamletLine(
      ...["up", "--config", "off", "--state", this.stateDir, "--log", "json"],
      ...args,
    );
    const agent = new Resident(this.place.namespace, line, (text) => this.#hear(text));
    this.#agent = agent;
    void agent.exited.then((code) => {
      if (this.#agent === agent) this.#failure = `it ended with ${code}: ${this.#lastWords}`;
    });
    this.sealedUnixMs.clear();
    const endMs = systemClock.now() + READY_MS;
    while ((await this.look()).pid !== agent.pid) {
      const isLate = systemClock.now() > endMs;
      if (this.#failure || isLate) {
        throw new Error(`Cannot start the agent of ${this.name}: ${this.#failure ?? "it hangs"}`);
      }
      await pause(systemClock, READY_POLL_MS);
    }
  }

  async stop(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    await agent?.stop();
  }

  /** Runs a command of the program on this host's state directory; resolves with what it printed. */
  async hamlet(...args: readonly string[]): Promise<string> {
    return await run(this.place.namespace, hamletLine(...args, "--state", this.stateDir));
  }

  /** Asks the agent how it is. */
  async look(): Promise<View> {
    const view = await new Promise<View>((resolve, reject) => {
      this.#views.push(resolve);
      this.#observer.write("").catch((error) => {
        reject(new Error(`Cannot observe ${this.name}: ${describeError(error)}`));
      });
    });
    this.view = view;
    if (view.id) this.id = view.id;
    for (const { id, connectedUnixMs } of view.peers) {
      if (connectedUnixMs !== null && !this.sealedUnixMs.has(id)) {
        this.sealedUnixMs.set(id, connectedUnixMs);
      }
    }
    return view;
  }

  /** How its agent lists `other`. */
  peer(other: Host): SeenPeer | undefined {
    return this.view.peers.find(({ id }) => id === other.id);
  }

  #hear(line: string): void {
    this.#lastWords = line;
    Deno.writeTextFileSync(this.#logPath, line + "\n", { append: true });
    if (!line.startsWith("{")) return;
    const event: unknown = JSON.parse(line);
    if (isObject(event) && event["event"] === "peer connected") this.met.add(String(event["peer"]));
  }
}

/** Looks at `hosts` until `isSo`; resolves with whether it came to that within `limitMs`. */
export async function watch(
  hosts: readonly Host[],
  isSo: () => boolean,
  limitMs: number,
): Promise<boolean> {
  const endMs = systemClock.now() + limitMs;
  for (;;) {
    await Promise.all(hosts.map((host) => host.look()));
    if (isSo()) return true;
    if (systemClock.now() > endMs) return false;
    await pause(systemClock, LOOK_MS);
  }
}

/** How many sessions there ever were between hosts of `villages` that are not of one village. */
export function sessionsBetween(villages: readonly (readonly Host[])[]): number {
  const villageOf = new Map<string, readonly Host[]>();
  for (const village of villages) {
    for (const { id } of village) villageOf.set(shortId(id), village);
  }
  const hosts = villages.flat();
  const strangers = hosts.map(({ id, met }) =>
    [...met].filter((peer) => villageOf.get(peer) !== villageOf.get(shortId(id))).length
  );
  return strangers.reduce((sum, count) => sum + count, 0);
}

function readView(line: string): View {
  // Our own observer's words.
  return JSON.parse(line) as View;
}
