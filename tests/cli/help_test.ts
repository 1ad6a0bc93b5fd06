import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { readFilter } from "../../src/cli/commands/query.ts";
import { readUpConfig } from "../../src/cli/config.ts";
import { parseFlags } from "../../src/cli/flags.ts";
import { commandHelp, overview } from "../../src/cli/help.ts";

const PURE = { permissions: "none" } as const;
const LISTED = COMMANDS.filter(({ isHidden }) => !isHidden);
const SURROUNDINGS = {
  os: "linux",
  env: (name: string) => name === "HOME" ? "/home/u" : undefined,
};

/** The lines of the block under `heading`. */
function blockOf(text: string, heading: string): readonly string[] {
  const [, rest = ""] = text.split(`${heading}\n`);
  return (rest.split("\n\n")[0] ?? "").split("\n").filter(Boolean);
}

/** What a shell would make of an example, `hamlet` and the command's name taken away. */
function argumentsOf(example: string, name: string): readonly string[] {
  const own = (example.split(" | ").at(-1) ?? "").split(" > ")[0] ?? "";
  const [program, command, ...args] = [...own.matchAll(/'([^']*)'|\S+/g)]
    .map(([word, quoted]) => quoted ?? word).filter((word, index) => index > 0 || word !== "sudo");
  assertEquals([program, command], ["hamlet", name]);
  return args;
}

Deno.test("overview() lists every command once, and no hidden one", PURE, () => {
  const names = blockOf(overview(), "Commands:").filter((line) => /^ {2}\S/.test(line))
    .map((line) => line.trim().split(" ")[0]);
  assertEquals(names, [...LISTED.map(({ name }) => name), "help"]);
  for (const { summary } of LISTED) {
    assertEquals(flat(overview()).split(flat(summary)).length, 2, summary);
  }
  const hidden = COMMANDS.filter(({ isHidden }) => isHidden);
  assert(hidden.length > 0);
  for (const { name } of hidden) assertFalse(overview().includes(name));
});

Deno.test("overview() starts people with commands that parse", PURE, () => {
  const starts = [...overview().matchAll(/^(?:Start here:)?\s+(hamlet \S.*?)\s{2,}/gm)]
    .map(([, command]) => command?.trim() ?? "");
  assertEquals(starts, ["hamlet demo", "hamlet up", "hamlet invite"]);
  for (const start of starts) {
    const command = COMMANDS.find(({ name }) => name === start.split(" ")[1]);
    assert(command);
    parseFlags(argumentsOf(start, command.name), command.flags, command.name);
  }
});

/** Text without its line breaks, since help is set in lines of a width. */
function flat(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

Deno.test(
  "commandHelp() shows every flag of every command, with its value and its help",
  PURE,
  () => {
    for (const command of COMMANDS) {
      const text = commandHelp(command);
      const block = flat(blockOf(text, "Flags:").join(" "));
      const expected = command.flags.filter(({ isUnlisted }) => !isUnlisted).map((flag) => {
        const long = `--${flag.canBeDenied ? "[no-]" : ""}${flag.name}`;
        const short = flag.short ? `-${flag.short}, ` : "";
        return `${short}${long}${flag.value ? ` ${flag.value}` : ""} ${flag.help}`;
      });
      assertEquals(block, flat(expected.join(" ")), command.name);
      assertMatch(text, new RegExp(`^hamlet ${command.name}: .+\n\nUsage: hamlet ${command.name}`));
      assertStringIncludes(flat(text), flat(command.detail));
    }
  },
);

Deno.test("commandHelp() and overview() fit terminals of 80 columns", PURE, () => {
  // The name and the summary of a command are a title, which terminals may break.
  const texts = COMMANDS.map((command) => commandHelp(command).split("\n").slice(1).join("\n"));
  for (const text of [overview(), ...texts]) {
    for (const line of text.split("\n")) assert([...line].length <= 80, line);
  }
});

Deno.test("commandHelp() gives examples that the flag parser takes", PURE, () => {
  for (const command of COMMANDS) {
    const examples = command.examples.length > 0 ? blockOf(commandHelp(command), "Examples:") : [];
    assertEquals(examples.map((line) => line.trim()), [...command.examples]);
    for (const example of command.examples) {
      const flags = parseFlags(argumentsOf(example, command.name), command.flags, command.name);
      const [min, max] = command.operandCount ?? [0, 0];
      const { length } = flags.positional;
      if (command.name === "query") readFilter(flags.text("where") ?? "");
      assert(length >= min && length <= max, example);
      if (command.name === "up") readUpConfig(flags, SURROUNDINGS);
    }
    if (!command.isHidden) assert(command.examples.length > 0, command.name);
  }
});

Deno.test("COMMANDS have flags that cannot be mistaken for one another", PURE, () => {
  assertEquals(new Set(COMMANDS.map(({ name }) => name)).size, COMMANDS.length);
  for (const { name, flags, operands, operandCount } of COMMANDS) {
    const spellings = flags.flatMap((flag) => flag.short ? [flag.name, flag.short] : [flag.name]);
    assertEquals(new Set(spellings).size, spellings.length, name);
    for (const flag of flags) {
      assertMatch(flag.name, /^[a-z][a-z-]+$/, "what checkValues() recognises");
      assertEquals(flag.kind === "switch", flag.value === undefined, `${name} --${flag.name}`);
    }
    assert(flags.some((flag) => flag.name === "help"), name);
    assertEquals(operands === undefined, operandCount === undefined, name);
  }
});
