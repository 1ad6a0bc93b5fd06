/**
 * Whom agents count as alive when they are asked: the check of what was read from their logs.
 *
 * hamlet's agents are asked by this file as a program in their network namespace, where their control API
 * is: `serf_look.ts STATE_DIR...` prints a list of short ids for each.
 */

import { fileURLToPath } from "node:url";
import { isObject } from "../../src/base/guards.ts";
import { run } from "../../scripts/lib/lan/process.ts";
import { type Contender, serfRpcAddress } from "./serf_contender.ts";
import type { Agent } from "./serf_village.ts";

/** Throws unless each of `agents` says that exactly the others, and itself if it lists that, are alive. */
export async function confirmWhole(
  { name }: Contender,
  namespace: string,
  agents: readonly Agent[],
): Promise<void> {
  const lists = name === "serf"
    ? await Promise.all(agents.map((agent) => askSerf(namespace, agent)))
    : await askHamlets(namespace, agents);
  const ids = agents.map(({ id }) => id);
  agents.forEach((agent, index) => {
    const alive = new Set([...lists[index] ?? [], agent.id]);
    if (alive.size === ids.length && ids.every((id) => alive.has(id))) return;
    throw new Error(
      `Cannot trust the logs: asked, agent ${agent.post.index} of ${name} lists ${alive.size} as ` +
        `alive, not ${ids.length}`,
    );
  });
}

async function askSerf(namespace: string, { post }: Agent): Promise<readonly string[]> {
  const address = serfRpcAddress(post.index);
  const answer: unknown = JSON.parse(
    await run(namespace, ["serf", "members", "-format=json", `-rpc-addr=${address}`]),
  );
  const members = isObject(answer) && Array.isArray(answer["members"]) ? answer["members"] : [];
  return members.filter(({ status }) => status === "alive").map(({ name }) => String(name));
}

async function askHamlets(
  namespace: string,
  agents: readonly Agent[],
): Promise<readonly (readonly string[])[]> {
  const line = [Deno.execPath(), "run", "-A", "--no-prompt", "--quiet", THIS_FILE];
  // Our own words.
  return JSON.parse(await run(namespace, [...line, ...agents.map(({ post }) => post.directory)]));
}

const THIS_FILE = fileURLToPath(import.meta.url);
const TIMEOUT_MS = 10_000;

/** The short ids of those whom the agent on `stateDir` counts as alive. */
async function aliveIds(stateDir: string): Promise<readonly string[]> {
  const { url, token } = JSON.parse(await Deno.readTextFile(`${stateDir}/control.json`));
  const response = await fetch(`${url}/v1/peers`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answer: unknown = await response.json();
  const peers = isObject(answer) && Array.isArray(answer["peers"]) ? answer["peers"] : [];
  return peers.filter(({ connected }) => connected).map(({ short_id }) => String(short_id));
}

if (import.meta.main) {
  const lists: (readonly string[])[] = [];
  for (const stateDir of Deno.args) lists.push(await aliveIds(stateDir));
  console.log(JSON.stringify(lists));
}
