/**
 * How the demo starts this program again, as an agent or as an old node. Pure.
 *
 * A compiled program is started by itself; a program that runs from source is started by the runtime with
 * the same main module. The permissions of this process cannot be read back, so children get all of
 * them, and no prompt.
 */

import { type Address, formatAddress } from "../net/address.ts";

/** The program that runs, and how. */
export interface Self {
  readonly execPath: string;
  /** URL of the module that the command line names. */
  readonly mainModule: string;
  /** Whether `execPath` is a compiled program that contains it. */
  readonly isStandalone: boolean;
}

/** A command to run. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
}

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
  return launch(self, [
    ...["up", "--listen", LOOPBACK, "--port", String(options.port ?? 0)],
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
  return launch(self, [
    ...["legacy-node", "--port", "0"],
    ...["--peer", formatAddress(options.peer)],
    ...["--seconds", String(options.seconds)],
  ]);
}

function launch({ execPath, mainModule, isStandalone }: Self, args: readonly string[]): Launch {
  const runtime = isStandalone ? [] : ["run", "-A", "--no-prompt", mainModule];
  return { program: execPath, args: [...runtime, ...args] };
}
