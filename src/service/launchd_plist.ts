/**
 * The agent as a launchd job of macOS: the text of its property list (launchd.plist(5)). Pure.
 *
 * launchd has no signs of life and no limit on memory that it would enforce; what is left is to start the agent
 * at login or with the machine, and again when it fails.
 */

import type { ServicePlan } from "./service_plan.ts";

export const JOB_LABEL = "org.hamlet.agent";

/** A failing start is repeated no sooner. */
const THROTTLE_S = 10;
const MAX_FILES = 16_384;

type Value = string | number | boolean | readonly string[] | { readonly [key: string]: Value };

/** The list's text; what the agent logs goes to `logPath`. Throws `RangeError` for what XML cannot hold. */
export function launchdPlist(plan: ServicePlan, logPath: string): string {
  const { launch, scope, user, environment } = plan;
  const job: { readonly [key: string]: Value } = {
    Label: JOB_LABEL,
    ProgramArguments: [launch.program, ...launch.args],
    ...(environment.length > 0 && { EnvironmentVariables: Object.fromEntries(environment) }),
    ...(scope === "system" && user ? { UserName: user } : {}),
    RunAtLoad: true,
    // Stopped by its owner, it ends with 0 and stays stopped.
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: THROTTLE_S,
    ProcessType: "Background",
    Umask: 0o077,
    SoftResourceLimits: { NumberOfFiles: MAX_FILES },
    StandardErrorPath: logPath,
  };
  return '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" ' +
    '"http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n' +
    `<plist version="1.0">\n${write(job, 0)}</plist>\n`;
}

function write(value: Value, depth: number): string {
  const margin = "  ".repeat(depth);
  if (typeof value === "string") return `${margin}<string>${escapeXml(value)}</string>\n`;
  if (typeof value === "number") return `${margin}<integer>${value}</integer>\n`;
  if (typeof value === "boolean") return `${margin}<${value}/>\n`;
  if (isList(value)) {
    const items = value.map((item) => write(item, depth + 1)).join("");
    return `${margin}<array>\n${items}${margin}</array>\n`;
  }
  const entries = Object.entries(value).map(([key, item]) =>
    `${margin}  <key>${escapeXml(key)}</key>\n${write(item, depth + 1)}`
  ).join("");
  return `${margin}<dict>\n${entries}${margin}</dict>\n`;
}

function isList(value: Value): value is readonly string[] {
  return Array.isArray(value);
}

/** Throws `RangeError` for letters that no XML 1.0 document may hold (section 2.2), escaped or not. */
function escapeXml(text: string): string {
  // deno-lint-ignore no-control-regex -- these are what is looked for
  if (!text.isWellFormed() || /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text)) {
    throw new RangeError(
      `Cannot write property list: ${JSON.stringify(text)} does not fit into XML`,
    );
  }
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    // A reader of XML makes a line feed of it.
    .replaceAll("\r", "&#13;");
}
