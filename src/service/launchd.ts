/**
 * The agent as a job of launchd, by its own command `launchctl`.
 */

import { toPrintable } from "../base/guards.ts";
import { JOB_LABEL, launchdPlist } from "./launchd_plist.ts";
import {
  readDescription,
  removeDescription,
  type RunCommand,
  ServiceError,
  type ServiceManager,
  writeDescription,
} from "./service_manager.ts";
import type { Scope, ServicePlan } from "./service_plan.ts";
import { readLaunchdState, type ServiceState } from "./service_state.ts";

export interface LaunchdOptions {
  readonly scope: Scope;
  readonly run: RunCommand;
  /** Where property lists of this scope lie. */
  readonly directory: string;
  /** Whose session a user's job belongs to. */
  readonly uid: number;
}

const MAX_COMPLAINT_LENGTH = 300;

export class Launchd implements ServiceManager {
  readonly path: string;
  readonly #options: LaunchdOptions;
  readonly #domain: string;

  constructor(options: LaunchdOptions) {
    this.#options = options;
    this.path = `${options.directory}/${JOB_LABEL}.plist`;
    this.#domain = options.scope === "system" ? "system" : `gui/${options.uid}`;
  }

  describe(plan: ServicePlan): string {
    return launchdPlist(plan, `${plan.writable[0]}/agent.log`);
  }

  async install(text: string): Promise<"installed" | "updated" | "unchanged"> {
    const before = await readDescription(this.path);
    const { state, enabled } = await this.state();
    if (before === text && state === "active") return "unchanged";
    if (before !== text) await writeDescription(this.path, text);
    if (enabled) await this.#launchctl("bootout", `${this.#domain}/${JOB_LABEL}`);
    const { code, complaint } = await this.#launchctl("bootstrap", this.#domain, this.path);
    if (code !== 0) throw refused("start", complaint);
    return before === undefined ? "installed" : "updated";
  }

  async uninstall(): Promise<void> {
    const { enabled } = await this.state();
    if (await readDescription(this.path) === undefined) {
      throw new ServiceError(
        "not_installed",
        `Cannot remove the service: there is none at ${this.path}`,
      );
    }
    if (enabled) {
      const { code, complaint } = await this.#launchctl(
        "bootout",
        `${this.#domain}/${JOB_LABEL}`,
      );
      if (code !== 0) throw refused("stop", complaint);
    }
    await removeDescription(this.path);
  }

  async state(): Promise<ServiceState> {
    const { code, output } = await this.#launchctl("print", `${this.#domain}/${JOB_LABEL}`);
    const installed = await readDescription(this.path) !== undefined;
    const { scope } = this.#options;
    return readLaunchdState(code === 0 ? output : undefined, { scope, path: this.path, installed });
  }

  async #launchctl(...args: readonly string[]) {
    const answer = await this.#options.run("launchctl", args);
    if (answer) return answer;
    throw new ServiceError("unsupported", "Cannot use launchd: this system has no launchctl");
  }
}

function refused(action: string, complaint: string): ServiceError {
  const reason = toPrintable(complaint.trim().split("\n").at(-1) ?? "", MAX_COMPLAINT_LENGTH);
  return new ServiceError(
    "failed",
    `Cannot ${action} the service: ${reason || "launchctl gave no reason"}`,
  );
}
