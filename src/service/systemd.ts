/**
 * The agent as a service of systemd, by its own command `systemctl`.
 */

import { toPrintable } from "../base/guards.ts";
import {
  type Answer,
  readDescription,
  removeDescription,
  type RunCommand,
  ServiceError,
  type ServiceManager,
  writeDescription,
} from "./service_manager.ts";
import type { Scope } from "./service_plan.ts";
import { readSystemdState, type ServiceState, SHOWN_PROPERTIES } from "./service_state.ts";
import { systemdUnit, UNIT_NAME } from "./systemd_unit.ts";

export interface SystemdOptions {
  readonly scope: Scope;
  readonly run: RunCommand;
  /** Where units of this scope lie. */
  readonly directory: string;
}

const MAX_COMPLAINT_LENGTH = 300;

export class Systemd implements ServiceManager {
  readonly path: string;
  readonly describe = systemdUnit;
  readonly #options: SystemdOptions;

  constructor(options: SystemdOptions) {
    this.#options = options;
    this.path = `${options.directory}/${UNIT_NAME}`;
  }

  async install(text: string): Promise<"installed" | "updated" | "unchanged"> {
    await this.#checkRuns();
    const before = await readDescription(this.path);
    const { state, enabled } = await this.state();
    const isSame = before === text;
    if (isSame && state === "active" && enabled) return "unchanged";
    if (!isSame) await writeDescription(this.path, text);
    await this.#command("daemon-reload");
    // What failed five times in a row would not be tried again for a while.
    await this.#systemctl("reset-failed", UNIT_NAME);
    await this.#command("enable", UNIT_NAME);
    const started = await this.#systemctl(isSame ? "start" : "restart", UNIT_NAME);
    if (started.code !== 0) throw this.#notStarted(started);
    return before === undefined ? "installed" : "updated";
  }

  async uninstall(): Promise<void> {
    await this.#checkRuns();
    if (await readDescription(this.path) === undefined) {
      throw new ServiceError(
        "not_installed",
        `Cannot remove the service: there is none at ${this.path}` + this.#elsewhere(),
      );
    }
    await this.#command("disable", "--now", UNIT_NAME);
    await removeDescription(this.path);
    await this.#command("daemon-reload");
    await this.#systemctl("reset-failed", UNIT_NAME);
  }

  async state(): Promise<ServiceState> {
    const { scope } = this.#options;
    const { code, output, complaint } = await this.#systemctl(
      ...["show", UNIT_NAME, "--no-pager", `--property=${SHOWN_PROPERTIES.join(",")}`],
    );
    if (code !== 0) throw notReached(scope, complaint);
    return readSystemdState(output, { scope, path: this.path });
  }

  /** Throws {@link ServiceError} `unsupported` before anything is written. */
  async #checkRuns(): Promise<void> {
    await this.state();
  }

  async #command(...args: readonly string[]): Promise<void> {
    const { code, complaint } = await this.#systemctl(...args);
    if (code === 0) return;
    const reason = lastLine(complaint);
    const isDenied = /access denied|authentication|permission denied/i.test(complaint);
    throw new ServiceError(
      isDenied ? "denied" : "failed",
      `Cannot ${args[0]} the service: ${reason}` + (isDenied ? "; run it with sudo" : ""),
    );
  }

  async #systemctl(...args: readonly string[]): Promise<Answer> {
    const { scope, run } = this.#options;
    const answer = await run("systemctl", [...(scope === "user" ? ["--user"] : []), ...args]);
    if (answer) return answer;
    throw new ServiceError(
      "unsupported",
      "Cannot use systemd: this system has no systemctl; " +
        "have your own service manager run: hamlet up (see: hamlet service install --print)",
    );
  }

  #notStarted({ complaint }: Answer): ServiceError {
    const option = this.#options.scope === "user" ? " --user" : "";
    return new ServiceError(
      "failed",
      `Cannot start the service: ${lastLine(complaint.replaceAll(/\n?See .*$/gs, ""))}; ` +
        `see why: journalctl${option} -u ${UNIT_NAME} -n 20`,
    );
  }

  #elsewhere(): string {
    const other = this.#options.scope === "user" ? "system (with sudo)" : "user";
    return `; see also: hamlet service uninstall --${other}`;
  }
}

function notReached(scope: Scope, complaint: string): ServiceError {
  const next = scope === "user"
    ? "log in as this user (not by su or sudo), or make it a service of the machine: " +
      "sudo hamlet service install --system"
    : "this system was not started by systemd; have your own service manager run: hamlet up";
  return new ServiceError(
    "unsupported",
    `Cannot reach systemd: ${lastLine(complaint)}; ${next}`,
  );
}

function lastLine(text: string): string {
  const line = text.trim().split("\n").at(-1) ?? "";
  return toPrintable(line, MAX_COMPLAINT_LENGTH).replace(/[.\s]+$/, "") || "it gave no reason";
}
