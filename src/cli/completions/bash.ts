/**
 * Completion for bash 3.2 and later.
 *
 * Nothing of what is typed is evaluated or expanded: words are compared, and names of files are left to the shell's
 * own completion, which quotes them.
 */

import { type CompletedCommand, type Completion, completionOfFlag } from "./completion.ts";

/** The script, to be sourced. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  return [
    "# Completion of hamlet for bash. To have it in every shell, where bash-completion is installed:",
    "#   mkdir -p ~/.local/share/bash-completion/completions",
    "#   hamlet completions bash > ~/.local/share/bash-completion/completions/hamlet",
    "# and where it is not, in ~/.bashrc:",
    "#   source <(hamlet completions bash)",
    "",
    HELPERS,
    "# Whether a flag takes a value: $1 is COMMAND:FLAG.",
    "_hamlet_takes_value() {",
    '  case "$1" in',
    `    ${valuesOf(commands).map(([pattern]) => pattern).join(" | ")}) return 0 ;;`,
    "  esac",
    "  return 1",
    "}",
    "",
    "# Offers the values of such a flag.",
    "_hamlet_value() {",
    '  case "$1" in',
    ...byAnswer(valuesOf(commands)),
    "  esac",
    "}",
    "",
    "# The operands: $1 is COMMAND:POSITION.",
    "_hamlet_operand() {",
    '  case "$1" in',
    ...operandsOf(commands).map(([pattern, answer]) => `    ${pattern}) ${answer} ;;`),
    "    *) _hamlet_nothing ;;",
    "  esac",
    "}",
    "",
    "_hamlet_flags() {",
    '  case "$1" in',
    ...commands.map(({ name, flags }) =>
      `    ${name}) _hamlet_words ${flags.map((flag) => `--${flag.name}`).join(" ")} ;;`
    ),
    "  esac",
    "}",
    "",
    MAIN.replace("COMMANDS", commands.map(({ name }) => name).join(" ")),
  ].join("\n");
}

const HELPERS = `# Those of its arguments that begin as what is typed.
_hamlet_words() {
  local word
  _hamlet_nothing
  for word in "$@"; do
    [[ "$word" == "$cur"* ]] && COMPREPLY+=("$word")
  done
  return 0
}

# What the shell itself offers for files and directories; older ones offer files for both.
_hamlet_files() { compopt -o default 2>/dev/null; return 0; }
_hamlet_directories() { compopt -o plusdirs +o default 2>/dev/null; return 0; }
_hamlet_nothing() { compopt +o default 2>/dev/null; return 0; }

_hamlet_peers() {
  local id name
  _hamlet_nothing
  while IFS=$'\\t' read -r id name; do
    [[ "$id" == "$cur"* ]] && COMPREPLY+=("$id")
  done < <(command hamlet complete-peers 2>/dev/null)
  return 0
}
`;

const MAIN = `_hamlet() {
  local cur prev command word flag index position=0
  COMPREPLY=()
  cur=\${COMP_WORDS[COMP_CWORD]}
  prev=\${COMP_WORDS[COMP_CWORD - 1]}
  # The shell takes --flag=value for three words.
  if [[ "$cur" == "=" ]]; then
    cur=""
  elif [[ "$prev" == "=" && COMP_CWORD -gt 2 ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if [[ COMP_CWORD -le 1 ]]; then
    _hamlet_words COMMANDS
    return 0
  fi
  command=\${COMP_WORDS[1]}
  for ((index = 2; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    flag=\${COMP_WORDS[index - 1]}
    [[ "$word" == "=" ]] && continue
    [[ "$flag" == "=" ]] && flag=\${COMP_WORDS[index - 2]}
    # After --, the words are those of another command.
    [[ "$word" == "--" ]] && return 0
    [[ "$word" == -* ]] && continue
    _hamlet_takes_value "$command:$flag" || ((position += 1))
  done
  if _hamlet_takes_value "$command:$prev"; then
    _hamlet_value "$command:$prev"
  elif [[ "$cur" == -* ]]; then
    _hamlet_flags "$command"
  else
    _hamlet_operand "$command:$position"
  fi
}

complete -o default -F _hamlet hamlet
`;

type Case = readonly [pattern: string, answer: string];

function valuesOf(commands: readonly CompletedCommand[]): readonly Case[] {
  return commands.flatMap(({ name, flags }) =>
    flags.filter(({ kind }) => kind !== "switch").flatMap((flag): readonly Case[] => {
      const answer = answerOf(completionOfFlag(flag));
      const spellings = flag.short ? [`--${flag.name}`, `-${flag.short}`] : [`--${flag.name}`];
      return spellings.map((spelling) => [`${name}:${spelling}`, answer]);
    })
  );
}

function operandsOf(commands: readonly CompletedCommand[]): readonly Case[] {
  return commands.flatMap(({ name, operands, isLastRepeated }) =>
    operands.map((operand, index): Case => {
      const isLast = index === operands.length - 1;
      return [`${name}:${isLast && isLastRepeated ? "*" : index}`, answerOf(operand)];
    })
  );
}

function answerOf({ words, hasFiles, hasDirectories, hasPeers }: Completion): string {
  // Files are offered only where no word is: else a word beside them would be the only choice.
  const guard = hasFiles ? '[[ "$cur" ]] && ' : "";
  const answers = [
    ...(hasPeers ? ["_hamlet_peers"] : []),
    ...(words.length > 0 ? [`${guard}_hamlet_words ${words.join(" ")}`] : []),
    ...(hasFiles ? ["_hamlet_files"] : []),
    ...(hasDirectories ? ["_hamlet_directories"] : []),
  ];
  return answers.length > 0 ? answers.join("; ") : "_hamlet_nothing";
}

/** One branch for all cases with the same answer. */
function byAnswer(cases: readonly Case[]): readonly string[] {
  const patterns = Map.groupBy(cases, ([, answer]) => answer);
  return [...patterns].map(([answer, group]) =>
    `    ${group.map(([pattern]) => pattern).join(" | ")}) ${answer} ;;`
  );
}
