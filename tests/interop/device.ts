/**
 * A person's device: a state directory, and the program that runs on it, is stopped, killed and started
 * again, on one port for as long as the device lives.
 */

import { assertEquals } from "@std/assert";
import { AgentProcess, type CommandOutcome, eventually, hamlet } from "./agent_process.ts";
import { type JsonMessage, LOOPBACK } from "./counterpart_wire.ts";

/** A line of `hamlet members --json`. */
export interface Member extends JsonMessage {
  readonly node_id: string;
  readonly name: string;
  readonly role: string;
  readonly this_device: boolean;
  readonly connected: boolean;
  readonly invited_by: string | null;
}

/** What `hamlet members --json` prints. */
export interface Members extends JsonMessage {
  readonly network: JsonMessage;
  readonly members: readonly Member[];
  readonly revoked: readonly JsonMessage[];
}

/** A sending waits for a peer that is away; a member that is here has its file long before. */
const SEND_MS = 3_000;

export class Device implements AsyncDisposable {
  readonly name: string;
  readonly stateDir: string;
  #agent: AgentProcess | undefined;
  #port = 0;
  #log = "";

  private constructor(name: string, stateDir: string) {
    this.name = name;
    this.stateDir = stateDir;
  }

  /** A device on which the program has never run. */
  static async create(name: string): Promise<Device> {
    return new Device(name, await Deno.makeTempDir({ prefix: `hamlet-${name}-` }));
  }

  /** A device whose agent runs, in a network of its own. */
  static async start(name: string, ...args: readonly string[]): Promise<Device> {
    const device = await Device.create(name);
    await device.up(...args);
    return device;
  }

  /** A device whose agent runs, in the network of `admin`. */
  static async join(name: string, admin: Device, ...flags: readonly string[]): Promise<Device> {
    const device = await Device.create(name);
    assertEquals((await device.use(await admin.invite(...flags))).code, 0);
    await device.up();
    return device;
  }

  get agent(): AgentProcess {
    if (!this.#agent) throw new Error(`${this.name} is not running`);
    return this.#agent;
  }

  /** Where peers dial it. */
  get address(): string {
    return `${LOOPBACK}:${this.agent.port}`;
  }

  /** Everything that its agents have logged. */
  get log(): string {
    return this.#log + (this.#agent?.log ?? "");
  }

  /** What the present agent has logged under this name. */
  events(event: string): readonly JsonMessage[] {
    return this.agent.events.filter((line) => line["event"] === event);
  }

  /** Starts its agent, with no address to dial unless `args` gives one. */
  async up(...args: readonly string[]): Promise<void> {
    this.#agent = await AgentProcess.start({
      isOpen: false,
      stateDir: this.stateDir,
      port: ["--port", String(this.#port)],
      args: ["--name", this.name, "--mdns", "off", "--log-level", "debug", ...args],
    });
    this.#port = this.#agent.port;
  }

  /** Ends its agent, and resolves once it has ended. */
  async down(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    this.agent.signal(signal);
    await this.agent.exited();
    await this.#forget();
  }

  /** Runs a command on it. */
  run(...args: readonly string[]): Promise<CommandOutcome> {
    return hamlet([...args, "--state", this.stateDir]);
  }

  /** Runs a command that must succeed, and gives what it prints. */
  async json(...args: readonly string[]): Promise<JsonMessage> {
    const { code, stdout, stderr } = await this.run(...args, "--json");
    assertEquals([code, stderr], [0, ""]);
    return JSON.parse(stdout);
  }

  /** A new invitation's token. */
  async invite(...flags: readonly string[]): Promise<string> {
    return String((await this.json("invite", ...flags))["token"]);
  }

  /** `hamlet join` with the device's name. */
  use(token: string): Promise<CommandOutcome> {
    return this.run("join", token, "--name", this.name);
  }

  async members(): Promise<Members> {
    return await this.agent.get("members") as Members;
  }

  /** Names of the members that are here now, itself included, in order. */
  async present(): Promise<readonly string[]> {
    const { members } = await this.members();
    return members.filter(({ connected }) => connected).map(({ name }) => name).sort();
  }

  /** Resolves once exactly these are here, besides itself. */
  async untilWith(...others: readonly Device[]): Promise<void> {
    const wanted = [this, ...others].map(({ name }) => name).sort().join();
    let seen = "";
    await eventually(`${this.name} to be with ${wanted}`, async () => {
      seen = (await this.present()).join();
      return seen === wanted;
    }).catch((error) => {
      throw new Error(`${error.message}; saw ${seen}; it logged\n${this.log}`);
    });
  }

  /** Tries to send something to `peer` for a while; whether it was taken. */
  async sends(peer: string): Promise<boolean> {
    const args = ["send", peer, `${this.stateDir}/identity.json`, "--state", this.stateDir];
    return (await hamlet(args, { deadlineMs: SEND_MS })).code === 0;
  }

  async readState(file: string): Promise<JsonMessage> {
    return JSON.parse(await Deno.readTextFile(`${this.stateDir}/${file}`));
  }

  async writeState(file: string, content: unknown): Promise<void> {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await Deno.writeTextFile(`${this.stateDir}/${file}`, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#forget();
    await Deno.remove(this.stateDir, { recursive: true });
  }

  async #forget(): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]();
    this.#log += this.#agent?.log ?? "";
    this.#agent = undefined;
  }
}

/** Resolves once each of them is with all the others. */
export async function untilTogether(...devices: readonly Device[]): Promise<void> {
  for (const device of devices) {
    await device.untilWith(...devices.filter((other) => other !== device));
  }
}
