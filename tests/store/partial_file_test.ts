import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  CHUNK_BYTES,
  findPartial,
  InboxError,
  type InboxErrorCode,
  PartialFile,
} from "../../src/store/partial_file.ts";
import { FILES, modeOf, namesIn, withDirectory } from "./temp.ts";

const IS_WINDOWS = Deno.build.os === "windows";

async function codeOf(call: () => Promise<unknown>): Promise<InboxErrorCode> {
  const error = await assertRejects(call, InboxError);
  assert(!error.message.includes("\n"), "one line");
  return error.code;
}

/** Bytes that tell where they are from. */
function pattern(length: number, start = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (start + i) * 31 % 251);
}

interface Opened {
  readonly partial: PartialFile;
  /** What `release` was told, call by call. */
  readonly released: readonly boolean[];
}

async function open(dir: string, size: number, name = "a.txt"): Promise<Opened> {
  const path = `${dir}/partial`;
  const released: boolean[] = [];
  const release = (isKept: boolean) => void released.push(isKept);
  const held = await findPartial(path);
  const partial = await PartialFile.open({ path, directory: dir, name, size, release }, held);
  return { partial, released };
}

Deno.test("PartialFile appends, reads back and finishes with the same bytes", FILES, async () => {
  await withDirectory(async (dir) => {
    const { partial, released } = await open(dir, 300);
    assertEquals([partial.length, partial.missing], [0, 300]);
    for (const start of [0, 100, 200]) await partial.write(pattern(100, start));
    assertEquals([partial.length, partial.missing], [300, 0]);
    assertEquals(await modeOf(`${dir}/partial`), IS_WINDOWS ? undefined : 0o600);
    assertEquals(await partial.finish(), "a.txt");
    assertEquals(released, [false]);
    assertEquals(await Deno.readFile(`${dir}/a.txt`), pattern(300));
    assertEquals(await modeOf(`${dir}/a.txt`), IS_WINDOWS ? undefined : 0o600);
    assertEquals(await namesIn(dir), ["a.txt"]);
  });
});

Deno.test("PartialFile.finish() delivers an empty file", FILES, async () => {
  await withDirectory(async (dir) => {
    const { partial } = await open(dir, 0);
    assertEquals(await partial.finish(), "a.txt");
    assertEquals((await Deno.stat(`${dir}/a.txt`)).size, 0);
  });
});

Deno.test("PartialFile.open() keeps whole chunks, or all when all is there", FILES, async () => {
  const chunk = CHUNK_BYTES;
  assertEquals(chunk, 1024 * 1024);
  // Held, size, counted.
  const cases = [
    [0, 5, 0],
    [4, 5, 0],
    [5, 5, 5],
    [6, 5, 0],
    [chunk - 1, 3 * chunk, 0],
    [chunk, 3 * chunk, chunk],
    [chunk + 1, 3 * chunk, chunk],
    [2 * chunk - 1, 2 * chunk, chunk],
    [2 * chunk + 7, 2 * chunk + 7, 2 * chunk + 7],
    [2 * chunk + 7, 2 * chunk + 6, 0],
  ] as const;
  for (const [held, size, counted] of cases) {
    await withDirectory(async (dir) => {
      await Deno.writeFile(`${dir}/partial`, new Uint8Array(held));
      const { partial } = await open(dir, size);
      assertEquals(partial.length, counted, `${held} of ${size}`);
      assertEquals((await Deno.stat(`${dir}/partial`)).size, counted);
      await partial.close();
    });
  }
});

Deno.test(
  "PartialFile.read() fills what is held, and leaves the end to write()",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      const { partial } = await open(dir, 200);
      await partial.write(pattern(100));
      // Offset, buffer, read.
      for (
        const [offset, room, read] of [[0, 50, 50], [90, 50, 10], [100, 50, 0], [3, 0, 0]] as const
      ) {
        const buffer = new Uint8Array(room);
        assertEquals(await partial.read(offset, buffer), read);
        assertEquals(buffer.subarray(0, read), pattern(read, offset));
        assertEquals(buffer.subarray(read), new Uint8Array(room - read));
      }
      for (const offset of [-1, 0.5, 101, NaN]) {
        await assertRejects(() => partial.read(offset, new Uint8Array(1)), RangeError);
      }
      await partial.write(pattern(100, 100));
      await partial.finish();
      assertEquals(await Deno.readFile(`${dir}/a.txt`), pattern(200));
    });
  },
);

Deno.test("PartialFile.truncate() forgets the rest", FILES, async () => {
  await withDirectory(async (dir) => {
    const { partial } = await open(dir, 100);
    await partial.write(new Uint8Array(80).fill(9));
    await partial.truncate(30);
    assertEquals([partial.length, partial.missing], [30, 70]);
    assertEquals(await partial.read(0, new Uint8Array(80)), 30);
    for (const length of [-1, 31, 0.5]) {
      await assertRejects(() => partial.truncate(length), RangeError);
    }
    await partial.truncate(0);
    await partial.write(pattern(100));
    await partial.finish();
    assertEquals(await Deno.readFile(`${dir}/a.txt`), pattern(100));
  });
});

Deno.test("PartialFile.write() takes the size and refuses one byte more", FILES, async () => {
  await withDirectory(async (dir) => {
    const { partial } = await open(dir, 10);
    await assertRejects(() => partial.write(new Uint8Array(11)), RangeError, "11 exceeds 10");
    await partial.write(pattern(10));
    await assertRejects(() => partial.write(new Uint8Array(1)), RangeError, "11 exceeds 10");
    await partial.finish();
    assertEquals(await Deno.readFile(`${dir}/a.txt`), pattern(10));
  });
});

Deno.test(
  "PartialFile.finish() refuses while bytes are missing, and delivers nothing",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      const { partial, released } = await open(dir, 10);
      await partial.write(pattern(9));
      await assertRejects(() => partial.finish(), RangeError, "9 is not 10");
      assertEquals(await namesIn(dir), ["partial"]);
      assertEquals(released, []);
      await partial.write(pattern(1, 9));
      assertEquals(await partial.finish(), "a.txt");
    });
  },
);

Deno.test("PartialFile takes calls in turn, whoever waits for them", FILES, async () => {
  await withDirectory(async (dir) => {
    const { partial, released } = await open(dir, 2 * CHUNK_BYTES);
    const buffer = new Uint8Array(100);
    const calls = [
      partial.write(pattern(CHUNK_BYTES)),
      partial.read(50, buffer),
      partial.write(pattern(CHUNK_BYTES, CHUNK_BYTES)),
      partial.close(),
      partial.close(),
    ];
    const late = partial.write(new Uint8Array(1));
    assertEquals(await codeOf(() => late), "closed");
    await Promise.all(calls);
    assertEquals(buffer, pattern(100, 50));
    assertEquals(released, [true]);
    assertEquals(await Deno.readFile(`${dir}/partial`), pattern(2 * CHUNK_BYTES));
  });
});

Deno.test(
  "PartialFile.close() leaves no file that the next attempt would cut to nothing",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      const { partial, released } = await open(dir, CHUNK_BYTES);
      await partial.write(new Uint8Array(CHUNK_BYTES - 1));
      await partial.close();
      assertEquals(released, [false]);
      assertEquals(await namesIn(dir), []);
    });
  },
);

Deno.test("PartialFile.discard() removes the file, but not once it is closed", FILES, async () => {
  await withDirectory(async (dir) => {
    const first = await open(dir, 5);
    await first.partial.write(pattern(5));
    await first.partial.close();
    await first.partial.discard();
    assertEquals(await namesIn(dir), ["partial"]);
    const second = await open(dir, 5);
    assertEquals(second.partial.length, 5);
    await second.partial.discard();
    await second.partial.discard();
    await second.partial.close();
    assertEquals(await namesIn(dir), []);
    assertEquals([first.released, second.released], [[true], [false]]);
    for (
      const call of [
        () => second.partial.finish(),
        () => second.partial.truncate(0),
        () => second.partial.read(0, new Uint8Array(1)),
      ]
    ) assertEquals(await codeOf(call), "closed");
  });
});

/** Delivers five bytes under a name that things of every kind occupy, and returns the name found. */
async function deliverBesideOthers(dir: string): Promise<string> {
  await Deno.writeTextFile(`${dir}/a.txt`, "old");
  await Deno.mkdir(`${dir}/a (2).txt`);
  await Deno.symlink(`${dir}/nowhere`, `${dir}/a (3).txt`);
  await Deno.symlink(`${dir}/a.txt`, `${dir}/a (4).txt`);
  const { partial } = await open(dir, 5);
  await partial.write(pattern(5));
  const name = await partial.finish();
  assertEquals(await Deno.readTextFile(`${dir}/a.txt`), "old");
  assertEquals(await Deno.readFile(`${dir}/${name}`), pattern(5));
  assertEquals(await namesIn(dir), [
    "a (2).txt",
    "a (3).txt",
    "a (4).txt",
    "a (5).txt",
    "a.txt",
  ]);
  return name;
}

Deno.test("PartialFile.finish() takes the first free name and replaces nothing", {
  ...FILES,
  ignore: IS_WINDOWS,
}, async () => {
  await withDirectory(async (dir) => {
    assertEquals(await deliverBesideOthers(dir), "a (5).txt");
  });
});

/** The runtime with another way to link. */
async function withLink(other: typeof Deno.link, use: () => Promise<void>): Promise<void> {
  const { link } = Deno;
  Deno.link = other;
  try {
    await use();
  } finally {
    Deno.link = link;
  }
}

Deno.test("PartialFile.finish() replaces nothing where there are no links", {
  ...FILES,
  ignore: IS_WINDOWS,
}, async () => {
  const refuse = () => Promise.reject(new Deno.errors.PermissionDenied("no links here"));
  await withLink(refuse, () =>
    withDirectory(async (dir) => {
      assertEquals(await deliverBesideOthers(dir), "a (5).txt");
    }));
});

Deno.test("PartialFile.finish() gives up after 9999 taken names", FILES, async () => {
  const tried: string[] = [];
  const refuse = (_from: string, to: string) => {
    tried.push(to);
    return Promise.reject(new Deno.errors.AlreadyExists());
  };
  await withLink(refuse, () =>
    withDirectory(async (dir) => {
      const { partial, released } = await open(dir, 0);
      assertEquals(await codeOf(() => partial.finish()), "too_many");
      assertEquals(tried.length, 9_999);
      assertEquals([tried[0], tried[1]], [`${dir}/a.txt`, `${dir}/a (2).txt`]);
      assertEquals(tried.at(-1), `${dir}/a (9999).txt`);
      assertEquals(released, [true]);
    }));
});

Deno.test(
  "PartialFile.finish() leaves nothing in the inbox when the move fails",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      const { partial, released } = await open(dir, 5, "none/a.txt");
      await partial.write(pattern(5));
      assertEquals(await codeOf(() => partial.finish()), "unwritable");
      assertEquals(released, [true]);
      assertEquals(await namesIn(dir), ["partial"]);
      const again = await open(dir, 5);
      assertEquals(again.partial.length, 5);
      await Deno.remove(`${dir}/partial`);
      assertEquals(await codeOf(() => again.partial.finish()), "unwritable");
      assertEquals(await namesIn(dir), []);
    });
  },
);

Deno.test("PartialFile.write() says no_space of a full disk, and counts nothing", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const device = await Deno.open("/dev/full", { read: true, write: true });
  const options = { path: "", directory: "", name: "", size: 10, release: () => {} };
  const partial = new PartialFile(device, 0, options);
  assertEquals(await codeOf(() => partial.write(pattern(10))), "no_space");
  assertEquals(partial.length, 0);
  await partial.close();
});

Deno.test("findPartial() removes what is not a file of its own", {
  ...FILES,
  ignore: IS_WINDOWS,
}, async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/partial`;
    assertEquals(await findPartial(path), undefined);
    await Deno.writeTextFile(`${dir}/target`, "precious");
    await Deno.symlink(`${dir}/target`, path);
    assertEquals(await findPartial(path), undefined);
    await Deno.symlink(`${dir}/nowhere`, path);
    assertEquals(await findPartial(path), undefined);
    // What a crash between the link and the removal leaves.
    await Deno.link(`${dir}/target`, path);
    assertEquals(await findPartial(path), undefined);
    assertEquals(await namesIn(dir), ["target"]);
    assertEquals(await Deno.readTextFile(`${dir}/target`), "precious");
    await Deno.mkdir(`${path}/inside`, { recursive: true });
    assertEquals(await codeOf(() => findPartial(path)), "unwritable");
  });
});

Deno.test(
  "PartialFile.open() creates, and never opens what has appeared meanwhile",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      const path = `${dir}/partial`;
      await Deno.writeTextFile(path, "other");
      const options = { path, directory: dir, name: "a", size: 5, release: () => {} };
      assertEquals(await codeOf(() => PartialFile.open(options, undefined)), "unwritable");
      assertEquals(await Deno.readTextFile(path), "other");
    });
  },
);
