/** What this process says of itself, beside what the kernel says of it. */

import { assert, assertEquals } from "@std/assert";
import { OwnProcess } from "../../src/host/own_process.ts";

/** Since Linux 6.2 a directory of descriptors has a size. */
const COUNTS_FILES = Deno.build.os === "linux" && Deno.statSync("/proc/self/fd").size > 0;

Deno.test("OwnProcess.read() says when it started, and takes time and memory", async () => {
  const process = await OwnProcess.open();
  try {
    const { residentBytes, heapBytes, cpuSeconds, startSeconds } = process.read();
    assert(heapBytes > 1e6 && residentBytes > heapBytes, `${heapBytes} of ${residentBytes}`);
    assert(cpuSeconds === undefined || cpuSeconds > 0);
    assert(startSeconds > 1.7e9 && startSeconds <= Date.now() / 1000);
  } finally {
    process.close();
    process.close();
  }
});

Deno.test("OwnProcess.read() counts open files, with the right to open /proc given up", {
  ignore: !COUNTS_FILES,
}, async () => {
  const script = `
    import { OwnProcess } from ${
    JSON.stringify(import.meta.resolve("../../src/host/own_process.ts"))
  };
    const process = await OwnProcess.open();
    for (const name of ["run", "env", "ffi"]) await Deno.permissions.revoke({ name });
    const before = process.read().openFiles;
    const listeners = [1, 2, 3, 4, 5].map(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
    console.log(process.read().openFiles - before);
    listeners.forEach((listener) => listener.close());
    console.log(process.read().openFiles - before);
  `;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", script],
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals(decode(stdout), "5\n0\n", decode(stderr));
});

Deno.test("OwnProcess knows no open files where it may not look", async () => {
  const script = `
    import { OwnProcess } from ${
    JSON.stringify(import.meta.resolve("../../src/host/own_process.ts"))
  };
    console.log((await OwnProcess.open()).read().openFiles);
  `;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, script);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-lock", "--allow-read", file],
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals(decode(stdout), "undefined\n", decode(stderr));
  } finally {
    await Deno.remove(file);
  }
});
