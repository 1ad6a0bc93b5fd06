import { assert, assertEquals } from "@std/assert";
import { ENVIRONMENT, PERMISSION_FLAGS } from "../../src/base/permissions.ts";
import { AGENT_FLAGS } from "../../src/base/self.ts";

const ROOT = new URL("../../", import.meta.url);

/** Every source file of the program, with its text. */
async function sources(directory = new URL("src/", ROOT)): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const url = new URL(isDirectory ? `${name}/` : name, directory);
    if (isDirectory) found.push(...await sources(url));
    else if (name.endsWith(".ts")) found.push([url.pathname, await Deno.readTextFile(url)]);
  }
  return found;
}

Deno.test("PERMISSION_FLAGS never ask, never give all, and load no foreign code", {
  permissions: "none",
}, () => {
  assert(PERMISSION_FLAGS.includes("--no-prompt"));
  for (const flag of PERMISSION_FLAGS) {
    assert(!/^(-A|--allow-all|--allow-(ffi|import)|--allow-(env|sys)$)/.test(flag), flag);
  }
});

// A name that is not listed would be absent without a word.
Deno.test("ENVIRONMENT lists every variable that the program names", async () => {
  const unlisted: string[] = [];
  for (const [path, text] of await sources()) {
    for (const [, name = ""] of text.matchAll(/\benv(?:\.get)?\(\s*"([A-Za-z_0-9]+)"/g)) {
      const isListed = ENVIRONMENT.some((listed) =>
        listed.endsWith("*") ? name.startsWith(listed.slice(0, -1)) : name === listed
      );
      if (!isListed) unlisted.push(`${path}: ${name}`);
    }
  }
  assertEquals(unlisted, []);
});

Deno.test("deno.json starts the program with the listed permissions", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const flags = PERMISSION_FLAGS.map((flag) => flag.includes("*") ? `'${flag}'` : flag).join(" ");
  assertEquals(tasks.hamlet.command, `deno run ${flags} main.ts`);
  // Agents load modules and packages when they need them: those must be there when the network is not, and compiled.
  const prepare = "deno cache main.ts";
  assertEquals(tasks.demo.command, `${prepare} && deno run ${flags} main.ts demo`);
  const start = `deno run ${AGENT_FLAGS.join(" ")} ${flags} main.ts up`;
  assertEquals(tasks.start.command, `${prepare} && ${start}`);
});
