import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { StoreError } from "../../src/store/files.ts";
import { JobDirectory } from "../../src/store/job_directory.ts";
import { FILES, modeOf, namesIn, withDirectory } from "./temp.ts";

const WALL_MS = 1_750_000_000_000;
/** Ids as jobs have them: base32 of 16 bytes. */
const [A, B, C] = ["a", "b", "c"].map((letter) => letter.repeat(26)) as [string, string, string];

function directoryIn(path: string): JobDirectory {
  return new JobDirectory({ path: `${path}/jobs`, wallMs: () => WALL_MS });
}

Deno.test("JobDirectory keeps parts, texts and modules, privately", FILES, async () => {
  await withDirectory(async (path) => {
    const jobs = directoryIn(path);
    assertEquals([await jobs.list(), await jobs.read(A, "spec")], [[], { kind: "missing" }]);
    await jobs.write(A, "spec", { name: "sphere" });
    await jobs.write(A, "spec", { name: "cube" });
    await jobs.writeText(A, "history", "a,b\n1,2\n");
    await jobs.writeModule(A, "ts", encodeUtf8("export {}"));
    assertEquals(await jobs.list(), [A]);
    assertEquals(await namesIn(`${path}/jobs/${A}`), ["history.csv", "module.ts", "spec.json"]);
    assertEquals(await jobs.read(A, "spec"), { kind: "found", value: { name: "cube" } });
    assertEquals(
      await Deno.readTextFile(`${path}/jobs/${A}/spec.json`),
      '{"version":1,"spec":{"name":"cube"}}\n',
    );
    assertEquals(await jobs.readText(A, "history"), "a,b\n1,2\n");
    assertEquals(await jobs.readText(A, "plot"), undefined);
    assertEquals(await jobs.readModule(A, "ts"), encodeUtf8("export {}"));
    assertEquals(await jobs.readModule(A, "js"), undefined);
    assertEquals(await modeOf(`${path}/jobs/${A}/spec.json`), 0o600);
  });
});

Deno.test(
  "JobDirectory.read() sets aside what was cut, and what another version wrote",
  FILES,
  async () => {
    await withDirectory(async (path) => {
      const jobs = directoryIn(path);
      const whole = '{"version":1,"checkpoint":{"search":[1,2,3]}}\n';
      const cuts = Array.from({ length: whole.length - 2 }, (_, n) => whole.slice(0, n));
      const wrong = [
        ...cuts,
        '{"version":2,"checkpoint":{}}',
        '{"version":1,"ledger":{}}',
        "[]",
        "null",
      ];
      for (const [index, text] of wrong.entries()) {
        await jobs.write(A, "spec", {});
        const file = `${path}/jobs/${A}/checkpoint.json`;
        await Deno.writeTextFile(file, text);
        const part = await jobs.read(A, "checkpoint");
        assert(part.kind === "damaged", `${index}: ${text}`);
        assertStringIncludes(part.aside ?? "", "checkpoint.json.damaged-2025-06-15T15-06-40");
        assertEquals(await Deno.readTextFile(part.aside ?? ""), text);
        assertEquals(await jobs.read(A, "checkpoint"), { kind: "missing" });
        assertEquals((await jobs.read(A, "spec")).kind, "found", "the others are as they were");
      }
    });
  },
);

Deno.test(
  "JobDirectory.write() refuses what is too large, and keeps what was there",
  FILES,
  async () => {
    await withDirectory(async (path) => {
      const jobs = directoryIn(path);
      await jobs.write(A, "result", 1);
      await assertRejects(
        () => jobs.write(A, "result", "x".repeat(4 * 2 ** 20)),
        StoreError,
        "exceed",
      );
      assertEquals(await jobs.read(A, "result"), { kind: "found", value: 1 });
      await jobs.writeModule(A, "js", new Uint8Array(2 ** 20));
      const larger = new Uint8Array(2 ** 20 + 1);
      await assertRejects(() => jobs.writeModule(A, "js", larger), StoreError, "1048577 bytes");
    });
  },
);

Deno.test("JobDirectory takes no id that leads elsewhere", FILES, async () => {
  await withDirectory(async (path) => {
    const jobs = directoryIn(path);
    for (
      const id of ["", "..", "../x", "a/b", A.slice(1), A + "a", A.toUpperCase(), "0".repeat(26)]
    ) {
      assertThrows(() => jobs.directoryOf(id), TypeError, "no job id");
      await assertRejects(() => jobs.remove(id), TypeError);
    }
    await Deno.mkdir(`${path}/jobs/notes`, { recursive: true });
    assertEquals(await jobs.list(), []);
  });
});

Deno.test("JobDirectory.reap() removes the oldest that nobody keeps", FILES, async () => {
  await withDirectory(async (path) => {
    const jobs = directoryIn(path);
    for (const [index, id] of [A, B, C].entries()) {
      await jobs.write(id, "spec", {});
      await Deno.utime(jobs.directoryOf(id), WALL_MS / 1000, WALL_MS / 1000 + index);
    }
    assertEquals(await jobs.list(), [C, B, A]);
    assertEquals(await jobs.reap(new Set([A]), 3), []);
    assertEquals(await jobs.reap(new Set([A]), 2), [B]);
    assertEquals(await jobs.reap(new Set([A, C]), 1), [], "what is kept stays, whatever the limit");
    assertEquals(await jobs.reap(new Set(), 0), [A, C]);
    assertEquals(await jobs.list(), []);
    await jobs.remove(A);
  });
});
