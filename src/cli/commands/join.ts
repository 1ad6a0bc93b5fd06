/**
 * `hamlet join`: through the running agent, which moves to the network at once, or without one, for the next
 * `hamlet up`.
 */

import { joinNetwork } from "../../agent/joining.ts";
import { loadNetwork, writeJoined } from "../../agent/network_store.ts";
import { systemClock } from "../../base/clock.ts";
import { ControlClient, ControlClientError } from "../../control/client.ts";
import { type JoinView, joinView } from "../../control/network_views.ts";
import { formatAddress } from "../../net/address.ts";
import { tcpDialer } from "../../net/tcp.ts";
import { identityFromSeed } from "../../node/identity.ts";
import { chooseBackend } from "../../noise/backend.ts";
import { KEY_BYTES, randomBytes } from "../../noise/primitives.ts";
import { ensureDirectory, lockFile } from "../../store/files.ts";
import { loadSeed } from "../../store/identity_file.ts";
import { IDENTITY_FILE, LOCK_FILE, NETWORK_FILE } from "../../store/state_directory.ts";
import { decodeToken, TokenError } from "../../trust/invitation_token.ts";
import type { CommandContext } from "../commands.ts";
import { readDeviceName, readStateDir, systemSurroundings } from "../config.ts";
import { readSurroundings } from "../config/surroundings.ts";
import { untilMoved } from "../moving.ts";
import { checkOwnNetwork } from "../own_network.ts";
import { EXIT, UsageError } from "../usage_error.ts";

export async function run({ flags, write }: CommandContext): Promise<number> {
  const stateDir = readStateDir(flags, systemSurroundings());
  const token = flags.positional.join("");
  checkToken(token);
  const name = readDeviceName(flags, await readSurroundings(flags));
  const agent = await runningAgent(stateDir);
  const joined = agent
    ? await agent.join(token, flags.text("name"))
    : await joinAlone(stateDir, token, name);
  if (agent) await untilMoved(stateDir, agent.endpoint, (id) => id === joined.network.id);
  if (flags.has("json")) write(JSON.stringify({ ...joined, running: !!agent }, null, 2) + "\n");
  else write(renderJoined(joined, agent !== undefined));
  return EXIT.ok;
}

export function renderJoined({ network, role, members }: JoinView, isRunning: boolean): string {
  const others = members - 1;
  return `Joined ${network.name} as ${role === "admin" ? "an admin" : "a member"}; ` +
    `${others} other device${others === 1 ? " is" : "s are"} known.\n` +
    (isRunning
      ? "The running agent has moved there; see: hamlet members\n"
      : "Now start the agent: hamlet up\n");
}

/** Says what takes its time, to whoever watches. */
function say(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(text + "\n"));
}

/** Before anything is started for it. */
function checkToken(token: string): void {
  try {
    decodeToken(token);
  } catch (error) {
    if (error instanceof TokenError) throw new UsageError(error.message);
    throw error;
  }
}

/** The agent that runs on `stateDir`, if one does. */
async function runningAgent(stateDir: string): Promise<ControlClient | undefined> {
  try {
    const client = await ControlClient.open(stateDir);
    await client.status();
    return client;
  } catch (error) {
    if (error instanceof ControlClientError && error.code === "not_running") return undefined;
    throw error;
  }
}

async function joinAlone(stateDir: string, token: string, deviceName: string): Promise<JoinView> {
  await ensureDirectory(stateDir);
  const unlock = await lockFile(`${stateDir}/${LOCK_FILE}`);
  try {
    const { primitives } = chooseBackend();
    const { seed } = await loadSeed(`${stateDir}/${IDENTITY_FILE}`, () => randomBytes(KEY_BYTES));
    const identity = identityFromSeed(seed, primitives);
    const present = await loadNetwork(`${stateDir}/${NETWORK_FILE}`, identity);
    if (present) await checkOwnNetwork({ stateDir, identity, primitives }, "join");
    const joined = await joinNetwork({
      token: decodeToken(token),
      identity,
      primitives,
      dialer: tcpDialer,
      clock: systemClock,
      deviceName,
      onTrying: (address) => say(`Asking the inviter at ${formatAddress(address)} \u2026`),
    });
    await writeJoined(stateDir, joined);
    return joinView(joined);
  } finally {
    unlock();
  }
}
