import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import {
  createFile,
  ensureDirectory,
  lockFile,
  makePrivate,
  readFile,
  removeFile,
  replaceFile,
  setAside,
  StoreError,
} from "../../src/store/files.ts";
import { FILES, modeOf, namesIn, withDirectory } from "./temp.ts";

const OLD = encodeUtf8("old");
const NEW = encodeUtf8("new");
const IS_WINDOWS = Deno.build.os === "windows";

async function codeOf(call: () => Promise<unknown>): Promise<string> {
  const error = await assertRejects(call, StoreError);
  assert(!error.message.includes("\n"), "one line");
  return error.code;
}

Deno.test("readFile() gives bytes, and undefined for no file", FILES, async () => {
  await withDirectory(async (dir) => {
    assertEquals(await readFile(`${dir}/none`, 10), undefined);
    await Deno.writeFile(`${dir}/file`, OLD);
    assertEquals(await readFile(`${dir}/file`, 10), new Uint8Array(OLD));
  });
});

Deno.test("readFile() reads up to its bound and refuses one byte more", FILES, async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/file`;
    await Deno.writeFile(path, new Uint8Array(100));
    assertEquals((await readFile(path, 100))?.length, 100);
    assertEquals(await codeOf(() => readFile(path, 99)), "too_large");
  });
});

Deno.test("readFile() says unreadable of what is no file", FILES, async () => {
  await withDirectory(async (dir) => {
    assertEquals(await codeOf(() => readFile(dir, 1e9)), "unreadable");
  });
});

Deno.test("replaceFile() replaces whole, privately, and leaves nothing beside", FILES, async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/file`;
    await replaceFile(path, OLD);
    await replaceFile(path, NEW);
    assertEquals(await Deno.readTextFile(path), "new");
    assertEquals(await namesIn(dir), ["file"]);
    assertEquals(await modeOf(path), IS_WINDOWS ? undefined : 0o600);
  });
});

Deno.test(
  "replaceFile() leaves the old file when its successor cannot be written",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      // The longest name that a file system takes leaves no room for the successor's suffix.
      const path = `${dir}/${"a".repeat(250)}`;
      await Deno.writeFile(path, OLD);
      assertEquals(await codeOf(() => replaceFile(path, NEW)), "unwritable");
      assertEquals(await Deno.readTextFile(path), "old");
      assertEquals((await namesIn(dir)).length, 1);
    });
  },
);

Deno.test("replaceFile() leaves nothing beside when the rename fails", FILES, async () => {
  await withDirectory(async (dir) => {
    await Deno.mkdir(`${dir}/taken/inside`, { recursive: true });
    assertEquals(await codeOf(() => replaceFile(`${dir}/taken`, NEW)), "unwritable");
    assertEquals(await namesIn(dir), ["taken"]);
    assertEquals(await codeOf(() => replaceFile(`${dir}/none/file`, NEW)), "unwritable");
  });
});

Deno.test("replaceFile() called many times at once leaves one whole file", FILES, async () => {
  await withDirectory(async (dir) => {
    const contents = Array.from({ length: 20 }, (_, n) => encodeUtf8(`${n}`.repeat(10_000)));
    await Promise.all(contents.map((bytes) => replaceFile(`${dir}/file`, bytes)));
    const text = await Deno.readTextFile(`${dir}/file`);
    assert(contents.some((bytes) => new TextDecoder().decode(bytes) === text));
    assertEquals(await namesIn(dir), ["file"]);
  });
});

Deno.test("createFile() lets exactly one of many win, and never replaces", FILES, async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/file`;
    const tries = Array.from({ length: 20 }, (_, n) => createFile(path, encodeUtf8(`${n}`)));
    const results = await Promise.allSettled(tries);
    const winners = results.flatMap(({ status }, n) => status === "fulfilled" ? [n] : []);
    assertEquals(winners.length, 1);
    for (const result of results) {
      if (result.status === "rejected") assertEquals(result.reason.code, "exists");
    }
    assertEquals(await Deno.readTextFile(path), `${winners[0]}`);
    assertEquals(await namesIn(dir), ["file"]);
    assertEquals(await modeOf(path), IS_WINDOWS ? undefined : 0o600);
  });
});

Deno.test("createFile() says unwritable where nothing can be written", FILES, async () => {
  await withDirectory(async (dir) => {
    assertEquals(await codeOf(() => createFile(`${dir}/none/file`, NEW)), "unwritable");
  });
});

Deno.test("makePrivate() takes the rights of others away and says so", {
  ...FILES,
  ignore: IS_WINDOWS,
}, async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/file`;
    await Deno.writeFile(path, OLD);
    for (
      const [mode, wasExposed] of [[0o644, true], [0o640, true], [0o604, true], [
        0o600,
        false,
      ]] as const
    ) {
      await Deno.chmod(path, mode);
      assertEquals(await makePrivate(path), wasExposed, mode.toString(8));
      assertEquals(await modeOf(path), 0o600);
    }
  });
});

Deno.test("makePrivate() and lockFile() fail with this layer's error", FILES, async () => {
  await withDirectory(async (dir) => {
    assertEquals(await codeOf(() => lockFile(`${dir}/none/lock`)), "unwritable");
    await assertRejects(() => makePrivate(`${dir}/none`), StoreError);
  });
});

Deno.test(
  "ensureDirectory() makes private directories, parents included, and keeps what is there",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      await ensureDirectory(`${dir}/a/b`);
      await Deno.writeFile(`${dir}/a/b/file`, OLD);
      await ensureDirectory(`${dir}/a/b`);
      assertEquals(await namesIn(`${dir}/a/b`), ["file"]);
      const mode = IS_WINDOWS ? undefined : 0o700;
      assertEquals([await modeOf(`${dir}/a`), await modeOf(`${dir}/a/b`)], [mode, mode]);
      await Deno.writeFile(`${dir}/file`, OLD);
      assertEquals(await codeOf(() => ensureDirectory(`${dir}/file`)), "unwritable");
    });
  },
);

Deno.test("setAside() moves a file to a name that tells when", FILES, async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/peers.json`;
    await Deno.writeFile(path, OLD);
    const aside = await setAside(path, Date.UTC(2025, 5, 15, 15, 6, 40, 7));
    assertEquals(aside, `${path}.damaged-2025-06-15T15-06-40-007Z`);
    assertEquals(await namesIn(dir), ["peers.json.damaged-2025-06-15T15-06-40-007Z"]);
    assertEquals(await codeOf(() => setAside(path, 0)), "unwritable");
  });
});

Deno.test("removeFile() takes a missing file for removed", FILES, async () => {
  await withDirectory(async (dir) => {
    await Deno.writeFile(`${dir}/file`, OLD);
    await removeFile(`${dir}/file`);
    await removeFile(`${dir}/file`);
    assertEquals(await namesIn(dir), []);
  });
});

Deno.test("lockFile() holds a file for one at a time", FILES, async () => {
  await withDirectory(async (dir) => {
    const release = await lockFile(`${dir}/lock`);
    assertEquals(await codeOf(() => lockFile(`${dir}/lock`)), "locked");
    assertEquals(await codeOf(() => lockFile(`${dir}/lock`)), "locked");
    release();
    const again = await lockFile(`${dir}/lock`);
    again();
    assertEquals(await modeOf(`${dir}/lock`), IS_WINDOWS ? undefined : 0o600);
  });
});
