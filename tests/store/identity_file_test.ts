import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { StoreError } from "../../src/store/files.ts";
import { loadSeed } from "../../src/store/identity_file.ts";
import { seedOf } from "../testing/identities.ts";
import { FILES, modeOf, namesIn, withDirectory } from "./temp.ts";

const IS_WINDOWS = Deno.build.os === "windows";

/** seedOf(1): 00000001 and 28 times 5a, in base64url by hand. */
const SEED_TEXT = "AAAAAVpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo";

function never(): never {
  throw new Error("an existing identity was to be replaced");
}

Deno.test(
  "loadSeed() creates the file once, privately, and reads it ever after",
  FILES,
  async () => {
    await withDirectory(async (dir) => {
      const path = `${dir}/identity.json`;
      const created = await loadSeed(path, () => seedOf(1));
      assertEquals(created, { seed: seedOf(1), wasCreated: true, wasExposed: false });
      assertEquals(JSON.parse(await Deno.readTextFile(path)), {
        version: 1,
        ed25519_seed: SEED_TEXT,
      });
      assertEquals(await modeOf(path), IS_WINDOWS ? undefined : 0o600);
      const loaded = await loadSeed(path, never);
      assertEquals(loaded, { seed: seedOf(1), wasCreated: false, wasExposed: false });
      assertEquals(await namesIn(dir), ["identity.json"]);
    });
  },
);

Deno.test("loadSeed() gives everybody who starts at once the same seed", FILES, async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/identity.json`;
    const loads = Array.from({ length: 16 }, (_, n) => loadSeed(path, () => seedOf(n)));
    const seeds = await Promise.all(loads);
    assertEquals(new Set(seeds.map(({ seed }) => seed.toHex())).size, 1);
    assertEquals(seeds.filter(({ wasCreated }) => wasCreated).length, 1);
    const { seed } = await loadSeed(path, never);
    assertEquals(seed, seeds[0]?.seed);
  });
});

Deno.test("loadSeed() tightens an exposed file and says so, once", {
  ...FILES,
  ignore: IS_WINDOWS,
}, async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/identity.json`;
    await loadSeed(path, () => seedOf(1));
    await Deno.chmod(path, 0o644);
    assertEquals((await loadSeed(path, never)).wasExposed, true);
    assertEquals(await modeOf(path), 0o600);
    assertEquals((await loadSeed(path, never)).wasExposed, false);
  });
});

Deno.test(
  "loadSeed() refuses a damaged identity in one clear line and leaves it alone",
  FILES,
  async () => {
    const damaged = [
      "",
      "{",
      "null",
      "[]",
      "{}",
      "\ufeff{}",
      `{"version":2,"ed25519_seed":"${SEED_TEXT}"}`,
      `{"version":"1","ed25519_seed":"${SEED_TEXT}"}`,
      '{"version":1}',
      '{"version":1,"ed25519_seed":null}',
      '{"version":1,"ed25519_seed":""}',
      `{"version":1,"ed25519_seed":"${SEED_TEXT.slice(1)}"}`,
      `{"version":1,"ed25519_seed":"${SEED_TEXT}="}`,
      `{"version":1,"ed25519_seed":"${SEED_TEXT.slice(0, -1)}p"}`,
      `{"version":1,"ed25519_seed":"${SEED_TEXT.replace("AAAA", "!!!!")}"}`,
      `{"version":1,"ed25519_seed":"${SEED_TEXT}"`,
      " ".repeat(5_000),
    ];
    await withDirectory(async (dir) => {
      const path = `${dir}/identity.json`;
      for (const text of damaged) {
        await Deno.writeTextFile(path, text);
        const error = await assertRejects(() => loadSeed(path, never), StoreError, undefined, text);
        assert(["unreadable", "too_large"].includes(error.code));
        assert(error.message.includes(path), error.message);
        assertFalse(error.message.includes("\n"));
        assertFalse(error.message.includes(SEED_TEXT.slice(4, 30)), "the secret is told");
        assertEquals(await Deno.readTextFile(path), text);
      }
      await Deno.writeFile(path, Uint8Array.of(0xff, 0xfe));
      await assertRejects(() => loadSeed(path, never), StoreError);
      assertEquals(await namesIn(dir), ["identity.json"]);
    });
  },
);

Deno.test("loadSeed() refuses where nothing can be written", FILES, async () => {
  await withDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/file`, "");
    const inside = () => loadSeed(`${dir}/none/identity.json`, () => seedOf(1));
    assertEquals((await assertRejects(inside, StoreError)).code, "unwritable");
    const onDirectory = () => loadSeed(dir, never);
    assertEquals((await assertRejects(onDirectory, StoreError)).code, "unreadable");
  });
});
