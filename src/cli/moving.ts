/**
 * Waiting for an agent that moves to another network: commands that follow meet it there, not on its way.
 */

import { pause, systemClock } from "../base/clock.ts";
import { ControlClientError } from "../control/client.ts";
import { type Endpoint, readEndpoint } from "../control/endpoint_file.ts";

/** Closing the old agent takes two seconds at most, and starting the new one less. */
const MOVED_MS = 10_000;
const LOOK_MS = 50;

/**
 * Resolves once the agent of `stateDir` can be asked elsewhere than at `before`. Rejects with {@link
 * ControlClientError} `not_moved`.
 */
export async function untilMoved(stateDir: string, before: Endpoint): Promise<void> {
  const endMs = systemClock.now() + MOVED_MS;
  while (systemClock.now() < endMs) {
    const now = await readEndpoint(stateDir).catch(() => undefined);
    if (now && now.token !== before.token) return;
    await pause(systemClock, LOOK_MS);
  }
  throw new ControlClientError(
    "not_moved",
    `Cannot find the agent in its new network after ${MOVED_MS / 1000} s: look at what it logs`,
  );
}
