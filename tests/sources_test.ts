/** What holds for the text of every module of the program. */

import { assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

async function* modulesIn(directory: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    if (isDirectory) yield* modulesIn(new URL(`${name}/`, directory));
    else if (name.endsWith(".ts")) yield new URL(name, directory);
  }
}

// The runtime holds a module's text in one byte a character only while every character is ASCII.
Deno.test("every module of the program is ASCII: others take twice their length of memory", async () => {
  const wide: string[] = [];
  for (const directory of ["src/", "std/"]) {
    for await (const module of modulesIn(new URL(directory, ROOT))) {
      // deno-lint-ignore no-control-regex
      const found = /[^\x00-\x7f]/.exec(await Deno.readTextFile(module));
      if (found) wide.push(`${module.pathname.slice(ROOT.pathname.length)} at ${found.index}`);
    }
  }
  assertEquals(wide, []);
});
