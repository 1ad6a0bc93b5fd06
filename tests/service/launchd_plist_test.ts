import { assertEquals, assertThrows } from "@std/assert";
import { launchdPlist } from "../../src/service/launchd_plist.ts";
import type { ServicePlan } from "../../src/service/service_plan.ts";

const PLAN: ServicePlan = {
  scope: "system",
  launch: {
    program: "/opt/a & b/hamlet",
    args: ["up", "--name", `<"it's"> &amp; größer`, "", "a\tb", "line\nline\rline", "]]>"],
  },
  user: "ann",
  environment: [["HAMLET_<X>", "1 & 2"]],
  writable: ["/Users/ann/state"],
  needsCache: true,
  port: undefined,
};

Deno.test("launchdPlist() is read by another program as it was meant", async () => {
  const read = await readPlist(launchdPlist(PLAN, "/tmp/log & more"));
  assertEquals(read, {
    Label: "org.hamlet.agent",
    ProgramArguments: [PLAN.launch.program, ...PLAN.launch.args],
    EnvironmentVariables: { "HAMLET_<X>": "1 & 2" },
    UserName: "ann",
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 10,
    ProcessType: "Background",
    Umask: 0o077,
    SoftResourceLimits: { NumberOfFiles: 16_384 },
    StandardErrorPath: "/tmp/log & more",
  });
});

Deno.test("launchdPlist() of a user names none", async () => {
  const read = await readPlist(
    launchdPlist({ ...PLAN, scope: "user", environment: [] }, "/tmp/log"),
  );
  assertEquals(["UserName" in read, "EnvironmentVariables" in read], [false, false]);
});

Deno.test("launchdPlist() refuses what XML cannot hold", () => {
  for (const text of ["a\0b", "\x1b[31m", "\ud800", "\uffff"]) {
    const launch = { program: "/bin/hamlet", args: [text] };
    assertThrows(() => launchdPlist({ ...PLAN, launch }, "/tmp/log"), RangeError);
  }
});

/** By Python's own reader of property lists, and by `plutil` where there is one. */
async function readPlist(text: string): Promise<Record<string, unknown>> {
  const path = await Deno.makeTempFile({ suffix: ".plist" });
  try {
    await Deno.writeTextFile(path, text);
    const script =
      "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1],'rb'))))";
    const { code, stdout, stderr } = await new Deno.Command("python3", {
      args: ["-c", script, path],
    }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    if (Deno.build.os === "darwin") {
      const lint = await new Deno.Command("plutil", { args: ["-lint", path] }).output();
      assertEquals(lint.code, 0);
    }
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(path);
  }
}
