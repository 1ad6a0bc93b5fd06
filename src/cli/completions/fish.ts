/**
 * Completion for fish.
 */

import { type CompletedCommand, type Completion, completionOfFlag, isEmpty } from "./completion.ts";
import type { Flag } from "../flags.ts";

/** The script, for `~/.config/fish/completions/hamlet.fish`, or to be sourced. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  return [
    "# Completion of hamlet for fish. To have it in every shell:",
    "#   mkdir -p ~/.config/fish/completions",
    "#   hamlet completions fish > ~/.config/fish/completions/hamlet.fish",
    "",
    HELPERS,
    "complete -c hamlet -f",
    ...commands.map(({ name, summary }) =>
      `complete -c hamlet -n __hamlet_bare -a ${name} -d ${quoted(summary)}`
    ),
    ...commands.flatMap(commandLines),
    "",
  ].join("\n");
}

const HELPERS = `# Whether the command is still to be named.
function __hamlet_bare
    test (count (commandline -opc)) -eq 1
end

# Whether it is the first argument.
function __hamlet_using
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = "$argv[1]"
end

# Whether it is the first argument and its operand of the position that is the second is typed, or, for +N, that
# or a later one. The others are its flags that take a value.
function __hamlet_at
    __hamlet_using $argv[1]; or return 1
    set -l words (commandline -opc)
    set -l position 0
    set -l takes 0
    for word in $words[3..-1]
        if test $takes -eq 1
            set takes 0
        else if test "$word" = --
            return 1
        else if contains -- "$word" $argv[3..-1]
            set takes 1
        else if not string match -q -- '-*' "$word"
            set position (math $position + 1)
        end
    end
    switch $argv[2]
        case '+*'
            test $position -ge (string sub -s 2 -- $argv[2])
        case '*'
            test $position -eq $argv[2]
    end
end

function __hamlet_peers
    command -q hamlet; and command hamlet complete-peers 2>/dev/null
end
`;

function commandLines({ name, flags, operands, isLastRepeated }: CompletedCommand) {
  const valued = flags.filter(({ kind }) => kind !== "switch")
    .flatMap((flag) => flag.short ? [`--${flag.name}`, `-${flag.short}`] : [`--${flag.name}`]);
  const lines = flags.map((flag) => flagLine(name, flag));
  for (const [index, operand] of operands.entries()) {
    if (isEmpty(operand)) continue;
    const isRepeated = isLastRepeated && index === operands.length - 1;
    const condition = ["__hamlet_at", name, `${isRepeated ? "+" : ""}${index}`, ...valued];
    lines.push(`complete -c hamlet -n ${quoted(condition.join(" "))} ${answerOf(operand)}`);
  }
  return lines;
}

function flagLine(command: string, flag: Flag): string {
  const { name, short, kind, help } = flag;
  const spelled = `-l ${name}${short ? ` -s ${short}` : ""}`;
  const answer = kind === "switch" ? "" : ` -r ${answerOf(completionOfFlag(flag))}`;
  return `complete -c hamlet -n ${quoted(`__hamlet_using ${command}`)} ${spelled}${answer}` +
    ` -d ${quoted(help)}`;
}

function answerOf({ words, hasFiles, hasDirectories, hasPeers }: Completion): string {
  const lists = [
    ...words,
    ...(hasPeers ? ["(__hamlet_peers)"] : []),
    ...(hasDirectories ? ["(__fish_complete_directories)"] : []),
  ];
  const list = lists.length > 0 ? ` -a ${quoted(lists.join(" "))}` : "";
  return `${hasFiles ? "-F" : "-f"}${list}`;
}

/** In single quotes, in which fish knows two escapes. */
function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
