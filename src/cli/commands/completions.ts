/** `hamlet completions` */

import type { CommandContext } from "../commands.ts";
import { bashScript } from "../completions/bash.ts";
import { completedCommands } from "../completions/completion.ts";
import { fishScript } from "../completions/fish.ts";
import { zshScript } from "../completions/zsh.ts";
import { oneOf } from "../flags.ts";
import { EXIT } from "../usage_error.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
const SCRIPTS = Object.freeze({ bash: bashScript, zsh: zshScript, fish: fishScript });

export function run({ flags, write }: CommandContext): Promise<number> {
  const shell = oneOf("hamlet completions", flags.positional[0] ?? "", SHELLS);
  write(SCRIPTS[shell](completedCommands()));
  return Promise.resolve(EXIT.ok);
}
