import { assertEquals, assertThrows } from "@std/assert";
import type { ServicePlan } from "../../src/service/service_plan.ts";
import {
  escapeValue,
  quoteArgument,
  quoteEntry,
  quoteProgram,
} from "../../src/service/systemd_quoting.ts";
import { systemdUnit } from "../../src/service/systemd_unit.ts";

const PLAN: ServicePlan = {
  scope: "system",
  launch: { program: "/usr/bin/env", args: ["up", "--state", "/srv/ha mlet"] },
  user: "daemon",
  environment: [],
  writable: ["/srv/ha mlet"],
  needsCache: true,
  port: undefined,
};

/** By systemd.syntax(7), systemd.unit(5) "Specifiers" and systemd.service(5) "Command lines". */
const ARGUMENTS: readonly (readonly [text: string, written: string])[] = [
  ["up", "up"],
  ["", '""'],
  ["--peer=10.0.0.1:9000", "--peer=10.0.0.1:9000"],
  ["two words", '"two words"'],
  ["50%", "50%%"],
  ["%h", "%%h"],
  ["$HOME", '"$$HOME"'],
  ["${HOME}", '"$${HOME}"'],
  ['say "hi"', '"say \\"hi\\""'],
  ["it's", `"it's"`],
  ["C:\\dir", '"C:\\\\dir"'],
  ["ends in \\", '"ends in \\\\"'],
  [";", '";"'],
  ["a\tb", '"a\\x09b"'],
  ["a\nExecStartPre=/bin/false", '"a\\x0aExecStartPre=/bin/false"'],
  ["a\u0085b", '"a\\u0085b"'],
  ["größer", '"größer"'],
];

for (const [text, written] of ARGUMENTS) {
  Deno.test(`quoteArgument() writes ${JSON.stringify(text)} as systemd reads it`, () => {
    assertEquals(quoteArgument(text), written);
  });
}

Deno.test("quoteEntry() and quoteProgram() leave a dollar alone, which is expanded in neither", () => {
  assertEquals(quoteEntry("/a$b c%"), '"/a$b c%%"');
  assertEquals(quoteProgram("/opt/$x/ham let"), '"/opt/$x/ham let"');
});

Deno.test("quoteProgram() takes full paths only", () => {
  for (const path of ["hamlet", "", "./hamlet", "-/bin/true", "@/bin/true"]) {
    assertThrows(() => quoteProgram(path), RangeError);
  }
});

Deno.test("quoteArgument() refuses what no argument can hold", () => {
  for (const text of ["a\0b", "\ud800", "x".repeat(4_097)]) {
    assertThrows(() => quoteArgument(text), RangeError);
  }
  assertEquals(quoteArgument("x".repeat(4_096)).length, 4_096);
});

Deno.test("escapeValue() refuses what would begin another line", () => {
  for (const text of ["a\nb", "a\rb", "a\\", " a", "a "]) {
    assertThrows(() => escapeValue(text), RangeError);
  }
  assertEquals(escapeValue("100 % sure"), "100 %% sure");
});

Deno.test("systemdUnit() confines the agent to what it needs", () => {
  const lines = systemdUnit(PLAN).split("\n");
  for (
    const line of [
      "Type=notify",
      "NotifyAccess=main",
      'ExecStart=/usr/bin/env up --state "/srv/ha mlet"',
      "User=daemon",
      "Restart=on-failure",
      "MemoryMax=512M",
      "NoNewPrivileges=yes",
      "ProtectSystem=strict",
      'ReadWritePaths="/srv/ha mlet"',
      "CapabilityBoundingSet=",
      "After=network-online.target",
      "WantedBy=multi-user.target",
    ]
  ) assertEquals(lines.filter((each) => each === line).length, 1, line);
  assertEquals(lines.some((line) => line.startsWith("MemoryDenyWriteExecute")), false);
});

Deno.test("systemdUnit() of a user takes no capabilities away and names no user", () => {
  const text = systemdUnit({ ...PLAN, scope: "user", user: undefined });
  const barred = /^(User|CapabilityBoundingSet|ProtectKernel\w+|ProtectClock|After)=/m;
  assertEquals(barred.exec(text), null);
  assertEquals(text.includes("WantedBy=default.target"), true);
});

Deno.test("systemdUnit() lets a low port be served, and only that", () => {
  const capability = (port: number) =>
    /^AmbientCapabilities=(.*)$/m.exec(systemdUnit({ ...PLAN, port }))?.[1];
  assertEquals([0, 80, 1_023, 1_024].map(capability), [
    "",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BIND_SERVICE",
    "",
  ]);
});

const analyzer = await findAnalyzer();

for (const scope of ["system", "user"] as const) {
  Deno.test({
    name: `systemd-analyze accepts the unit of the ${scope}, with odd letters in it`,
    ignore: !analyzer,
    async fn() {
      const directory = await Deno.makeTempDir({ prefix: "hamlet-unit-" });
      const args = ARGUMENTS.map(([text]) => text);
      const plan: ServicePlan = {
        ...PLAN,
        scope,
        launch: { program: "/usr/bin/env", args },
        environment: [["HAMLET_NAME", 'a "b" 100% $c']],
        writable: ["/srv/ha mlet", "/srv/50%"],
        port: 80,
      };
      const path = `${directory}/hamlet.service`;
      await Deno.writeTextFile(path, systemdUnit(plan));
      assertEquals(await verify(path, scope, directory), { code: 0, complaint: "" });
      // It would tell: the same check finds what is wrong in a unit that is.
      await Deno.writeTextFile(path, systemdUnit(plan).replace("ProtectSystem=", "ProtectSistem="));
      const { complaint } = await verify(path, scope, directory);
      assertEquals(complaint.includes("ProtectSistem"), true, complaint);
      await Deno.remove(directory, { recursive: true });
    },
  });
}

async function findAnalyzer(): Promise<boolean> {
  try {
    return (await new Deno.Command("systemd-analyze", { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

async function verify(path: string, scope: "system" | "user", runtimeDir: string) {
  const { code, stderr } = await new Deno.Command("systemd-analyze", {
    args: ["verify", "--man=no", ...(scope === "user" ? ["--user"] : []), path],
    env: { LC_ALL: "C", XDG_RUNTIME_DIR: runtimeDir },
  }).output();
  return { code, complaint: new TextDecoder().decode(stderr).trim() };
}
