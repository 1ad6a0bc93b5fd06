import { assert, assertEquals } from "@std/assert";
import { PERMISSION_FLAGS } from "../../src/base/permissions.ts";
import { AGENT_FLAGS, FEATURE_FLAGS, launchSelf, SEALED_FLAGS } from "../../src/base/self.ts";

const RUNTIME = "/usr/bin/runtime";

Deno.test("launchSelf() starts a compiled program by itself", { permissions: "none" }, () => {
  const self = { execPath: "/opt/hamlet", mainModule: "file:///x/main.js", isStandalone: true };
  assertEquals(launchSelf(self, ["id"]), { program: "/opt/hamlet", args: ["id"] });
});

Deno.test("launchSelf() gives children of a source tree the listed permissions", {
  permissions: "none",
}, () => {
  const self = { execPath: RUNTIME, mainModule: "file:///src/main.ts", isStandalone: false };
  const args = [
    "run",
    ...AGENT_FLAGS,
    ...FEATURE_FLAGS,
    ...PERMISSION_FLAGS,
    "file:///src/main.ts",
    "id",
  ];
  assertEquals(launchSelf(self, ["id"]), { program: RUNTIME, args });
});

Deno.test("launchSelf() lets children of a bundle look at nobody's configuration", {
  permissions: "none",
}, () => {
  const self = { execPath: RUNTIME, mainModule: "file:///cache/main.js", isStandalone: false };
  const { args } = launchSelf(self, []);
  for (const flag of SEALED_FLAGS) assert(args.includes(flag), flag);
  assertEquals(args.at(-1), "file:///cache/main.js");
});

Deno.test("FEATURE_FLAGS name every feature that deno.json asks for", async () => {
  const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertEquals(FEATURE_FLAGS, (config.unstable ?? []).map((name: string) => `--unstable-${name}`));
});
