import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { seededRandom } from "../../src/base/random.ts";
import { planSweep } from "../../src/discovery/sweep_plan.ts";

const PURE = { permissions: "none" } as const;

function plan(hosts: readonly string[], seed = 1) {
  return planSweep(hosts.map((address) => ({ address })), seededRandom(seed));
}

function hostsOn(port: number, range: ReturnType<typeof plan>): readonly string[] {
  return range.targets.filter((target) => target.port === port).map(({ host }) => host);
}

Deno.test("planSweep() covers the /24 around an address, but not that address", PURE, () => {
  const range = plan(["192.168.7.20"]);
  assertEquals(range.subnets, ["192.168.7.0/24"]);
  const expected = [];
  for (let n = 1; n <= 254; n++) if (n !== 20) expected.push(`192.168.7.${n}`);
  for (const port of [9000, 9001, 9002, 9003, 9004, 9005]) {
    assertEquals([...hostsOn(port, range)].sort(), [...expected].sort());
  }
  assertEquals(range.targets.length, 253 * 6);
});

Deno.test("planSweep() puts every host's port 9000 before any other port", PURE, () => {
  const { targets } = plan(["10.0.0.1", "172.16.5.1"]);
  const usual = targets.slice(0, 2 * 253);
  assert(usual.every(({ port }) => port === 9000));
  assertEquals(new Set(usual.map(({ host }) => host)).size, 2 * 253);
});

Deno.test("planSweep() has an order of its own for each seed and port", PURE, () => {
  const range = plan(["10.0.0.1"], 1);
  assertEquals(plan(["10.0.0.1"], 1), range);
  assertNotEquals(plan(["10.0.0.1"], 2).targets, range.targets);
  assertNotEquals(hostsOn(9000, range), hostsOn(9001, range));
  // Two orders by chance agree at one place on average; by ten they do not agree by chance.
  const other = hostsOn(9000, plan(["10.0.0.1"], 2));
  const same = hostsOn(9000, range).filter((host, n) => host === other[n]).length;
  assert(same < 10, `${same}`);
});

Deno.test("planSweep() sweeps RFC 1918 networks and no others", PURE, () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["10.255.0.9", ["10.255.0.0/24"]],
    ["172.31.255.1", ["172.31.255.0/24"]],
    ["192.168.0.255", ["192.168.0.0/24"]],
    ["172.32.0.1", []],
    ["203.0.113.5", []],
    ["127.0.0.1", []],
    ["169.254.3.4", []],
    ["100.64.0.1", []],
    ["0.0.0.0", []],
    ["::1", []],
    ["fe80::1", []],
    ["fd00::10.0.0.1", []],
    ["::ffff:10.0.0.1", []],
  ];
  for (const [host, subnets] of cases) assertEquals(plan([host]).subnets, subnets, host);
  assertEquals(plan([]), { subnets: [], targets: [] });
});

Deno.test("planSweep() spares every address of ours, and sweeps a shared /24 once", PURE, () => {
  const own = ["10.0.0.1", "10.0.0.2", "10.0.1.3"];
  const range = plan(own);
  assertEquals(range.subnets, ["10.0.0.0/24", "10.0.1.0/24"]);
  assertEquals(range.targets.length, (252 + 253) * 6);
  assert(range.targets.every(({ host }) => !own.includes(host)));
});

Deno.test("planSweep() sweeps at most four subnets, the first ones", PURE, () => {
  const range = plan(["127.0.0.1", ...[1, 2, 3, 4, 5, 6].map((n) => `172.17.${n}.1`)]);
  assertEquals(range.subnets, [1, 2, 3, 4].map((n) => `172.17.${n}.0/24`));
  assertEquals(range.targets.length, 4 * 253 * 6);
});
