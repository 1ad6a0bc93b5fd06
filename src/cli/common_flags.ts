/**
 * Flags that many commands take.
 */

import type { Flag } from "./flags.ts";

export const STATE: Flag = {
  name: "state",
  kind: "text",
  value: "DIR",
  help: "State directory (default: HAMLET_STATE, or your system's place for such files)",
};
export const CONFIG: Flag = {
  name: "config",
  kind: "text",
  value: "FILE|off",
  help: "Configuration file (default: HAMLET_CONFIG, or hamlet.json where it is looked for)",
};
export const JSON_FLAG: Flag = { name: "json", kind: "switch", help: "Print JSON instead of text" };
export const WATCH: Flag = {
  name: "watch",
  short: "w",
  kind: "switch",
  help: "Show it again every second until Ctrl-C",
};
