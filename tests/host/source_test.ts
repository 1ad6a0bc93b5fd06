import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { MAX_LISTED_NAMES, MAX_TEXT_BYTES, SystemSource } from "../../src/host/source.ts";

const isUnix = Deno.build.os !== "windows";

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("SystemSource answers nothing without permissions", { permissions: "none" }, async () => {
  const source = new SystemSource();
  assertEquals(await source.readText("/proc/stat"), undefined);
  assertEquals(await source.list("/"), []);
  assertEquals(await source.run("/bin/echo", ["x"]), undefined);
  assertEquals(source.systemMemory(), undefined);
  assertEquals(await source.cpuTimes(), undefined);
  assert((source.parallelism() ?? 0) >= 1);
});

Deno.test("SystemSource.readText() reads whole files up to the cap", async () => {
  await withDirectory(async (directory) => {
    const source = new SystemSource();
    const path = `${directory}/file`;
    for (const size of [0, 1, 4095, 4096, 4097, MAX_TEXT_BYTES - 1]) {
      await Deno.writeTextFile(path, "x".repeat(size));
      assertEquals((await source.readText(path))?.length, size);
    }
  });
});

Deno.test("SystemSource.readText() cuts a longer file at a line", async () => {
  await withDirectory(async (directory) => {
    const source = new SystemSource();
    const path = `${directory}/file`;
    const line = "123456\n"; // 7 does not divide the cap
    await Deno.writeTextFile(path, line.repeat(MAX_TEXT_BYTES / 4));
    assertEquals(await source.readText(path), line.repeat(Math.floor(MAX_TEXT_BYTES / 7)));
    await Deno.writeTextFile(path, "x".repeat(MAX_TEXT_BYTES * 2));
    assertEquals(await source.readText(path), "");
  });
});

Deno.test("SystemSource.readText() has no text for what cannot be read", async () => {
  await withDirectory(async (directory) => {
    const source = new SystemSource();
    assertEquals(await source.readText(`${directory}/absent`), undefined);
    assertEquals(await source.readText(directory), undefined);
    assertEquals(await source.readText("\0"), undefined);
  });
});

Deno.test("SystemSource.list() is bounded", async () => {
  await withDirectory(async (directory) => {
    const source = new SystemSource();
    for (let i = 0; i < MAX_LISTED_NAMES + 1; i++) Deno.mkdirSync(`${directory}/${i}`);
    assertEquals((await source.list(directory)).length, MAX_LISTED_NAMES);
    assertEquals(await source.list(`${directory}/absent`), []);
  });
});

Deno.test(
  "SystemSource.run() gives the output of a success only",
  { ignore: !isUnix },
  async () => {
    const source = new SystemSource();
    const shell = (script: string) => source.run("/bin/sh", ["-c", script]);
    assertEquals(await shell("echo one; echo two >&2"), "one\n");
    assertEquals(await shell("echo one; exit 3"), undefined);
    assertEquals(await source.run("/absent/command", []), undefined);
  },
);

Deno.test("SystemSource.run() refuses an output above the cap", { ignore: !isUnix }, async () => {
  const source = new SystemSource();
  const zeros = (count: number) => ["-c", `head -c ${count} /dev/zero`];
  assertEquals((await source.run("/bin/sh", zeros(MAX_TEXT_BYTES)))?.length, MAX_TEXT_BYTES);
  assertEquals(await source.run("/bin/sh", zeros(MAX_TEXT_BYTES + 1)), undefined);
  assertEquals(await source.run("/bin/sh", ["-c", "cat /dev/zero"]), undefined);
});

Deno.test("SystemSource.run() gives up at the deadline, even on a held pipe", {
  ignore: !isUnix,
}, async () => {
  const source = new SystemSource({ commandTimeoutMs: 100 });
  const started = performance.now();
  assertEquals(await source.run("/bin/sh", ["-c", "trap '' TERM; sleep 5"]), undefined);
  assertEquals(await source.run("/bin/sh", ["-c", "sleep 5 & exit 0"]), undefined);
  assertLess(performance.now() - started, 3000);
});

Deno.test("SystemSource reads the kernel's files with run and without every permission", {
  ignore: Deno.build.os !== "linux",
  permissions: { run: true },
}, async () => {
  const source = new SystemSource();
  try {
    assertMatch(await source.readText("/proc/stat") ?? "", /^cpu +\d+ /);
    assert((await source.list("/sys/class/net")).length > 0);
    assertEquals(await source.readText("/proc/absent"), undefined);
    assertEquals(await source.list("/sys/absent"), []);
    assertEquals(await source.readText("/etc/passwd"), undefined);
    // The right to start programs may go once the first file was read.
    await Deno.permissions.revoke({ name: "run" });
    assertMatch(await source.readText("/proc/meminfo") ?? "", /^MemTotal: /);
  } finally {
    await source.close();
    await source.close();
  }
});

Deno.test("SystemSource.cpuTimes() runs forwards", async () => {
  const source = new SystemSource();
  const first = await source.cpuTimes();
  const second = await source.cpuTimes();
  assert(first !== undefined && second !== undefined);
  assert(second.totalMs >= first.totalMs && second.busyMs >= first.busyMs);
  assert(first.busyMs <= first.totalMs && first.cores >= 1);
});
