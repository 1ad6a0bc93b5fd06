/**
 * The trial of the agent on 64-bit ARM: its cryptography beside this machine's, and its life in a village of this
 * machine's agents.
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { pause, systemClock } from "../../../src/base/clock.ts";
import type { PeerView } from "../../../src/control/views.ts";
import { programCommand, RealAgent, type Runtime } from "../real_agent.ts";
import { type CryptoResults, cryptoResults, disagreements } from "./crypto.ts";

export interface ArmReport {
  readonly ok: boolean;
  readonly version: string;
  /** Results compared between the architectures, by implementation. */
  readonly crypto: Readonly<Record<"noble" | "native" | "wasm", number>>;
  /** Published Noise vectors that ran on ARM, once for each implementation. */
  readonly noise_vectors: number;
  /** From its start until it can be asked, emulated. */
  readonly start_s: number;
  readonly ping_to_arm_ms: number;
  readonly ping_from_arm_ms: number;
  readonly files: number;
  readonly file_bytes: number;
  readonly problems: readonly string[];
}

const VECTORS = ["cacophony_xx.json", "snow_xx.json"].map((name) =>
  fileURLToPath(new URL(`../../../tests/noise/vectors/${name}`, import.meta.url))
);
const CRYPTO = fileURLToPath(new URL("./crypto.ts", import.meta.url));
const VECTOR_SCRIPT = fileURLToPath(new URL("../../noise_vectors.ts", import.meta.url));
const FILE_BYTES = 3 * 1_048_576 + 17;
const COMMAND_MS = 90_000;
const WAIT_MS = 60_000;
const POLL_MS = 100;

/** Holds the trial in `root`, a directory of its own. */
export async function holdArmTrial(arm: Runtime, root: string): Promise<ArmReport> {
  const problems: string[] = [];
  const crypto = await compareCrypto(arm, problems);
  const noiseVectors = await countVectors(arm, problems);
  const village = await joinVillage(arm, root, problems);
  return { ok: problems.length === 0, crypto, noise_vectors: noiseVectors, ...village, problems };
}

async function compareCrypto(arm: Runtime, problems: string[]): Promise<ArmReport["crypto"]> {
  const ours = await cryptoResults();
  const theirs: CryptoResults = JSON.parse(await runUnder(arm, [CRYPTO]));
  if (theirs.arch !== "aarch64") problems.push(`the runtime under trial is for ${theirs.arch}`);
  const pairs = [
    ["noble here and there", ours.noble, theirs.noble],
    ["native here and there", ours.native, theirs.native],
    ["wasm here and there", ours.wasm, theirs.wasm],
    ["noble and native there", theirs.noble, theirs.native],
    ["wasm and noble there", theirs.wasm, sameNames(theirs.noble, theirs.wasm)],
  ] as const;
  for (const [what, one, other] of pairs) {
    const names = disagreements(one, other);
    if (names.length > 0) problems.push(`${what} disagree on ${names.join(", ")}`);
  }
  const count = (results: object) => Object.keys(results).length;
  return { noble: count(theirs.noble), native: count(theirs.native), wasm: count(theirs.wasm) };
}

function sameNames<T>(all: Readonly<Record<string, T>>, names: object): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => name in names));
}

async function countVectors(arm: Runtime, problems: string[]): Promise<number> {
  const said = await runUnder(arm, [VECTOR_SCRIPT, ...VECTORS]);
  const [, passed = "0", failed = "1"] = /^(\d+) passed, (\d+) failed$/m.exec(said) ?? [];
  if (Number(failed) > 0 || Number(passed) === 0) problems.push(`Noise vectors: ${said.trim()}`);
  return Number(passed);
}

async function joinVillage(arm: Runtime, root: string, problems: string[]) {
  const founder = new RealAgent({ root, name: "founder" });
  const neighbour = new RealAgent({ root, name: "neighbour" });
  const pi = new RealAgent({ root, name: "pi", runtime: arm });
  try {
    await Promise.all([founder.start(), neighbour.start()]);
    await invite(founder, neighbour);
    await neighbour.moved();
    const startMs = systemClock.now();
    await pi.start();
    const startS = (systemClock.now() - startMs) / 1000;
    await invite(founder, pi);
    await pi.moved();
    const { node_id: id, version, capabilities } = await pi.client.status();
    for (const agent of [founder, neighbour]) {
      const peer = await untilPeer(agent, id);
      if (!peer || peer.trust !== "authenticated" || peer.role !== "member" || peer.name !== "pi") {
        problems.push(`${agent.name} does not see it as a member: ${JSON.stringify(peer)}`);
      } else problems.push(...different(agent.name, peer.capabilities, capabilities));
    }
    const metrics = await pi.metrics();
    if (!/^hamlet_build_info\{[^}]*arch="aarch64"[^}]*\} 1$/m.test(metrics)) {
      problems.push("it does not say that it is an ARM program");
    }
    if (!/^hamlet_crypto_info\{[^}]*x25519="native"/m.test(metrics)) {
      problems.push("it does not use the runtime's cryptography");
    }
    const { node_id: founderId } = await founder.client.status();
    const there = await founder.client.ping(id);
    const back = await pi.client.ping(founderId);
    await sendFile(founder, pi, { root, id, name: "to-pi.bin" });
    await sendFile(pi, founder, { root, id: founderId, name: "from-pi.bin" });
    for (const agent of [founder, neighbour, pi]) {
      problems.push(...agent.failures.map((failure) => `${agent.name} ${failure}`));
    }
    return {
      version: `${version}, ${(await armVersion(arm)).trim()}`,
      start_s: startS,
      ping_to_arm_ms: there.rtt_ms,
      ping_from_arm_ms: back.rtt_ms,
      files: 2,
      file_bytes: FILE_BYTES,
    };
  } finally {
    await Promise.all([founder, neighbour, pi].map((agent) => agent.end("SIGTERM")));
  }
}

async function invite(founder: RealAgent, guest: RealAgent): Promise<void> {
  const { token } = await founder.client.invite({ admin: false, expires_s: 600 });
  await guest.client.join(token, guest.name);
}

/** The peer as `agent` sees it, once they have a session; as it sees it at last otherwise. */
async function untilPeer(agent: RealAgent, id: string): Promise<PeerView | undefined> {
  const untilMs = systemClock.now() + WAIT_MS;
  for (;;) {
    const peer = (await agent.client.peers()).find(({ node_id }) => node_id === id);
    if (peer?.connected || systemClock.now() > untilMs) return peer;
    await pause(systemClock, POLL_MS);
  }
}

/** What a device is, as told to another, must be what it says itself; how it does may have changed meanwhile. */
function different(
  name: string,
  told: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, unknown>>,
): readonly string[] {
  return ["cpu_cores", "ram_mb", "device_type"].filter((key) => told[key] !== own[key])
    .map((key) => `${name} was told ${key} ${told[key]}, not ${own[key]}`);
}

/** Sends a file with `hamlet send`, and rejects unless what arrives has its digest. */
async function sendFile(
  from: RealAgent,
  to: RealAgent,
  { root, id, name }: { readonly root: string; readonly id: string; readonly name: string },
): Promise<void> {
  const path = `${root}/${name}`;
  const bytes = new Uint8Array(FILE_BYTES);
  for (let at = 0; at < FILE_BYTES; at += 65_536) {
    globalThis.crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  await Deno.writeFile(path, bytes);
  const { program, args } = programCommand(["send", "--state", from.stateDir, id, path]);
  await output(program, args);
  const digest = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");
  const arrived = await Deno.readFile(`${to.stateDir}/inbox/${name}`);
  if (digest(arrived) !== digest(bytes)) throw new Error(`${name} did not arrive as it was sent`);
}

async function armVersion({ command: [program, ...before] }: Runtime): Promise<string> {
  const said = await output(program, [...before, "--version"]);
  return said.split("\n")[0] ?? "";
}

/** Runs a script of ours under `runtime`, and gives what it prints. */
async function runUnder(
  { command: [program, ...before], flags }: Runtime,
  script: readonly string[],
): Promise<string> {
  return await output(program, [...before, "run", "-A", "--quiet", ...flags, ...script]);
}

async function output(program: string, args: readonly string[]): Promise<string> {
  const { success, code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    env: { HAMLET_CONFIG: "off" },
    stdin: "null",
    signal: AbortSignal.timeout(COMMAND_MS),
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (success) return decode(stdout);
  throw new Error(`${program} ended with ${code}: ${decode(stderr).slice(-500)}`);
}
