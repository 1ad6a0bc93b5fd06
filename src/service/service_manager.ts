/**
 * What a service manager does for the agent: keeps a file that describes it, starts it by it, and says how it is.
 */

import { CodedError, describeError } from "../base/errors.ts";
import type { ServicePlan } from "./service_plan.ts";
import type { ServiceState } from "./service_state.ts";

/**
 * - `unsupported`: this system has no manager that we know, or it does not run
 * - `denied`: it takes an administrator
 * - `not_installed`: there is nothing to remove
 * - `failed`: the manager refused, or the agent does not start
 */
export type ServiceErrorCode = "unsupported" | "denied" | "not_installed" | "failed";

/** What was wanted of a service manager and not done; the message says what to do next. */
export class ServiceError extends CodedError<ServiceErrorCode> {
  override readonly name = "ServiceError";
}

export interface ServiceManager {
  /** Where the description lies. */
  readonly path: string;
  describe(plan: ServicePlan): string;
  /**
   * Writes the description and has the agent run by it, now and from now on; where it runs by it already, nothing
   * happens. Resolves once the agent serves, as far as the manager knows. Rejects with {@link ServiceError}.
   */
  install(text: string): Promise<"installed" | "updated" | "unchanged">;
  /** Stops the agent and takes the description away. Rejects with {@link ServiceError}. */
  uninstall(): Promise<void>;
  /** Rejects with {@link ServiceError} `unsupported`. */
  state(): Promise<ServiceState>;
}

/** What a command of the system said. */
export interface Answer {
  readonly code: number;
  readonly output: string;
  readonly complaint: string;
}

/** Runs a command of the system; `undefined` where there is no such command. */
export type RunCommand = (
  command: string,
  args: readonly string[],
) => Promise<Answer | undefined>;

/** The system's own commands, in plain words and in universal time. */
export const runSystemCommand: RunCommand = async (command, args) => {
  try {
    const { code, stdout, stderr } = await new Deno.Command(command, {
      args: [...args],
      env: { LC_ALL: "C", TZ: "UTC", SYSTEMD_COLORS: "0", SYSTEMD_PAGER: "" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const decoder = new TextDecoder();
    return { code, output: decoder.decode(stdout), complaint: decoder.decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new ServiceError("failed", `Cannot run ${command}: ${describeError(error)}`, {
      cause: error,
    });
  }
};

/** The text at `path`; `undefined` where there is none. Throws {@link ServiceError}. */
export async function readDescription(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new ServiceError("failed", `Cannot read ${path}: ${describeError(error)}`, {
      cause: error,
    });
  }
}

/** Writes `text` for everybody to read, whole or not at all. Throws {@link ServiceError}. */
export async function writeDescription(path: string, text: string): Promise<void> {
  const successor = `${path}.new`;
  try {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(successor, text, { mode: 0o644 });
    await Deno.rename(successor, path);
  } catch (error) {
    throw fileError("write", path, error);
  }
}

export async function removeDescription(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    throw fileError("remove", path, error);
  }
}

function fileError(action: string, path: string, error: unknown): ServiceError {
  return error instanceof Deno.errors.PermissionDenied
    ? new ServiceError(
      "denied",
      `Cannot ${action} ${path}: it takes an administrator; run it with sudo, or use --user`,
      { cause: error },
    )
    : new ServiceError("failed", `Cannot ${action} ${path}: ${describeError(error)}`, {
      cause: error,
    });
}
