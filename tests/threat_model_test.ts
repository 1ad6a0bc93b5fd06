/** The tests that PROTOCOL.md's threat model names must exist under those names. */

import { assert, assertEquals } from "@std/assert";

/** A file below `tests/`, or the title of a test in the file named last. */
const CITATION = /`((?:[a-z_]+\/)+[a-z_]+_test\.ts)`|"([^"]+)"/g;

Deno.test("PROTOCOL.md section 10 names tests that exist", async () => {
  const text = await Deno.readTextFile(new URL("../PROTOCOL.md", import.meta.url));
  const [, rest = ""] = text.split("## 10. Threat model");
  const [section = ""] = rest.split("\n## ");
  const missing: string[] = [];
  let titles = 0;
  let [file, code] = ["", ""];
  for (const [, named, title = ""] of section.matchAll(CITATION)) {
    if (named) {
      file = named;
      code = await Deno.readTextFile(new URL(file, import.meta.url));
      continue;
    }
    titles++;
    if (!code.includes(`"${title.replaceAll(/\s+/g, " ")}"`)) missing.push(`${file}: ${title}`);
  }
  assert(titles > 15, `only ${titles} titles are cited`);
  assertEquals(missing, []);
});
