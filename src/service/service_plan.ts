/**
 * What a service runs and may write, whichever manager keeps it.
 */

import type { Launch } from "../base/self.ts";

/** Whether it belongs to the machine and starts with it, or to one user and starts with their session. */
export type Scope = "user" | "system";

export interface ServicePlan {
  readonly scope: Scope;
  /** The program by its full path, and its arguments. */
  readonly launch: Launch;
  /** As whom a system service runs; `undefined` is the administrator. */
  readonly user: string | undefined;
  readonly environment: readonly (readonly [name: string, value: string])[];
  /** Directories by their full paths, the state directory first. */
  readonly writable: readonly [stateDir: string, ...more: string[]];
  /** Whether the program unpacks itself at its first start, as the portable file does. */
  readonly needsCache: boolean;
  /** The port that was asked for. */
  readonly port: number | undefined;
}
