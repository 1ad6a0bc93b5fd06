/**
 * Completion for zsh, by its own `_arguments`, which reads flags wherever they stand.
 */

import { type CompletedCommand, type Completion, completionOfFlag } from "./completion.ts";
import type { Flag } from "../flags.ts";

/** The function, for a file called `_hamlet` in a directory of `$fpath`, or to be sourced. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  return [
    "#compdef hamlet",
    "# Completion of hamlet for zsh. To have it in every shell:",
    "#   mkdir -p ~/.zfunc; hamlet completions zsh > ~/.zfunc/_hamlet",
    "# and in ~/.zshrc, before compinit is called:",
    "#   fpath=(~/.zfunc $fpath)",
    "",
    HELPERS,
    "_hamlet() {",
    "  local context state state_descr line",
    "  typeset -A opt_args",
    "  _arguments -C '1:command:->command' '*::argument:->argument' && return",
    "  case $state in",
    "    command)",
    "      local -a commands=(",
    ...commands.map(({ name, summary }) => `        ${quoted(`${name}:${summary}`)}`),
    "      )",
    "      _describe -t commands command commands",
    "      ;;",
    "    argument)",
    "      case $words[1] in",
    ...commands.flatMap(commandCase),
    "      esac",
    "      ;;",
    "  esac",
    "}",
    "",
    "# Sourced, it is registered here; from $fpath, compinit has done so and this is its first call.",
    'if [[ "$funcstack[1]" == "_hamlet" ]]; then',
    '  _hamlet "$@"',
    "else",
    "  compdef _hamlet hamlet",
    "fi",
    "",
  ].join("\n");
}

const HELPERS = `_hamlet_peers() {
  local id name
  local -a peers
  while IFS=$'\\t' read -r id name; do
    peers+=("$id:$name")
  done < <(command hamlet complete-peers 2>/dev/null)
  _describe -t peers peer peers
}

# What the first argument, a completion, offers, and the words after it.
_hamlet_words_or() {
  local other=$1
  shift
  compadd -- "$@"
  \${=other}
}
`;

function commandCase({ name, flags, operands, isLastRepeated }: CompletedCommand) {
  const specs = [
    ...flags.flatMap(flagSpecs),
    ...operands.map((operand, index) => {
      const isRepeated = isLastRepeated && index === operands.length - 1;
      return quoted(`${isRepeated ? "*" : index + 1}:argument:${actionOf(operand)}`);
    }),
  ];
  return [
    `        ${name})`,
    `          _arguments -s -S ${specs.map((spec) => `\\\n            ${spec}`).join(" ")}`,
    "          ;;",
  ];
}

function flagSpecs(flag: Flag): readonly string[] {
  const { name, short, kind, value = "", help } = flag;
  const repeat = kind === "list" ? "*" : "";
  const about = `[${help.replaceAll(/[\\[\]]/g, "\\$&")}]`;
  const argument = kind === "switch"
    ? ""
    : `:${labelOf(value)}:${actionOf(completionOfFlag(flag))}`;
  const long = quoted(`${repeat}--${name}${kind === "switch" ? "" : "="}${about}${argument}`);
  return short ? [quoted(`${repeat}-${short}${about}${argument}`), long] : [long];
}

function actionOf({ words, hasFiles, hasDirectories, hasPeers }: Completion): string {
  const actions = [
    ...(hasPeers ? ["_hamlet_peers"] : []),
    ...(hasFiles ? ["_files"] : []),
    ...(hasDirectories ? ["_files -/"] : []),
  ];
  const [only = " "] = actions;
  if (words.length === 0) return only;
  if (actions.length === 0) return `(${words.join(" ")})`;
  // With a space before it, it is called with these arguments only.
  return ` _hamlet_words_or "${only}" ${words.join(" ")}`;
}

/** A value's name, in which a colon would end it. */
function labelOf(value: string): string {
  return value.replaceAll(/[\\:]/g, "\\$&");
}

/** In single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
