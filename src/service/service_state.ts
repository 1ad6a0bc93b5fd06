/**
 * How the service is, read from what `systemctl show` and `launchctl print` say. Pure.
 */

import type { Scope } from "./service_plan.ts";

/** Snake case: it is what `--json` prints. */
export interface ServiceState {
  readonly manager: "systemd" | "launchd";
  readonly scope: Scope;
  readonly path: string;
  readonly installed: boolean;
  /** Whether it starts by itself; `null` where that is not told. */
  readonly enabled: boolean | null;
  /** `active`, `activating`, `deactivating`, `failed` or `inactive`; `unknown` where that is not told. */
  readonly state: string;
  readonly since_unix_ms: number | null;
  readonly pid: number | null;
  /** How often the manager has started it anew. */
  readonly restarts: number | null;
  /** Why the last run ended, in the manager's word: `success`, `exit-code`, `watchdog`, `oom-kill`. */
  readonly result: string | null;
  /** What the agent says of itself. */
  readonly says: string | null;
}

/** The properties to ask systemd for. */
export const SHOWN_PROPERTIES: readonly string[] = Object.freeze([
  "LoadState",
  "ActiveState",
  "UnitFileState",
  "MainPID",
  "StateChangeTimestamp",
  "NRestarts",
  "Result",
  "StatusText",
]);

const STATES = ["active", "activating", "deactivating", "failed", "inactive"];
const MAX_WORD_LENGTH = 64;
const MAX_STATUS_LENGTH = 300;

/** Reads `KEY=value` lines that were asked for with `TZ=UTC`. What is missing or odd is `null`. */
export function readSystemdState(
  text: string,
  where: Pick<ServiceState, "scope" | "path">,
): ServiceState {
  const values = new Map(
    text.split("\n").flatMap((line) => {
      const at = line.indexOf("=");
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
    }),
  );
  const state = values.get("ActiveState") ?? "";
  const isInstalled = values.get("LoadState") === "loaded";
  const fileState = wordOf(values.get("UnitFileState"));
  return {
    manager: "systemd",
    ...where,
    installed: isInstalled,
    enabled: isInstalled && fileState !== null ? fileState.startsWith("enabled") : null,
    state: STATES.includes(state) ? state : "unknown",
    since_unix_ms: isInstalled ? timeOf(values.get("StateChangeTimestamp")) : null,
    pid: positive(values.get("MainPID")),
    restarts: isInstalled ? count(values.get("NRestarts")) : null,
    result: isInstalled ? wordOf(values.get("Result")) : null,
    says: values.get("StatusText")?.slice(0, MAX_STATUS_LENGTH) || null,
  };
}

/** Reads the first level of what `launchctl print` says; `undefined` of a job that is not loaded. */
export function readLaunchdState(
  text: string | undefined,
  where: Pick<ServiceState, "scope" | "path" | "installed">,
): ServiceState {
  const value = (key: string) => new RegExp(`^\\t${key} = (.+)$`, "m").exec(text ?? "")?.[1];
  const state = value("state");
  const code = value("last exit code");
  return {
    manager: "launchd",
    ...where,
    enabled: where.installed ? text !== undefined : null,
    state: state === "running" ? "active" : text === undefined ? "inactive" : state ?? "unknown",
    since_unix_ms: null,
    pid: positive(value("pid")),
    restarts: null,
    result: code === undefined || !/^\d+$/.test(code)
      ? null
      : code === "0"
      ? "success"
      : `exit-code`,
    says: null,
  };
}

/** `Sat 2026-11-28 02:16:21 UTC`. */
function timeOf(text: string | undefined): number | null {
  const match = /^\w{3} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC$/.exec(text ?? "");
  const ms = match ? Date.parse(`${match[1]}T${match[2]}Z`) : NaN;
  return Number.isFinite(ms) ? ms : null;
}

function wordOf(text: string | undefined): string | null {
  return text && text.length <= MAX_WORD_LENGTH && /^[\w-]+$/.test(text) ? text : null;
}

function count(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function positive(text: string | undefined): number | null {
  return count(text) || null;
}
