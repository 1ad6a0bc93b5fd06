import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  type LaunchPlan,
  type LaunchSurroundings,
  planForeman,
  planLaunch,
} from "../../../src/work/worker/launch_plan.ts";

const PURE = { permissions: "none" } as const;
const ENV: Readonly<Record<string, string>> = {
  PATH: "/bin",
  HOME: "/home/u",
  LANG: "C",
  SECRET: "s",
  DENO_DIR: "/d",
  NODE_OPTIONS: "-r x",
};

type Shape = "source" | "portable" | "apart" | "compiled";

const MAIN_MODULES: Readonly<Record<Shape, string>> = {
  source: "file:///c/main.ts",
  portable: "file:///c/hamlet.js",
  apart: "data:text/javascript,1",
  compiled: "file:///c/main.ts",
};

function surroundings(
  shape: Shape,
  os = "linux",
): LaunchSurroundings {
  const mainModule = MAIN_MODULES[shape];
  const self = { execPath: "/usr/bin/x", mainModule, isStandalone: shape === "compiled" };
  return { os, self, env: (name) => ENV[name] };
}

/** What the shell of a plan is replaced by. */
function inner({ program, args }: LaunchPlan): readonly string[] {
  assertEquals([program, args[0], args[2]], ["/bin/sh", "-c", "hamlet-worker"]);
  return args.slice(3);
}

for (const shape of ["source", "portable", "apart", "compiled"] as const) {
  Deno.test(
    `planLaunch() starts a module's process, ${shape}, with no permission and no surroundings`,
    PURE,
    () => {
      const plan = planLaunch({ kind: "module" }, 256, surroundings(shape));
      const [program, ...args] = inner(plan);
      assertEquals(program, "/usr/bin/x");
      assertFalse(args.some((arg) => arg.startsWith("--allow") || arg === "-A"));
      if (shape !== "compiled") {
        for (const flag of ["--no-config", "--no-lock", "--no-npm", "--no-remote", "--no-prompt"]) {
          assert(args.includes(flag), flag);
        }
      }
      assertEquals(args.at(-1), "work-module");
      const entry = shape === "compiled" ? undefined : args.at(-2);
      if (shape === "source") assert(entry?.endsWith("/src/work/worker/work_main.ts"));
      else if (shape !== "compiled") assertEquals(entry, MAIN_MODULES[shape]);
      assertEquals(Object.keys(plan.env).filter((name) => ENV[name] === plan.env[name]), []);
      assertEquals(plan.env.DENO_DIR, "/dev/null/none");
      assertEquals(plan.directory, "/");
      const heap = [...args, plan.env.DENO_V8_FLAGS].filter((text) =>
        text?.includes("old-space-size=256")
      );
      assertEquals(heap.length, 1);
    },
  );
}

Deno.test("planLaunch() has the kernel hold a module to its limits", PURE, () => {
  const script = (os: string) =>
    planLaunch({ kind: "module" }, 256, surroundings("compiled", os)).args[1] ?? "";
  // 640 MiB that V8 only reserves, and 256.
  assert(script("linux").includes("ulimit -d 917504"));
  assertFalse(script("darwin").includes("ulimit -d"));
  for (const os of ["linux", "darwin"]) {
    assert(script(os).includes("ulimit -f 0"));
    assert(script(os).includes("nice -n 10"));
  }
});

Deno.test(
  "planLaunch() starts an owner's command where the agent is, with three variables",
  PURE,
  () => {
    const command = ["python3", "my fit.py", "$HOME; x"] as const;
    const plan = planLaunch({ kind: "command", command }, 256, surroundings("compiled"));
    assertEquals(inner(plan), command);
    assertEquals(plan.env, { PATH: "/bin", HOME: "/home/u", LANG: "C" });
    assertEquals(plan.directory, undefined);
    assertFalse(plan.args[1]?.includes("ulimit -f"));
  },
);

Deno.test("planLaunch() needs no shell on Windows", PURE, () => {
  const command = ["fit.exe"] as const;
  const windows = surroundings("compiled", "windows");
  assertEquals(planLaunch({ kind: "command", command }, 256, windows).program, "fit.exe");
  assertEquals(planLaunch({ kind: "module" }, 256, windows).program, "/usr/bin/x");
});

Deno.test("planForeman() permits running programs, three variables, and nothing else", PURE, () => {
  const commands = [{ name: "fit", command: ["a", "b c"] as const }];
  for (const shape of ["source", "portable", "apart"] as const) {
    const { args } = planForeman(commands, surroundings(shape));
    assertEquals(args.filter((arg) => arg.startsWith("--allow")), [
      "--allow-run",
      "--allow-env=PATH,HOME,LANG,SystemRoot",
    ]);
    assertEquals(JSON.parse(args.at(-1) ?? ""), commands);
  }
  assertEquals(planForeman(commands, surroundings("compiled")).args, [
    "work-foreman",
    '[{"name":"fit","command":["a","b c"]}]',
  ]);
});
