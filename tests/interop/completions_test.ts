/** Completions in the shells themselves, where they are installed: what is typed, and what each of them offers. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DEADLINE_MS } from "./counterpart_wire.ts";
import { hamlet } from "./agent_process.ts";

/** A program that answers as `hamlet complete-peers` does, and a directory with names that need care. */
const PEERS = "k5w2rq7a\tkitchen-pi\nm3x9aaaa\tAnnas desk\n";
const FILES = ["a b.txt", "$(touch pwned).txt", "q'uote.txt", "*"];

interface World {
  readonly directory: string;
  readonly script: string;
}

async function inWorld(shell: string, use: (world: World) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "hamlet-completions-" });
  try {
    const { code, stdout } = await hamlet(["completions", shell]);
    assertEquals(code, 0);
    const script = `${root}/script`;
    await Deno.writeTextFile(script, stdout);
    await Deno.mkdir(`${root}/bin`);
    await Deno.writeTextFile(`${root}/bin/hamlet`, `#!/bin/sh\nprintf '${PEERS}'\n`);
    await Deno.chmod(`${root}/bin/hamlet`, 0o755);
    const directory = `${root}/here`;
    await Deno.mkdir(`${directory}/sub`, { recursive: true });
    for (const name of FILES) await Deno.writeTextFile(`${directory}/${name}`, "");
    await use({ directory, script });
    assertEquals(
      [...Deno.readDirSync(directory)].map(({ name }) => name).toSorted(),
      [...FILES, "sub"].toSorted(),
      "completing runs nothing",
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** What a shell prints. A shell that hangs is killed and fails. */
async function run(
  [program = "", ...args]: readonly string[],
  { directory }: World,
): Promise<string> {
  const path = `${directory}/../bin:${Deno.env.get("PATH")}`;
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd: directory,
    env: { PATH: path, TERM: "dumb" },
    stdin: "null",
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals([code, decode(stderr)], [0, ""], args.join(" "));
  return decode(stdout);
}

async function has(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

/** A test that needs `shell`, and says so where it is not there. */
async function testIn(shell: string, name: string, use: (world: World) => Promise<void>) {
  const isThere = await has(shell);
  Deno.test({
    name: isThere ? name : `skipped, since ${shell} is not installed: ${name}`,
    ignore: !isThere,
    fn: () => inWorld(shell, use),
  });
}

// Words as the shell would split them: it takes = for a word of its own.
const BASH = `source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_hamlet
printf '%s\\n' "\${COMPREPLY[@]}"`;

await testIn("bash", "bash completes commands, flags, words, peers", async (world) => {
  const offers = async (...words: string[]) => {
    const text = await run(["bash", "--norc", "-c", BASH, "bash", world.script, ...words], world);
    return text.split("\n").filter(Boolean);
  };
  assertEquals(await offers("hamlet", "me"), ["members"]);
  assertEquals(await offers("hamlet", "up", "--leg"), ["--legacy"]);
  assertEquals(await offers("hamlet", "up", "--legacy", ""), ["off", "lan", "any"]);
  assertEquals(await offers("hamlet", "up", "--legacy", "="), ["off", "lan", "any"]);
  assertEquals(await offers("hamlet", "up", "--legacy", "=", "l"), ["lan"]);
  assertEquals(await offers("hamlet", "up", "--no-o"), ["--no-open"]);
  assertEquals(await offers("hamlet", "up", "--port", ""), []);
  assertEquals(await offers("hamlet", "completions", "z"), ["zsh"]);
  assertEquals(await offers("hamlet", "help", "ser"), ["service"]);
  assertEquals(await offers("hamlet", "service", "un"), ["uninstall"]);
  assertEquals(await offers("hamlet", "send", ""), ["k5w2rq7a", "m3x9aaaa"]);
  assertEquals(await offers("hamlet", "send", "--state", "/x", "k"), ["k5w2rq7a"]);
  assertEquals(await offers("hamlet", "send", "--state=/x", "k"), ["k5w2rq7a"]);
  // Files are the shell's own.
  assertEquals(await offers("hamlet", "send", "k5w2rq7a", "a"), []);
  assertEquals(await offers("hamlet", "on", "x", "--", "me"), []);
  assertEquals(await offers("hamlet", "nonsense", ""), []);
  for (const typed of ["$(touch pwned)", "`touch pwned`", "*", "'", '"', "\\", "a;touch pwned"]) {
    assertEquals(await offers("hamlet", typed), [], typed);
    assertEquals(await offers("hamlet", "up", "--legacy", typed), [], typed);
    assertEquals(await offers("hamlet", typed, typed, typed), [], typed);
  }
});

await testIn("fish", "fish completes commands, flags, words, peers and files", async (world) => {
  const line = "source $argv[1]; complete -C $argv[2]";
  const offers = async (typed: string) => {
    const text = await run(["fish", "--no-config", "-c", line, world.script, typed], world);
    return text.split("\n").filter(Boolean).map((each) => each.split("\t")[0]);
  };
  assertEquals(await offers("hamlet me"), ["members"]);
  assertEquals(await offers("hamlet up --leg"), ["--legacy"]);
  assertEquals(await offers("hamlet up --legacy "), ["any", "lan", "off"]);
  assertEquals(await offers("hamlet up --legacy=l"), ["--legacy=lan"]);
  assertEquals(await offers("hamlet up --no-o"), ["--no-open"]);
  assertEquals(await offers("hamlet up --port "), []);
  assertEquals(await offers("hamlet up --inbox "), ["off", "sub/"]);
  assertEquals(await offers("hamlet completions z"), ["zsh"]);
  assertEquals(await offers("hamlet help ser"), ["service"]);
  assertEquals(await offers("hamlet service un"), ["uninstall"]);
  assertEquals(await offers("hamlet send "), ["k5w2rq7a", "m3x9aaaa"]);
  assertEquals(await offers("hamlet send --state sub k"), ["k5w2rq7a"]);
  assertEquals(await offers("hamlet send k5w2rq7a q"), ["q'uote.txt"]);
  assertEquals(await offers("hamlet send k5w2rq7a a\\ b.txt q"), ["q'uote.txt"]);
  assertEquals(await offers("hamlet status "), []);
});

// A shell in a shell, since completion is of its line editor. What is typed last begins a line that never runs.
const ZSH = `zmodload zsh/zpty
zpty typed zsh -f -i
zpty -w typed "PROMPT= RPROMPT=; autoload -U compinit; compinit -u -D; source $1; print rea''dy"
zpty -r -m typed seen '*ready*'
zpty -n -w typed "$2"$'\\t'
zpty -r -m typed seen "*$3*"
zpty -d typed
print -r -- "$seen"`;

await testIn("zsh", "zsh completes commands, flags, words, peers and files", async (world) => {
  // In each, the one thing that fits, which zsh then writes; in the pattern, what is special is escaped.
  const cases: readonly (readonly [typed: string, completed: string, pattern?: string])[] = [
    ["hamlet me", "hamlet members"],
    ["hamlet up --leg", "hamlet up --legacy="],
    ["hamlet up --legacy=l", "hamlet up --legacy=lan"],
    ["hamlet up --legacy a", "hamlet up --legacy any"],
    ["hamlet up --no-o", "hamlet up --no-open"],
    ["hamlet up --inbox s", "hamlet up --inbox sub/"],
    ["hamlet completions z", "hamlet completions zsh"],
    ["hamlet help ser", "hamlet help service"],
    ["hamlet service un", "hamlet service uninstall"],
    ["hamlet send m", "hamlet send m3x9aaaa"],
    ["hamlet send m a", "hamlet send m a\\ b.txt", "hamlet send m a\\\\ b.txt"],
    ["hamlet send m q", "hamlet send m q\\'uote.txt", "hamlet send m q\\\\'uote.txt"],
  ];
  for (const [typed, completed, pattern = completed] of cases) {
    const seen = await run(["zsh", "-f", "-c", ZSH, "zsh", world.script, typed, pattern], world);
    assertStringIncludes(seen, completed, typed);
  }
});

for (const shell of ["bash", "zsh", "fish"]) {
  await testIn(
    shell,
    `hamlet completions ${shell} is a script that ${shell} can read`,
    async (world) => {
      await run([shell, "-n", world.script], world);
      const text = await Deno.readTextFile(world.script);
      assertMatch(text, new RegExp(`hamlet completions ${shell}`));
      assert(text.split("\n").length > 50);
    },
  );
}
