import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { PERMISSION_FLAGS } from "../../src/base/permissions.ts";
import { compileArguments, reasonOf } from "../../scripts/lib/compile/compiled.ts";
import { assemblePortable, fillIn, RUNTIME_ARGUMENTS } from "../../scripts/lib/compile/portable.ts";
import { formatSums, readSums } from "../../scripts/lib/compile/sums.ts";
import { fileNameOf, type Target, targetOf, TARGETS } from "../../scripts/lib/compile/targets.ts";

const LINUX: Target = "x86_64-unknown-linux-gnu";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The first bytes of programs, as the ELF specification and Mach-O's `loader.h` lay them out. */
const elf = (machine: number) => {
  const head = new Uint8Array(20);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head[18] = machine;
  return head;
};
const machO = (cpu: number) => {
  const head = new Uint8Array(20);
  head.set([0xcf, 0xfa, 0xed, 0xfe, cpu, 0, 0, 1]);
  return head;
};

Deno.test("targetOf() tells machines apart by the headers of their programs", () => {
  assertEquals(targetOf(elf(62)), "x86_64-unknown-linux-gnu");
  assertEquals(targetOf(elf(183)), "aarch64-unknown-linux-gnu");
  assertEquals(targetOf(machO(7)), "x86_64-apple-darwin");
  assertEquals(targetOf(machO(12)), "aarch64-apple-darwin");
  for (const none of [elf(3), machO(1), new Uint8Array(20), elf(62).subarray(0, 19)]) {
    assertEquals(targetOf(none), undefined);
  }
});

Deno.test("targetOf() knows the runtime that runs this", async () => {
  const file = await Deno.open(Deno.execPath());
  const head = new Uint8Array(20);
  await file.read(head);
  file.close();
  assertEquals(targetOf(head), TARGETS.find((target) => target === Deno.build.target));
});

Deno.test("fileNameOf() names version and target, and .exe for Windows alone", () => {
  assertEquals(fileNameOf("1.2.3", LINUX), "hamlet-1.2.3-x86_64-unknown-linux-gnu");
  assertEquals(
    fileNameOf("1.2.3", LINUX, { isPortable: true }),
    "hamlet-1.2.3-x86_64-unknown-linux-gnu-portable",
  );
  assertEquals(
    fileNameOf("1.2.3", "x86_64-pc-windows-msvc"),
    "hamlet-1.2.3-x86_64-pc-windows-msvc.exe",
  );
});

Deno.test("both kinds of file get the program's permissions, and not all", () => {
  const job = { target: LINUX, directory: "/b", path: "/out/h" };
  for (const args of [compileArguments(job), RUNTIME_ARGUMENTS]) {
    for (const flag of PERMISSION_FLAGS) assert(args.includes(flag), flag);
    for (const flag of ["-A", "--allow-all", "--allow-ffi", "--allow-import"]) {
      assert(!args.includes(flag), flag);
    }
    assert(args.includes("--no-prompt"));
  }
});

Deno.test("reasonOf() names two ways out where the base runtime cannot be had", () => {
  const line = reasonOf("Download https://example.org/denort.zip\nerror: sending request", LINUX);
  assertMatch(
    line,
    /^Cannot compile for x86_64-unknown-linux-gnu: [^\n]*DENORT_BIN[^\n]*--portable/,
  );
  assertMatch(reasonOf("error: disk full", LINUX), /: disk full$/);
});

Deno.test("fillIn() fills in what it knows, and refuses what it does not", () => {
  assertEquals(fillIn("a @ONE@ b @TWO@ $@ @one@", { ONE: 1, TWO: "$&" }), "a 1 b $& $@ @one@");
  assertThrows(() => fillIn("@THREE@", {}), TypeError, "@THREE@");
});

Deno.test("assemblePortable() says in the script where everything behind it is", async () => {
  const runtime = Uint8Array.of(1, 2, 3);
  const program = Uint8Array.of(4, 5);
  const template = "@VERSION@ @TARGET@ @SIZE@ @RUNTIME_AT@ @RUNTIME_SIZE@ @RUNTIME_BYTES@ " +
    "@PROGRAM_AT@ @PROGRAM_SIZE@\nhash=@HASH@\n";
  const parts = { version: "1.2.3", target: LINUX, template, runtimeBytes: 90, runtime, program };
  const [header = new Uint8Array(), payload] = await assemblePortable(parts);
  assertEquals(payload, Uint8Array.of(1, 2, 3, 4, 5));
  const { length } = header;
  const words = ["1.2.3", LINUX, length + 5, length + 1, 3, 90, length + 4, 2].join(" ");
  // SHA-256 of that line and the bytes 1 to 5, by sha256sum.
  const hash = "aac4c8d7c740438f731c53484d6ae9c79036fdb523f7358755d01b20c16f3692";
  assertEquals(new TextDecoder().decode(header), `${words}\nhash=${hash}\n`);
});

Deno.test("assemblePortable() starts the program by words that the shell leaves alone", async () => {
  const template = "hash=@HASH@\n@ARGUMENTS@\n";
  const empty = new Uint8Array();
  const parts = { version: "1", target: LINUX, template, runtimeBytes: 0 };
  const [header] = await assemblePortable({ ...parts, runtime: empty, program: empty });
  const [, words = ""] = new TextDecoder().decode(header).split("\n");
  // What the shell would expand stands in quotes.
  assertMatch(words, /^run ('--[^']+'|--[\w=,.:/-]+)( ('--[^']+'|--[\w=,.:/-]+))*$/);
});

/** Runs the script without a base runtime of its own. */
async function compile(args: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${ROOT}/scripts/compile.ts`, ...args],
    env: { NO_COLOR: "1", ...env },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

Deno.test("deno task compile names the nearest of the targets", async () => {
  const { code, stdout, stderr } = await compile(["--target", "aarch64-linux-gnu"]);
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /^[^\n]+ did you mean aarch64-unknown-linux-gnu\?; see --help\n$/);
});

Deno.test("deno task compile finds out that a base runtime is none", async () => {
  const out = await Deno.makeTempDir();
  try {
    // It compiles, and runs no program: this very runtime has commands of its own.
    const { code, stdout, stderr } = await compile(["--out", out], { DENORT_BIN: Deno.execPath() });
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^Cannot run [^\n]+ is no denort for this machine\n$/);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});

Deno.test("readSums() reads what sha256sum writes, and formatSums() writes it in order", () => {
  const sum = "ab".repeat(32);
  const text = `${sum}  b\n${sum} *a\ngarbage\n${sum.slice(1)}  c\n`;
  const sums = readSums(text);
  assertEquals([...sums.keys()], ["b", "a"]);
  assertEquals(formatSums(sums), `${sum}  a\n${sum}  b\n`);
});

Deno.test("the program declares nothing with `using`, which the bundler's minifier may drop", async () => {
  const wrong: string[] = [];
  for await (const path of sources(`${ROOT}/src`)) {
    if (/^\s*(await )?using \w+ = /m.test(await Deno.readTextFile(path))) wrong.push(path);
  }
  assertEquals(wrong, []);
});

async function* sources(directory: string): AsyncIterable<string> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) yield* sources(path);
    else if (name.endsWith(".ts")) yield path;
  }
}
