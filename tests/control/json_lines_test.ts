import { assertEquals } from "@std/assert";
import { settle } from "../../src/base/clock.ts";
import { JsonLines } from "../../src/control/json_lines.ts";

const PURE = { permissions: "none" } as const;

function openLines(maxLines: number) {
  let gone = 0;
  const lines = new JsonLines({ maxLines, onGone: () => gone++ });
  return { lines, gone: () => gone };
}

/** What a client reads, line by line. */
async function read({ response }: JsonLines): Promise<readonly unknown[]> {
  const text = await response.text();
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

Deno.test("JsonLines tells in order, and ends", PURE, async () => {
  const { lines, gone } = openLines(8);
  assertEquals(lines.response.headers.get("content-type"), "application/x-ndjson");
  const reading = read(lines);
  for (const n of [1, 2, 3]) assertEquals(lines.push({ n }), true);
  await settle();
  lines.push({ n: 4 });
  lines.end({ n: 5 });
  assertEquals(lines.push({ n: 6 }), false);
  lines.end({ n: 7 });
  assertEquals(await reading, [1, 2, 3, 4, 5].map((n) => ({ n })));
  assertEquals(gone(), 0);
});

Deno.test(
  "JsonLines.end() in the same turn as a line that was asked for closes once",
  PURE,
  async () => {
    const { lines } = openLines(8);
    const reading = read(lines);
    await settle();
    lines.push({ n: 1 });
    lines.push({ n: 2 });
    await settle();
    lines.end();
    assertEquals(await reading, [{ n: 1 }, { n: 2 }]);
  },
);

Deno.test("JsonLines holds so many lines for who does not read, and no more", PURE, async () => {
  const { lines, gone } = openLines(3);
  // One more, which the stream itself has taken.
  for (const n of [0, 1, 2, 3]) assertEquals(lines.push({ n }), true, `${n}`);
  assertEquals(lines.push({ n: 4 }), false);
  lines.cut({ ended: true });
  assertEquals(await read(lines), [{ n: 0 }, { ended: true }]);
  assertEquals(gone(), 0);
});

Deno.test("JsonLines says once that its client went", PURE, async () => {
  const { lines, gone } = openLines(3);
  lines.push({ n: 0 });
  await lines.response.body?.cancel();
  assertEquals([gone(), lines.push({ n: 1 })], [1, false]);
  lines.end();
  assertEquals(gone(), 1);
});
