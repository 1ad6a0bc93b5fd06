/**
 * How the demo starts this program again, as an agent or as an old node. Pure.
 */

import { type Launch, launchSelf, type Self } from "../base/self.ts";
import { type Address, formatAddress } from "../net/address.ts";

export const LOOPBACK = "127.0.0.1";

/** An agent that keeps its state in `stateDir` and dials `peers`. */
export function agentLaunch(
  self: Self,
  options: {
    readonly stateDir: string;
    readonly port?: number;
    readonly peers: readonly Address[];
  },
): Launch {
  return launchSelf(self, [
    ...["up", "--config", "off", "--listen", LOOPBACK, "--port", String(options.port ?? 0)],
    ...["--state", options.stateDir],
    ...["--log", "json", "--log-level", "warn"],
    ...options.peers.flatMap((peer) => ["--peer", formatAddress(peer)]),
    ...["--open", "--legacy", "any", "--leash"],
  ]);
}

/** An old node that asks `peer` and ends after `seconds`. */
export function legacyLaunch(
  self: Self,
  options: { readonly peer: Address; readonly seconds: number },
): Launch {
  return launchSelf(self, [
    ...["legacy-node", "--port", "0"],
    ...["--peer", formatAddress(options.peer)],
    ...["--seconds", String(options.seconds)],
  ]);
}
