/**
 * Waiting for an agent that moves to another network: commands that follow meet it there, not on its way.
 */

import { pause, systemClock } from "../base/clock.ts";
import { ControlClient, ControlClientError } from "../control/client.ts";
import { type Endpoint, readEndpoint } from "../control/endpoint_file.ts";

/** Closing the old agent takes two seconds at most, and starting the new one less. */
const MOVED_MS = 10_000;
const LOOK_MS = 50;

/**
 * Resolves once the agent of `stateDir` can be asked elsewhere than at `before`, in a network whose id
 * `isMeant`. Rejects with {@link ControlClientError} `not_moved`.
 */
export async function untilMoved(
  stateDir: string,
  before: Endpoint,
  isMeant: (networkId: string) => boolean,
): Promise<void> {
  const endMs = systemClock.now() + MOVED_MS;
  while (systemClock.now() < endMs) {
    const now = await readEndpoint(stateDir).catch(() => undefined);
    if (now && now.token !== before.token) return await checkNetwork(stateDir, isMeant);
    await pause(systemClock, LOOK_MS);
  }
  throw new ControlClientError(
    "not_moved",
    `Cannot find the agent in its new network after ${MOVED_MS / 1000} s: look at what it logs`,
  );
}

async function checkNetwork(stateDir: string, isMeant: (id: string) => boolean): Promise<void> {
  const { network } = await (await ControlClient.open(stateDir)).members();
  if (isMeant(network.id)) return;
  throw new ControlClientError(
    "not_moved",
    `Cannot move the agent: it could not write its state, and stays in ${network.name}; ` +
      `make room in ${stateDir}, then run the command again`,
  );
}
