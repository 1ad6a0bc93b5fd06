import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { StoreError } from "../../src/store/files.ts";
import { SourceFile } from "../../src/store/source_file.ts";
import { randomBytesOf } from "../testing/transfers.ts";
import { FILES, withDirectory } from "./temp.ts";

/** Runs `use` with an open file of `bytes`. */
async function withSource(
  bytes: Bytes,
  use: (source: SourceFile, path: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const path = `${directory}/holiday.mp4`;
    await Deno.writeFile(path, bytes);
    const source = await SourceFile.open(path);
    try {
      await use(source, path);
    } finally {
      source.close();
    }
  });
}

async function read(source: SourceFile, offset: number, length: number): Promise<Bytes> {
  const buffer = new Uint8Array(length);
  return buffer.slice(0, await source.read(offset, buffer));
}

Deno.test(
  "SourceFile.open() knows the file's size, and its name without the path",
  FILES,
  async () => {
    for (const size of [0, 1, 70_000]) {
      await withSource(new Uint8Array(size), (source) => {
        assertEquals([source.name, source.size], ["holiday.mp4", size]);
        return Promise.resolve();
      });
    }
  },
);

Deno.test("SourceFile.open() takes names of any kind as they are", FILES, async () => {
  await withDirectory(async (directory) => {
    for (const name of ["-rf", "a b", "ü漢.txt", "__proto__", ".hidden", "x".repeat(200)]) {
      await Deno.writeTextFile(`${directory}/${name}`, "abc");
      const source = await SourceFile.open(`${directory}/${name}`);
      assertEquals([source.name, source.size], [name, 3]);
      source.close();
    }
  });
});

Deno.test("SourceFile.open() refuses what is no regular file", FILES, async () => {
  await withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "");
    const paths = ["", directory, `${directory}/`, `${directory}/none`, `${directory}/file/below`];
    for (const path of [...paths, `${directory}/a\0b`]) {
      const error = await assertRejects(() => SourceFile.open(path), StoreError);
      assertEquals(error.code, "unreadable", path);
      assertMatch(error.message, /^Cannot read .*: ./s);
    }
  });
});

Deno.test("SourceFile.open() follows a link to a file", FILES, async () => {
  if (Deno.build.os === "windows") return;
  await withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "abc");
    await Deno.symlink("file", `${directory}/link`);
    const source = await SourceFile.open(`${directory}/link`);
    assertEquals([source.name, source.size], ["link", 3]);
    source.close();
  });
});

Deno.test(
  "SourceFile.read() fills the buffer from any offset, and less at the end",
  FILES,
  async () => {
    const random = seededRandom(1);
    const bytes = randomBytesOf(random, 10_000);
    await withSource(bytes, async (source) => {
      const cases: readonly (readonly [offset: number, length: number])[] = [
        [0, 0],
        [0, 10_000],
        [0, 10_001],
        [9_999, 1],
        [9_999, 2],
        [10_000, 1],
        [20_000, 100],
        ...Array.from(
          { length: 50 },
          () => [randomBelow(random, 11_000), randomBelow(random, 11_000)] as const,
        ),
      ];
      for (const [offset, length] of cases) {
        const expected = bytes.slice(offset, offset + length);
        assertEquals(await read(source, offset, length), expected, `${offset}, ${length}`);
      }
    });
  },
);

Deno.test(
  "SourceFile.read() shows a file that has changed, within or beyond its size",
  FILES,
  async () => {
    await withSource(new Uint8Array(1_000).fill(1), async (source, path) => {
      await Deno.writeFile(path, new Uint8Array(2_000).fill(2));
      assertEquals(await read(source, 500, 1_000), new Uint8Array(1_000).fill(2));
      await Deno.truncate(path, 600);
      assertEquals(await read(source, 500, 1_000), new Uint8Array(100).fill(2));
      assertEquals(await read(source, 600, 1), new Uint8Array());
      assertEquals(source.size, 1_000);
    });
  },
);

Deno.test("SourceFile.read() reads on a file that was removed", FILES, async () => {
  if (Deno.build.os === "windows") return;
  await withSource(new Uint8Array(10).fill(7), async (source, path) => {
    await Deno.remove(path);
    assertEquals(await read(source, 0, 10), new Uint8Array(10).fill(7));
  });
});

Deno.test("SourceFile.read() after close() is unreadable, and says no path", FILES, async () => {
  await withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "abc");
    const source = await SourceFile.open(`${directory}/file`);
    source.close();
    const error = await assertRejects(() => read(source, 0, 3), StoreError);
    assertEquals(error.code, "unreadable");
    assertMatch(error.message, /^Cannot read file: ./);
  });
});

Deno.test("SourceFile.read() gives each of two readers at once its own bytes", FILES, async () => {
  await withDirectory(async (directory) => {
    const bytes = randomBytesOf(seededRandom(2), 4_000_000);
    await Deno.writeFile(`${directory}/f`, bytes);
    const source = await SourceFile.open(`${directory}/f`);
    const offsets = [0, 1_000_000, 2_000_000, 3_000_000];
    let wrong = 0;
    for (let round = 0; round < 10; round++) {
      await Promise.all(offsets.map(async (offset) => {
        const b = new Uint8Array(262_144);
        await source.read(offset, b);
        if (b[0] !== bytes[offset] || b[262143] !== bytes[offset + 262143]) wrong++;
      }));
    }
    source.close();
    assertEquals(wrong, 0);
  });
});
