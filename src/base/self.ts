/**
 * How this program starts itself again: for the demo's agents, or for work in a process of its own. Pure.
 *
 * A compiled program is started by itself. One that runs from source, or from the bundle of a portable file,
 * is started by the runtime with the same main module; permissions cannot be read back from a process, so
 * children get those of `permissions.ts`.
 */

import manifest from "../../deno.json" with { type: "json" };
import { PERMISSION_FLAGS } from "./permissions.ts";

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

/** Features of the runtime that must be asked for by name, as flags. */
export const FEATURE_FLAGS: readonly string[] = Object.freeze(
  featuresOf(manifest).map((name) => `--unstable-${name}`),
);

/**
 * For an agent from source. The runtime's cache of compiled code takes 4 MB of it, and saves 60 ms of one start; modules
 * that only other commands use would be read at the start and kept, which takes 5 MB.
 */
export const AGENT_FLAGS: readonly string[] = Object.freeze([
  "--no-code-cache",
  "--unstable-lazy-dynamic-imports",
]);

/** For a bundle, which holds everything it needs: no configuration of others is read, nothing is fetched. */
export const SEALED_FLAGS: readonly string[] = Object.freeze([
  "--no-config",
  "--no-lock",
  "--no-npm",
  "--no-remote",
]);

/** Runs this program with other arguments, for as long as an agent. */
export function launchSelf(self: Self, args: readonly string[]): Launch {
  return { program: self.execPath, args: [...runtimeArgs(self), ...args] };
}

function runtimeArgs({ mainModule, isStandalone }: Self): readonly string[] {
  if (isStandalone) return [];
  // Only a bundle is JavaScript.
  const flags = mainModule.endsWith(".js") ? SEALED_FLAGS : AGENT_FLAGS;
  return ["run", ...flags, ...FEATURE_FLAGS, ...PERMISSION_FLAGS, mainModule];
}

function featuresOf(config: object): readonly string[] {
  return "unstable" in config && Array.isArray(config.unstable) ? config.unstable.map(String) : [];
}
