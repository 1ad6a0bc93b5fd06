/**
 * What the program may do: the one list from which the compiled file, the portable file, `deno task` and
 * the children that the program starts of itself all get their permissions.
 *
 * Reading, writing and the network are whole: `hamlet send` reads any file, `--state` and `--inbox` may be
 * anywhere, and peers are anywhere. `run` is whole for what a person asks for (`hamlet on`, `hamlet demo`)
 * and for the system's own sensors; a running agent gives up what it does not need (`cli/privileges.ts`). No
 * foreign code is loaded: neither `ffi` nor `import` is here.
 */

/** Variables that the program looks at. All others are absent to it, and passed on to its children. */
export const ENVIRONMENT: readonly string[] = Object.freeze([
  "APPDATA",
  "HAMLET_*",
  "HOME",
  "LANG",
  "LOCALAPPDATA",
  "NOTIFY_SOCKET",
  "PATH",
  "SUDO_USER",
  "SystemRoot",
  "USER",
  "USERPROFILE",
  "WATCHDOG_PID",
  "WATCHDOG_USEC",
  "XDG_CONFIG_HOME",
  "XDG_STATE_HOME",
]);

/** Facts of the system that the runtime tells. */
export const SYSTEM_FACTS: readonly string[] = Object.freeze([
  "cpus",
  "hostname",
  "networkInterfaces",
  "statfs",
  "systemMemoryInfo",
  "uid",
]);

/** The permissions as flags of `deno run` and `deno compile`. Whoever lacks one is told, never asked. */
export const PERMISSION_FLAGS: readonly string[] = Object.freeze([
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-run",
  `--allow-env=${ENVIRONMENT.join(",")}`,
  "--ignore-env",
  `--allow-sys=${SYSTEM_FACTS.join(",")}`,
]);
