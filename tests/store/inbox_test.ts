import { assert, assertEquals, assertRejects } from "@std/assert";
import { Inbox, type InboxOptions, MAX_PARTIAL_FILES, type Offer } from "../../src/store/inbox.ts";
import {
  CHUNK_BYTES,
  InboxError,
  type InboxErrorCode,
  type PartialFile,
} from "../../src/store/partial_file.ts";
import { FILES, modeOf, namesIn, withDirectory } from "./temp.ts";

const IS_WINDOWS = Deno.build.os === "windows";
const SENDER = "abcdefgh";
const OTHER_SENDER = "234567zz";
const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2025, 5, 15);

type Overrides = Partial<InboxOptions>;

function open(dir: string, overrides: Overrides = {}): Promise<Inbox> {
  return Inbox.open({
    directory: `${dir}/inbox`,
    maxFileBytes: 100 * CHUNK_BYTES,
    keepFreeBytes: 0,
    wallMs: NOW_MS,
    freeBytes: () => Promise.resolve(1e12),
    ...overrides,
  });
}

function offer(overrides: Partial<Offer> = {}): Offer {
  return { sender: SENDER, name: "a.txt", size: 10, ...overrides };
}

async function codeOf(call: () => Promise<unknown>): Promise<InboxErrorCode> {
  const error = await assertRejects(call, InboxError);
  assert(!error.message.includes("\n"), "one line");
  return error.code;
}

async function receive(inbox: Inbox, wanted: Offer, fill = 7): Promise<string> {
  const partial = await inbox.begin(wanted);
  await partial.write(new Uint8Array(partial.missing).fill(fill));
  return await partial.finish();
}

function closeAll(partials: readonly PartialFile[]): Promise<unknown> {
  return Promise.all(partials.map((partial) => partial.close()));
}

Deno.test("Inbox.open() makes private directories, again and again", FILES, async () => {
  await withDirectory(async (dir) => {
    await open(dir);
    await open(dir);
    const mode = IS_WINDOWS ? undefined : 0o700;
    assertEquals(await modeOf(`${dir}/inbox`), mode);
    assertEquals(await modeOf(`${dir}/inbox/.partial`), mode);
  });
});

Deno.test("Inbox.open() refuses partial files that are somewhere else", {
  ...FILES,
  ignore: IS_WINDOWS,
}, async () => {
  await withDirectory(async (dir) => {
    await Deno.mkdir(`${dir}/elsewhere`);
    await Deno.mkdir(`${dir}/inbox`);
    await Deno.symlink(`${dir}/elsewhere`, `${dir}/inbox/.partial`);
    assertEquals(await codeOf(() => open(dir)), "unreadable");
  });
});

Deno.test("Inbox receives hostile names inside its directory", FILES, async () => {
  const cases: readonly (readonly [string, string])[] = [
    ["../../etc/passwd", "passwd"],
    ["C:\\x", "x"],
    ["NUL.txt", "_NUL.txt"],
    ["🦊.png", "🦊.png"],
    ["invoice\u202efdp.exe", "invoicefdp.exe"],
    ["a".repeat(10_000), "a".repeat(180)],
    ["", "unnamed"],
    ["...", "unnamed (2)"],
    [".partial", "partial"],
    [".partial/x", "x (2)"],
  ];
  await withDirectory(async (dir) => {
    const inbox = await open(dir);
    // The longest name that a partial file gets: whole sender, most digits, cut name.
    const maxFileBytes = Number.MAX_SAFE_INTEGER;
    const roomy = await open(dir, { maxFileBytes, freeBytes: () => Promise.resolve(Infinity) });
    const longest = {
      sender: SENDER.repeat(7).slice(4),
      name: "a".repeat(999),
      size: maxFileBytes,
    };
    await (await roomy.begin(longest)).discard();

    for (const [name, expected] of cases) {
      assertEquals(await receive(inbox, offer({ name })), expected);
    }
    const expected = [".partial", ...cases.map(([, safe]) => safe)];
    assertEquals(await namesIn(`${dir}/inbox`), expected.sort());
    assertEquals(await namesIn(`${dir}/inbox/.partial`), []);
    assertEquals(await namesIn(dir), ["inbox"]);
  });
});

Deno.test("Inbox.begin() resumes at whole chunks after a restart", FILES, async () => {
  await withDirectory(async (dir) => {
    const content = Uint8Array.from({ length: 2 * CHUNK_BYTES + 500 }, (_, i) => i * 31 % 251);
    const wanted = offer({ name: "../film.mkv", size: content.length });
    const first = await (await open(dir)).begin(wanted);
    await first.write(content.subarray(0, CHUNK_BYTES + 300));
    await first.close();

    const inbox = await open(dir);
    const second = await inbox.begin(wanted);
    assertEquals(second.length, CHUNK_BYTES);
    const held = new Uint8Array(CHUNK_BYTES + 1);
    assertEquals(await second.read(0, held), CHUNK_BYTES);
    assertEquals(held.subarray(0, CHUNK_BYTES), content.subarray(0, CHUNK_BYTES));
    await second.write(content.subarray(CHUNK_BYTES));
    await second.close();

    const third = await inbox.begin(wanted);
    assertEquals(third.length, content.length);
    assertEquals(await third.finish(), "film.mkv");
    assertEquals(await Deno.readFile(`${dir}/inbox/film.mkv`), content);
    assertEquals(await namesIn(`${dir}/inbox/.partial`), []);
  });
});

Deno.test("Inbox.begin() keeps senders, sizes and names apart", FILES, async () => {
  await withDirectory(async (dir) => {
    const inbox = await open(dir);
    const size = 3 * CHUNK_BYTES;
    const first = await inbox.begin(offer({ size }));
    await first.write(new Uint8Array(CHUNK_BYTES));
    await first.close();
    for (
      const other of [{ sender: OTHER_SENDER }, { size: size + 1 }, { name: "b.txt" }, {
        sender: SENDER.repeat(7).slice(4),
      }]
    ) {
      const partial = await inbox.begin(offer({ size, ...other }));
      assertEquals(partial.length, 0);
      await partial.close();
    }
    const again = await inbox.begin(offer({ size }));
    assertEquals(again.length, CHUNK_BYTES);
    await again.close();
  });
});

Deno.test("Inbox.begin() gives a file to one at a time", FILES, async () => {
  await withDirectory(async (dir) => {
    const inbox = await open(dir);
    const results = await Promise.allSettled([
      inbox.begin(offer()),
      inbox.begin(offer({ name: "dir/a.txt" })),
      inbox.begin(offer({ name: "A.TXT" })),
    ]);
    const [first, ...others] = results;
    for (const other of others) {
      assert(other.status === "rejected");
      assertEquals(other.reason.code, "busy");
    }
    assert(first?.status === "fulfilled");
    const elsewhere = await inbox.begin(offer({ sender: OTHER_SENDER }));
    await closeAll([first.value, elsewhere]);
    const again = await inbox.begin(offer());
    assertEquals(await codeOf(() => inbox.begin(offer())), "busy");
    await again.discard();
    assertEquals(await receive(inbox, offer()), "a.txt");
    assertEquals(await receive(inbox, offer()), "a (2).txt");
  });
});

Deno.test(
  "Inbox.begin() takes files up to its limit and refuses one byte more",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      const inbox = await open(dir, { maxFileBytes: 10 });
      assertEquals(await receive(inbox, offer({ size: 10 })), "a.txt");
      const refused = () => inbox.begin(offer({ size: 11 }));
      assertEquals(await codeOf(refused), "too_large");
      await assertRejects(refused, InboxError, "size 11 exceeds 10");
    });
  },
);

Deno.test("Inbox.begin() keeps free what is to stay free", FILES, async () => {
  await withDirectory(async (dir) => {
    let free = 1_010;
    const directories: string[] = [];
    const freeBytes = (directory: string) => {
      directories.push(directory);
      return Promise.resolve(free);
    };
    const inbox = await open(dir, { keepFreeBytes: 1_000, freeBytes });
    await (await inbox.begin(offer({ size: 10 }))).close();
    assertEquals(directories, [`${dir}/inbox`]);
    const refused = () => inbox.begin(offer({ size: 11 }));
    assertEquals(await codeOf(refused), "no_space");
    await assertRejects(refused, InboxError, "11 bytes exceed 10");
    assertEquals(await namesIn(`${dir}/inbox/.partial`), []);
    // Nothing to write, so nothing to find room for.
    free = 0;
    assertEquals(await receive(inbox, offer({ name: "empty", size: 0 })), "empty");
  });
});

Deno.test("Inbox.begin() finds room only for what a partial file lacks", FILES, async () => {
  await withDirectory(async (dir) => {
    const wanted = offer({ size: 3 * CHUNK_BYTES });
    const first = await (await open(dir)).begin(wanted);
    await first.write(new Uint8Array(CHUNK_BYTES));
    await first.close();
    let free = 2 * CHUNK_BYTES - 1;
    const inbox = await open(dir, { freeBytes: () => Promise.resolve(free) });
    assertEquals(await codeOf(() => inbox.begin(wanted)), "no_space");
    free++;
    const second = await inbox.begin(wanted);
    assertEquals(second.length, CHUNK_BYTES);
    await second.close();
  });
});

Deno.test("Inbox.begin() promises the same room to nobody twice", FILES, async () => {
  await withDirectory(async (dir) => {
    let free = 100;
    const inbox = await open(dir, { freeBytes: () => Promise.resolve(free) });
    const results = await Promise.allSettled([
      inbox.begin(offer({ name: "a", size: 60 })),
      inbox.begin(offer({ name: "b", size: 60 })),
    ]);
    // Either may be first at the disk.
    const winner = results.find((result) => result.status === "fulfilled")?.value;
    const loser = results.find((result) => result.status === "rejected")?.reason;
    assert(winner);
    assertEquals(loser?.code, "no_space");
    // What is written is no longer promised: it is no longer free.
    await winner.write(new Uint8Array(50));
    free -= 50;
    const third = await inbox.begin(offer({ name: "c", size: 40 }));
    assertEquals(await codeOf(() => inbox.begin(offer({ name: "d", size: 1 }))), "no_space");
    await third.discard();
    const fourth = await inbox.begin(offer({ name: "d", size: 40 }));
    await closeAll([winner, fourth]);
  });
});

Deno.test("Inbox.begin() asks the system for the free space by default", {
  permissions: { ...FILES.permissions, sys: ["statfs"] },
}, async () => {
  await withDirectory(async (dir) => {
    const options = { directory: `${dir}/inbox`, maxFileBytes: 1e15, wallMs: NOW_MS };
    const inbox = await Inbox.open({ ...options, keepFreeBytes: 0 });
    assertEquals(await receive(inbox, offer()), "a.txt");
    const greedy = await Inbox.open({ ...options, keepFreeBytes: 1e18 });
    assertEquals(await codeOf(() => greedy.begin(offer())), "no_space");
  });
});

Deno.test("Inbox.begin() fails where the free space cannot be told", FILES, async () => {
  await withDirectory(async (dir) => {
    const freeBytes = () => Promise.reject(new Error("no idea"));
    const inbox = await open(dir, { freeBytes });
    assertEquals(await codeOf(() => inbox.begin(offer())), "unreadable");
    assertEquals(await codeOf(() => inbox.begin(offer())), "unreadable", "not busy");
  });
});

Deno.test("Inbox.begin() never writes through a symbolic link", {
  ...FILES,
  ignore: IS_WINDOWS,
}, async () => {
  await withDirectory(async (dir) => {
    const inbox = await open(dir);
    await Deno.writeTextFile(`${dir}/target`, "0123456789");
    await Deno.symlink(`${dir}/target`, `${dir}/inbox/.partial/${SENDER}-10-a.txt`);
    await Deno.symlink(`${dir}/target`, `${dir}/inbox/a.txt`);
    assertEquals(await receive(inbox, offer()), "a (2).txt");
    assertEquals(await Deno.readTextFile(`${dir}/target`), "0123456789");
    assert((await Deno.lstat(`${dir}/inbox/a.txt`)).isSymlink);
    assert((await Deno.lstat(`${dir}/inbox/a (2).txt`)).isFile);
  });
});

Deno.test("Inbox.open() removes partial files after seven untouched days", FILES, async () => {
  await withDirectory(async (dir) => {
    await open(dir);
    const partials = `${dir}/inbox/.partial`;
    const touched = async (name: string, wallMs: number) => {
      await Deno.writeTextFile(`${partials}/${name}`, "x");
      await Deno.utime(`${partials}/${name}`, wallMs / 1000, wallMs / 1000);
    };
    await touched(`${SENDER}-10-fresh`, NOW_MS);
    await touched(`${SENDER}-10-week`, NOW_MS - 7 * DAY_MS);
    await touched(`${SENDER}-10-stale`, NOW_MS - 7 * DAY_MS - 1000);
    await touched(`${SENDER}-10-future`, NOW_MS + DAY_MS);
    await touched("not ours", 0);
    await Deno.writeTextFile(`${dir}/inbox/old`, "x");
    await Deno.utime(`${dir}/inbox/old`, 0, 0);
    await open(dir);
    assertEquals(await namesIn(partials), [
      `${SENDER}-10-fresh`,
      `${SENDER}-10-future`,
      `${SENDER}-10-week`,
      "not ours",
    ]);
    assertEquals(await namesIn(`${dir}/inbox`), [".partial", "old"]);
  });
});

/** Leaves partial files 0 to `count` - 1, each a second younger than the one before. */
async function leavePartials(dir: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const path = `${dir}/inbox/.partial/${SENDER}-1-${n}`;
    await Deno.writeTextFile(path, "x");
    await Deno.utime(path, NOW_MS / 1000 - 1_000 + n, NOW_MS / 1000 - 1_000 + n);
  }
}

Deno.test(
  "Inbox.open() keeps no more partial files than its cap, the youngest",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      await open(dir);
      await leavePartials(dir, MAX_PARTIAL_FILES + 2);
      await open(dir);
      const names = await namesIn(`${dir}/inbox/.partial`);
      assertEquals(names.length, 256);
      assert(!names.includes(`${SENDER}-1-0`) && !names.includes(`${SENDER}-1-1`));
    });
  },
);

Deno.test("Inbox.begin() removes the oldest partial file that is not in use", FILES, async () => {
  await withDirectory(async (dir) => {
    await open(dir);
    await leavePartials(dir, MAX_PARTIAL_FILES);
    const inbox = await open(dir);
    const partials = `${dir}/inbox/.partial`;
    const used = await inbox.begin(offer({ name: "1", size: 1 }));
    const resumed = await inbox.begin(offer({ name: "2", size: 1 }));
    await resumed.close();
    assertEquals((await namesIn(partials)).length, 256);
    const fresh = await Promise.all(
      ["x", "y"].map((name) => inbox.begin(offer({ name, size: 1 }))),
    );
    const names = await namesIn(partials);
    assertEquals(names.length, 256);
    const gone = ["0", "1", "2", "3", "4"].filter((n) => !names.includes(`${SENDER}-1-${n}`));
    assertEquals(gone, ["0", "3"]);
    await closeAll([used, ...fresh]);
  });
});

Deno.test(
  "Inbox.begin() refuses one file more than its cap while all are in use",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      const inbox = await open(dir);
      const begin = (n: number) => inbox.begin(offer({ name: `${n}` }));
      const used = await Promise.all(Array.from({ length: MAX_PARTIAL_FILES }, (_, n) => begin(n)));
      assertEquals(await codeOf(() => begin(256)), "too_many");
      assertEquals((await namesIn(`${dir}/inbox/.partial`)).length, 256);
      await used[7]?.close();
      used[7] = await begin(256);
      await closeAll(used);
      assertEquals(await namesIn(`${dir}/inbox/.partial`), []);
    });
  },
);

Deno.test("Inbox.begin() refuses what its caller should have checked", FILES, async () => {
  await withDirectory(async (dir) => {
    const inbox = await open(dir);
    for (const sender of ["", "../../xx", "ABCDEFGH", "abcdefg1", "abcdefghi", `${SENDER}\n`]) {
      await assertRejects(() => inbox.begin(offer({ sender })), TypeError);
    }
    for (const size of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      await assertRejects(() => inbox.begin(offer({ size })), RangeError);
    }
    assertEquals(await namesIn(`${dir}/inbox/.partial`), []);
  });
});
