/** The shell that reads the kernel's files: every shell of this machine, and what none of them may give away. */

import { assert, assertEquals, assertExists } from "@std/assert";
import { KernelReader } from "../../src/host/kernel_reader.ts";

const isLinux = Deno.build.os === "linux";
/** Those of Debian, of others, and of small systems. */
const SHELLS = ["/bin/sh", "/bin/dash", "/bin/bash", "/bin/busybox", "/bin/ksh", "/bin/zsh"].filter(
  (path) => isLinux && exists(path) && !path.endsWith("busybox"),
);

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function withReader(shell: string, use: (reader: KernelReader) => Promise<void>) {
  const reader = KernelReader.start({ shell });
  assertExists(reader);
  try {
    await use(reader);
  } finally {
    await reader.close();
  }
}

/** Runs `use` with a program that stands for the shell. */
async function withScript(script: string, use: (path: string) => Promise<void>) {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/shell`;
  try {
    await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
    await use(path);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

for (const shell of SHELLS) {
  Deno.test(`KernelReader gives what the kernel says, by ${shell}`, async () => {
    await withReader(shell, async (reader) => {
      const [type, group, names] = await Promise.all([
        reader.readText("/sys/class/net/lo/type"),
        reader.readText("/proc/self/cgroup"),
        reader.list("/sys/class/net"),
      ]);
      // ARPHRD_LOOPBACK of Linux' if_arp.h
      assertEquals(type, "772\n");
      assertEquals(group, await Deno.readTextFile("/proc/self/cgroup"));
      const expected = [...Deno.readDirSync("/sys/class/net")].map(({ name }) => name);
      assertEquals(names?.toSorted(), expected.toSorted());
    });
  });

  Deno.test(`KernelReader gives nothing else away, by ${shell}`, async () => {
    await withReader(shell, async (reader) => {
      const forbidden = [
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/1/environ",
        "/proc/stat/../../etc/passwd",
        "/sys/class/net/../../../etc/passwd",
        "/proc/statx",
        "/proc/acpi",
        "/sys/devices/platform/soc/soc:firmware/other",
        "$(id)",
        "`id`",
        "",
        "-r",
        "/proc/stat\nr /etc/passwd",
        "\\",
      ];
      for (const path of forbidden) {
        assertEquals(await reader.readText(path), undefined, path);
        assertEquals(await reader.list(path), undefined, path);
      }
      assertEquals(await reader.list("/proc"), undefined);
      // It is still in step.
      assert((await reader.readText("/proc/meminfo"))?.startsWith("MemTotal:"));
    });
  });
}

Deno.test("KernelReader.start() starts nothing without permission", { permissions: "none" }, () => {
  assertEquals(KernelReader.start(), undefined);
});

Deno.test("KernelReader.start() has no reader without a shell", () => {
  assertEquals(KernelReader.start({ shell: "/absent/sh" }), undefined);
});

Deno.test(
  "KernelReader answers nothing once its shell has ended",
  { ignore: !isLinux },
  async () => {
    await withScript("exit 0", async (shell) => {
      const reader = KernelReader.start({ shell });
      assertExists(reader);
      assertEquals(await reader.readText("/proc/stat"), undefined);
      await reader.close();
      assertEquals(await reader.readText("/proc/stat"), undefined);
    });
  },
);

Deno.test(
  "KernelReader waits for a sensor that hangs no longer than it may, and bounds who waits",
  {
    ignore: !isLinux,
  },
  async () => {
    await withScript("exec cat >/dev/null", async (shell) => {
      const reader = KernelReader.start({ shell, timeoutMs: 20 });
      assertExists(reader);
      const answers = Array.from({ length: 100 }, () => reader.readText("/proc/stat"));
      assertEquals(await Promise.all(answers), new Array(100).fill(undefined));
      await reader.close();
    });
  },
);

Deno.test(
  "KernelReader gives no answer that is too long, and the next one",
  { ignore: !isLinux },
  async () => {
    const long = `i=0; while [ $i -lt 3000 ]; do printf ' %0100d\\n' 0; i=$((i+1)); done; echo .`;
    await withScript(`read a; ${long}; read b; echo ' yes'; echo .; read c`, async (shell) => {
      const reader = KernelReader.start({ shell });
      assertExists(reader);
      assertEquals(await reader.readText("/proc/stat"), undefined);
      assertEquals(await reader.readText("/proc/stat"), "yes\n");
      await reader.close();
    });
  },
);
