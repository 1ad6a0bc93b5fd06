/** `hamlet version` */

import { SUPPORTED_VERSIONS } from "../../noise/hello.ts";
import type { CommandContext } from "../commands.ts";
import { EXIT } from "../usage_error.ts";
import { VERSION } from "../version.ts";

// deno-lint-ignore require-await -- every command resolves with its exit code
export async function run({ flags, write }: CommandContext): Promise<number> {
  const { min, max } = SUPPORTED_VERSIONS;
  const view = {
    version: VERSION,
    runtime: `deno ${Deno.version.deno}`,
    target: Deno.build.target,
    json_protocols: ["1.0", "1.1"],
    sealed_versions: { min, max },
  };
  write(
    flags.has("json")
      ? JSON.stringify(view, null, 2) + "\n"
      : `hamlet ${view.version} (${view.runtime}, ${view.target}; JSON discovery 1.0 and 1.1, ` +
        `sealed protocol ${min === max ? min : `${min} to ${max}`})\n`,
  );
  return EXIT.ok;
}
