import { assertEquals } from "@std/assert";
import { PERMISSION_FLAGS } from "../../src/base/permissions.ts";
import { AGENT_FLAGS, FEATURE_FLAGS, type Self } from "../../src/base/self.ts";
import { agentLaunch, legacyLaunch } from "../../src/demo/launch.ts";

const FROM_SOURCE: Self = {
  execPath: "/usr/bin/runtime",
  mainModule: "file:///src/main.ts",
  isStandalone: false,
};
const COMPILED: Self = {
  execPath: "/usr/bin/hamlet",
  mainModule: "file:///tmp/compiled/main.ts",
  isStandalone: true,
};
const SOURCE_ARGS = [
  ...["run", ...AGENT_FLAGS, ...FEATURE_FLAGS, ...PERMISSION_FLAGS],
  "file:///src/main.ts",
];
const AGENT_ARGS = [
  ...["up", "--config", "off", "--listen", "127.0.0.1", "--port", "0", "--state", "/state/1"],
  ...["--log", "json", "--log-level", "warn"],
  ...["--peer", "127.0.0.1:9000", "--peer", "127.0.0.1:9001"],
  ...["--open", "--legacy", "any", "--leash"],
];
const PEERS = [{ host: "127.0.0.1", port: 9000 }, { host: "127.0.0.1", port: 9001 }];

Deno.test("agentLaunch() runs the main module again under the runtime", {
  permissions: "none",
}, () => {
  assertEquals(agentLaunch(FROM_SOURCE, { stateDir: "/state/1", peers: PEERS }), {
    program: "/usr/bin/runtime",
    args: [...SOURCE_ARGS, ...AGENT_ARGS],
  });
});

Deno.test("agentLaunch() runs a compiled program itself", { permissions: "none" }, () => {
  assertEquals(agentLaunch(COMPILED, { stateDir: "/state/1", peers: PEERS }), {
    program: "/usr/bin/hamlet",
    args: AGENT_ARGS,
  });
});

Deno.test("agentLaunch() names a port only where one is wanted", { permissions: "none" }, () => {
  const portOf = (port?: number) => {
    const options = { stateDir: "/s", peers: [], ...(port === undefined ? {} : { port }) };
    const { args } = agentLaunch(COMPILED, options);
    return args[args.indexOf("--port") + 1];
  };
  assertEquals([portOf(), portOf(0), portOf(40_001)], ["0", "0", "40001"]);
});

Deno.test("agentLaunch() without peers dials nobody", { permissions: "none" }, () => {
  const { args } = agentLaunch(COMPILED, { stateDir: "/s", peers: [] });
  assertEquals(args.includes("--peer"), false);
});

Deno.test(
  "legacyLaunch() asks for an old node that ends by itself",
  { permissions: "none" },
  () => {
    const options = { peer: { host: "127.0.0.1", port: 9000 }, seconds: 70 };
    const args = [
      ...["legacy-node", "--port", "0", "--peer", "127.0.0.1:9000", "--seconds", "70"],
    ];
    assertEquals(legacyLaunch(COMPILED, options), { program: "/usr/bin/hamlet", args });
    assertEquals(legacyLaunch(FROM_SOURCE, options), {
      program: "/usr/bin/runtime",
      args: [...SOURCE_ARGS, ...args],
    });
  },
);
