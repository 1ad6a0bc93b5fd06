/**
 * The agent as a systemd service: the text of its unit (systemd.service(5), systemd.exec(5)). Pure.
 *
 * What the agent may do is what it needs, and no more: it reads what its user may read (`hamlet send` names any
 * file), writes its state and its inbox, speaks TCP, multicast and netlink, and reads the sensors of `/proc` and
 * `/sys`. What is therefore left out: `PrivateTmp`, `ProtectHome=yes` and `PrivateNetwork` would hide files or
 * the LAN, `ProcSubset=pid` and `PrivateDevices` the sensors, and `MemoryDenyWriteExecute` forbids the compiler
 * in the JavaScript engine.
 *
 * A user's manager may not take capabilities away: what does so stands in system units only, since there it
 * would not start (systemd 252: `status=218/CAPABILITIES`).
 */

import { escapeValue, quoteArgument, quoteEntry, quoteProgram } from "./systemd_quoting.ts";
import type { ServicePlan } from "./service_plan.ts";

export const UNIT_NAME = "hamlet.service";

/**
 * What the agent may use before the kernel ends it: an idle one takes 60 to 90 MB, one of a village of a thousand
 * or amid transfers some 300.
 */
const MEMORY_MAX = "512M";
/** Long enough for a start on a first-generation board, which must also unpack a portable file. */
const START_S = 90;
/** The agent itself ends within two seconds. */
const STOP_S = 10;
/** After so long without a sign of life it is started anew. */
const WATCHDOG_S = 60;
/** A start that fails at once is not repeated for ever: five times in five minutes. */
const START_LIMIT = Object.freeze({ intervalS: 300, burst: 5, pauseS: 5 });
/** Below it a port is the system's. */
const FIRST_FREE_PORT = 1_024;

/** A cache of its own, made and given to the agent's user by systemd: that of whoever installed may be out of reach. */
const CACHE_LINES: readonly Line[] = [
  ["CacheDirectory", "hamlet"],
  ["CacheDirectoryMode", "0700"],
  ["Environment", "XDG_CACHE_HOME=%C"],
];

type Line = readonly [key: string, value: string | number];

/** The unit's text. Throws `RangeError` for paths that cannot be written. */
export function systemdUnit(plan: ServicePlan): string {
  const sections: readonly (readonly [name: string, lines: readonly Line[]])[] = [
    ["Unit", unitSection(plan)],
    ["Service", [...processLines(plan), ...limitLines(), ...sandboxLines(plan)]],
    ["Install", [["WantedBy", plan.scope === "system" ? "multi-user.target" : "default.target"]]],
  ];
  const text = sections.map(([name, lines]) =>
    `[${name}]\n${lines.map(([key, value]) => `${key}=${value}\n`).join("")}`
  ).join("\n");
  return `# Written by: hamlet service install\n${text}`;
}

function unitSection({ scope }: ServicePlan): readonly Line[] {
  const lines: readonly Line[] = [
    ["Description", escapeValue("hamlet: this device in its village")],
    ["StartLimitIntervalSec", START_LIMIT.intervalS],
    ["StartLimitBurst", START_LIMIT.burst],
  ];
  // A user's manager does not know the system's targets; the agent finds a network that comes later by itself.
  return scope === "user"
    ? lines
    : [...lines, ["Wants", "network-online.target"], ["After", "network-online.target"]];
}

function processLines({ launch, scope, user, environment }: ServicePlan): readonly Line[] {
  const command = [quoteProgram(launch.program), ...launch.args.map(quoteArgument)].join(" ");
  return [
    ["Type", "notify"],
    ["NotifyAccess", "main"],
    ["ExecStart", command],
    ...environment.map(([name, value]): Line => ["Environment", quoteEntry(`${name}=${value}`)]),
    ...(scope === "system" && user ? [["User", escapeValue(user)] as const] : []),
    ["Restart", "on-failure"],
    ["RestartSec", START_LIMIT.pauseS],
    ["WatchdogSec", WATCHDOG_S],
    ["TimeoutStartSec", START_S],
    ["TimeoutStopSec", STOP_S],
  ];
}

function limitLines(): readonly Line[] {
  return [
    ["MemoryMax", MEMORY_MAX],
    ["TasksMax", 256],
    // Every connection is one; the default is 1,024 and the agent takes 4,608.
    ["LimitNOFILE", 16_384],
  ];
}

function sandboxLines(plan: ServicePlan): readonly Line[] {
  return [
    ["UMask", "0077"],
    ["NoNewPrivileges", "yes"],
    ["ProtectSystem", "strict"],
    ["ProtectHome", "read-only"],
    ["ReadWritePaths", plan.writable.map(quoteEntry).join(" ")],
    ...(plan.needsCache ? CACHE_LINES : []),
    ["LockPersonality", "yes"],
    ["RestrictRealtime", "yes"],
    ["RestrictSUIDSGID", "yes"],
    ["RestrictNamespaces", "yes"],
    ["RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"],
    ["SystemCallArchitectures", "native"],
    ["SystemCallFilter", "@system-service"],
    ["SystemCallErrorNumber", "EPERM"],
    ...(plan.scope === "system" ? systemSandboxLines(plan) : []),
  ];
}

function systemSandboxLines({ port }: ServicePlan): readonly Line[] {
  const needsCapability = port !== undefined && port > 0 && port < FIRST_FREE_PORT;
  const capability = needsCapability ? "CAP_NET_BIND_SERVICE" : "";
  return [
    ["CapabilityBoundingSet", capability],
    ["AmbientCapabilities", capability],
    ["ProtectKernelTunables", "yes"],
    ["ProtectKernelModules", "yes"],
    ["ProtectKernelLogs", "yes"],
    ["ProtectControlGroups", "yes"],
    ["ProtectClock", "yes"],
    ["ProtectHostname", "yes"],
    ["ProtectProc", "invisible"],
    ["KeyringMode", "private"],
  ];
}
