/** The portable file, as somebody has it who got that file and nothing else. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { eventually } from "./agent_process.ts";
import { LOOPBACK } from "./counterpart_wire.ts";
import { Device } from "./device.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/compile.ts", import.meta.url));
const isUnix = Deno.build.os !== "windows";
const isRoot = isUnix && Deno.uid() === 0;

/** Unpacks 90 MB of runtime under whatever else the machine does. */
const BUILD_MS = 120_000;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Builds a portable file in `out`; resolves with its path. */
async function build(out: string, flags: readonly string[] = []): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SCRIPT, "--portable", "--json", "--out", out, ...flags],
    signal: AbortSignal.timeout(BUILD_MS),
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { built } = JSON.parse(new TextDecoder().decode(stdout));
  return `${out}/${built[0].file}`;
}

/** Where `text` stands in `bytes`. */
function find(bytes: Uint8Array, text: string): { readonly start: number; readonly end: number } {
  const script = new TextDecoder("latin1").decode(bytes.subarray(0, 20_000));
  const start = script.indexOf(text);
  assert(start >= 0, text);
  return { start, end: start + text.length };
}

/** The file in a directory of its own, and a home beside it. */
class Lodger implements AsyncDisposable {
  readonly root: string;
  readonly #children: Deno.ChildProcess[] = [];

  private constructor(root: string) {
    this.root = root;
  }

  static async create(): Promise<Lodger> {
    const root = await Deno.makeTempDir({ prefix: "hamlet-portable-" });
    for (const name of ["built", "alone", "home"]) await Deno.mkdir(`${root}/${name}`);
    await Deno.rename(await build(`${root}/built`), `${root}/alone/hamlet`);
    return new Lodger(root);
  }

  get file(): string {
    return `${this.root}/alone/hamlet`;
  }

  /** Starts it in an empty directory, with an empty PATH and no other variables than these. */
  spawn(args: readonly string[], env: Record<string, string> = {}): Deno.ChildProcess {
    const child = new Deno.Command(this.file, {
      args: [...args],
      cwd: `${this.root}/home`,
      clearEnv: true,
      env: { PATH: "", HOME: `${this.root}/home`, HAMLET_CONFIG: "off", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#children.push(child);
    return child;
  }

  async run(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    const { code, stdout, stderr } = await this.spawn(args, env).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: decode(stdout), stderr: decode(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
    }
    await Deno.remove(this.root, { recursive: true });
  }
}

/** One line on standard error, of a program that did not start. */
function assertRefused({ code, stdout, stderr }: Outcome, reason: RegExp): void {
  assertMatch(stderr, /^hamlet: [^\n]+\n$/);
  assertMatch(stderr, reason);
  assertEquals([code, stdout], [1, ""]);
}

Deno.test({ name: "the portable file", ignore: !isUnix }, async (t) => {
  await using lodger = await Lodger.create();
  const cache = `${lodger.root}/cache`;
  const env = { HAMLET_CACHE: cache };
  const original = await Deno.readFile(lodger.file);

  await t.step({
    name: "says what is missing where it has no place to unpack",
    ignore: isRoot,
    async fn() {
      assertRefused(await lodger.run(["version"], { HOME: "" }), /neither HOME nor HAMLET_CACHE/);
    },
  });

  await t.step("started twice at once, unpacks once", async () => {
    const both = await Promise.all([
      lodger.run(["version"], env),
      lodger.run(["version"], env),
    ]);
    for (const { code, stdout, stderr } of both) {
      assertEquals([code, stderr], [0, ""]);
      assertMatch(stdout, /^hamlet \d+\.\d+\.\d+ /);
    }
    const [home, ...others] = [...Deno.readDirSync(cache)].map(({ name }) => name);
    assertEquals(others, [], "nothing temporary is left");
    assertEquals((Deno.statSync(cache).mode ?? 0) & 0o777, 0o700);
    const names = [...Deno.readDirSync(`${cache}/${home}`)].map(({ name }) => name).sort();
    assertEquals(names.filter((name) => name !== "runtime-cache"), [
      "checked",
      "program",
      "runtime",
    ]);
  });

  await t.step("unpacks into its user's cache by default", async () => {
    // Root's own has another place, which a test leaves alone.
    const where = isRoot ? { XDG_CACHE_HOME: `${lodger.root}/home/.cache` } : {};
    assertEquals((await lodger.run(["version"], where)).code, 0);
    const place = !isRoot && Deno.build.os === "darwin" ? "Library/Caches" : ".cache";
    assert(Deno.statSync(`${lodger.root}/home/${place}/hamlet`).isDirectory);
  });

  await t.step("alone, with an empty PATH, joins a village as a member", async () => {
    await using alice = await Device.start("alice");
    const token = await alice.invite();
    const state = ["--state", `${lodger.root}/state`];
    const joined = await lodger.run(["join", token, "--name", "bob", ...state], env);
    assertEquals([joined.code, joined.stderr], [0, ""]);
    const agent = lodger.spawn([
      ...["up", ...state, "--listen", LOOPBACK, "--port", "0", "--mdns", "off"],
    ], env);
    await eventually(
      "bob to be with alice",
      async () => (await alice.present()).join() === "alice,bob",
    );
    const { stdout } = await lodger.run(["members", "--json", ...state], env);
    const { members } = JSON.parse(stdout);
    assertEquals(members.map(({ name }: { name: string }) => name).sort(), ["alice", "bob"]);
    agent.kill("SIGTERM");
    assertEquals((await agent.output()).code, 0);
  });

  await t.step("starts itself again: the demo's agents", async () => {
    const { code, stdout } = await lodger.run(
      ["demo", "--nodes", "3", "--legacy", "1", "--json"],
      env,
    );
    assertEquals([code, JSON.parse(stdout).ok], [0, true]);
  });

  await t.step("is refused when it is cut short, or another, cached or not", async () => {
    const fresh = { HAMLET_CACHE: `${lodger.root}/fresh` };
    const flipped = original.slice();
    flipped[original.length - 1_000] = (flipped[original.length - 1_000] ?? 0) ^ 1;
    // One more permission in the script itself: as long as before.
    const { start, end } = find(original, "--allow-run ");
    const wider = original.slice();
    wider.set(new TextEncoder().encode("--allow-ffi "), start);
    assertEquals(end - start, "--allow-ffi ".length);
    const cut = [original.slice(0, -1), original.slice(0, 5_000_000)];
    for (const damaged of [...cut, flipped, wider]) {
      await Deno.writeFile(lodger.file, damaged);
      for (const where of [fresh, env]) {
        assertRefused(await lodger.run(["version"], where), /is damaged \(.*\); get it again/);
      }
    }
    await Deno.writeFile(lodger.file, original);
    assertEquals((await lodger.run(["version"], env)).code, 0);
  });

  await t.step("unpacks again what was damaged in its cache", async () => {
    const [home] = [...Deno.readDirSync(cache)].map(({ name }) => name);
    const whole = `${cache}/${home}/program`;
    const chunk = [...Deno.readDirSync(whole)].find(({ name }) => name.startsWith("version-"));
    // Also what a power failure leaves: files that are there and empty.
    for (
      const damage of [
        () => Deno.truncate(`${cache}/${home}/runtime`, 1_000),
        () => Deno.truncate(`${whole}/main.js`),
        () => Deno.remove(`${whole}/${chunk?.name}`),
        () => Deno.truncate(`${cache}/${home}/checked`),
      ]
    ) {
      await damage();
      const { code, stdout } = await lodger.run(["version"], env);
      assertEquals(code, 0);
      assertMatch(stdout, /^hamlet /);
    }
  });

  await t.step("says what machine it is for where it cannot run", async () => {
    const runtime = `${lodger.root}/other`;
    // An ELF header for 64-bit ARM (or x86-64, where this is one), and nothing behind it.
    const machine = Deno.build.arch === "aarch64" ? 62 : 183;
    const header = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, ...new Array(9).fill(0), 2, 0, machine, 0];
    await Deno.writeFile(runtime, new Uint8Array([...header, ...new Array(100).fill(0)]));
    const foreign = await build(`${lodger.root}/built`, ["--runtime", runtime]);
    const child = new Deno.Command(foreign, { args: ["version"], env: { ...env, HOME: "" } });
    const { code, stdout, stderr } = await child.output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const outcome = { code, stdout: decode(stdout), stderr: decode(stderr) };
    assertRefused(outcome, /Cannot run on this machine \(\w+ \w+\): .* is for \w+-/);
  });

  await t.step("refuses a cache that others can write to, or that is a link", async () => {
    await Deno.mkdir(`${lodger.root}/shared`);
    await Deno.chmod(`${lodger.root}/shared`, 0o777);
    const shared = { HAMLET_CACHE: `${lodger.root}/shared` };
    assertRefused(await lodger.run(["version"], shared), /others may write to it/);
    await Deno.symlink(cache, `${lodger.root}/link`);
    const link = { HAMLET_CACHE: `${lodger.root}/link` };
    assertRefused(await lodger.run(["version"], link), /it is a symbolic link/);
  });

  await t.step({
    name: "refuses a cache that belongs to somebody else",
    ignore: !isRoot,
    async fn() {
      await Deno.mkdir(`${lodger.root}/foreign`, { mode: 0o700 });
      await Deno.chown(`${lodger.root}/foreign`, 65_534, 65_534);
      const foreign = { HAMLET_CACHE: `${lodger.root}/foreign` };
      assertRefused(await lodger.run(["version"], foreign), /belongs to somebody else/);
    },
  });

  await t.step("knows its own place, however it was called", async () => {
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", "../home/../alone/hamlet service install --print"],
      cwd: `${lodger.root}/home`,
      env: { ...env, HAMLET_CONFIG: "off" },
    });
    const unit = new TextDecoder().decode((await child.output()).stdout);
    assert(unit.includes(`${await Deno.realPath(lodger.file)}`), unit);
  });

  await t.step("heeds no variables and files of the runtime's", async () => {
    await Deno.writeTextFile(`${lodger.root}/home/deno.json`, "{ broken");
    const { code, stdout } = await lodger.run(["id", "--state", `${lodger.root}/state`], {
      ...env,
      DENO_V8_FLAGS: "--no-such-flag",
      DENO_DIR: "/dev/null/none",
    });
    assertEquals(code, 0);
    assertMatch(stdout, /^[a-z2-7]{52}\n$/);
  });
});
