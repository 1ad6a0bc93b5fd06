/**
 * Whether a laptop's lid is closed, on Linux: `/proc/acpi/button/lid/LID.../state` says `state:      open`.
 */

import type { HostSource } from "./reading.ts";

export type LidState = "open" | "closed";

const ROOT = "/proc/acpi/button/lid";
const SAFE_NAME = /^\w{1,16}$/;

/** The state of the lid; `undefined` where there is none that says. */
export async function readLid(
  source: Pick<HostSource, "list" | "readText">,
): Promise<LidState | undefined> {
  const names = (await source.list(ROOT)).filter((name) => SAFE_NAME.test(name));
  const [name] = names.sort();
  if (name === undefined) return undefined;
  const text = await source.readText(`${ROOT}/${name}/state`);
  const word = /^state:\s+(open|closed)\s*$/.exec(text ?? "")?.[1];
  return word === "open" || word === "closed" ? word : undefined;
}
