import { assertEquals } from "@std/assert";
import { DialPaths } from "../../src/mesh/dial_paths.ts";
import type { Address } from "../../src/net/address.ts";

const PURE = { permissions: "none" } as const;

function at(host: string): Address {
  return { host, port: 9000 };
}

const HEARSAY = { isHearsay: true };

/** Addresses that we have from the peer itself. */
function pathsOf(...hosts: readonly string[]): DialPaths {
  const paths = new DialPaths();
  paths.add(hosts.map(at), 0, { isHearsay: false });
  return paths;
}

function pathOf(paths: DialPaths, host: string) {
  const path = paths.find(`${host}:9000`);
  if (!path) throw new Error(`${host} is not among them`);
  return path;
}

/** All hosts in the order in which they would be tried. */
function order(paths: DialPaths): readonly string[] {
  const hosts: string[] = [];
  paths.reset(-1);
  for (let path = paths.due(1e9); path; path = paths.due(1e9)) {
    hosts.push(path.address.host);
    path.dueMs = Infinity;
  }
  return hosts;
}

Deno.test("DialPaths tries what is near before what is far, else as it was given", PURE, () => {
  const rows: readonly [given: readonly string[], tried: readonly string[]][] = [
    [["10.0.0.2", "10.0.0.1"], ["10.0.0.2", "10.0.0.1"]],
    [["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"]],
    [["pi.local", "8.8.8.8", "127.0.0.1"], ["127.0.0.1", "pi.local", "8.8.8.8"]],
    [
      ["2001:db8::1", "169.254.0.1", "1.1.1.1", "192.168.0.1", "172.16.0.1"],
      ["169.254.0.1", "192.168.0.1", "172.16.0.1", "2001:db8::1", "1.1.1.1"],
    ],
    [["10.0.0.1", "10.0.0.1"], ["10.0.0.1"]],
    [[], []],
  ];
  for (const [given, tried] of rows) assertEquals(order(pathsOf(...given)), tried);
});

Deno.test("DialPaths.add() puts news in front and leaves the rest as it is", PURE, () => {
  const paths = pathsOf("10.0.0.1", "10.0.0.2", "8.8.8.8");
  paths.add(["9.9.9.9", "10.0.0.2", "10.0.0.3", "10.0.0.4"].map(at), 0, HEARSAY);
  assertEquals(order(paths), [
    "10.0.0.3",
    "10.0.0.4",
    "10.0.0.1",
    "10.0.0.2",
    "9.9.9.9",
    "8.8.8.8",
  ]);
});

Deno.test("DialPaths tries first where somebody answered, the latest first", PURE, () => {
  const paths = pathsOf("10.0.0.1", "10.0.0.2", "10.0.0.3", "8.8.8.8", "9.9.9.9");
  for (const [host, nowMs] of [["9.9.9.9", 3], ["10.0.0.3", 2], ["10.0.0.2", 1]] as const) {
    paths.prove(pathOf(paths, host), nowMs);
  }
  paths.add([at("10.0.0.4")], 4, HEARSAY);
  assertEquals(order(paths), [
    "10.0.0.3",
    "10.0.0.2",
    "10.0.0.4",
    "10.0.0.1",
    "9.9.9.9",
    "8.8.8.8",
  ]);
});

Deno.test("DialPaths tries what fell due first before what is nearer", PURE, () => {
  const paths = pathsOf("10.0.0.1", "8.8.8.8", "pi.local");
  pathOf(paths, "10.0.0.1").dueMs = 3;
  pathOf(paths, "8.8.8.8").dueMs = 2;
  pathOf(paths, "pi.local").dueMs = 2;
  const first = (nowMs: number) => paths.due(nowMs)?.address.host;
  assertEquals([first(1), first(2), first(9)], [undefined, "8.8.8.8", "8.8.8.8"]);
});

Deno.test("DialPaths holds 8 addresses; hearsay displaces hearsay alone", PURE, () => {
  const paths = pathsOf("10.0.0.1", "10.0.0.2");
  for (let n = 0; n < 100; n += 4) {
    paths.add([n, n + 1, n + 2, n + 3].map((each) => at(`10.0.1.${each}`)), 2, HEARSAY);
  }
  assertEquals(paths.size, 8);
  assertEquals(order(paths), [
    ...["10.0.1.96", "10.0.1.97", "10.0.1.98", "10.0.1.99", "10.0.1.92", "10.0.1.93"],
    ...["10.0.0.1", "10.0.0.2"],
  ]);
});

Deno.test("DialPaths full of addresses from the peer itself takes no hearsay", PURE, () => {
  const hosts = Array.from({ length: 8 }, (_, n) => `10.0.0.${n}`);
  const paths = pathsOf();
  paths.add(hosts.map(at), 0, HEARSAY);
  paths.add(hosts.map(at), 0, { isHearsay: false });
  paths.add([at("10.0.1.1")], 0, HEARSAY);
  assertEquals(order(paths), hosts);
  paths.prove(pathOf(paths, "10.0.0.7"), 1);
  paths.add([at("10.0.1.2")], 0, { isHearsay: false });
  assertEquals(order(paths), ["10.0.0.7", "10.0.1.2", ...hosts.slice(0, 6)]);
});

Deno.test("DialPaths.hear() makes all due that were not dialled in the last 5 s", PURE, () => {
  const paths = pathsOf("10.0.0.1", "10.0.0.2", "10.0.0.3");
  const [first, second, third] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((host) =>
    pathOf(paths, host)
  );
  Object.assign(first ?? {}, { dueMs: 1e6, dialledMs: 1_000 });
  Object.assign(second ?? {}, { dueMs: 1e6, dialledMs: 9_000 });
  Object.assign(third ?? {}, { dueMs: 1e6, isRefused: true });
  paths.hear(10_000);
  assertEquals([first?.dueMs, second?.dueMs, third?.dueMs], [10_000, 14_000, 1e6]);
  paths.hurry(10_500);
  assertEquals([first?.dueMs, second?.dueMs, third?.dueMs], [10_000, 10_500, 1e6]);
  paths.hurry(11_000);
  assertEquals([first?.dueMs, second?.dueMs], [10_000, 10_500], "nothing is postponed");
  paths.forgive();
  paths.hear(12_000);
  assertEquals(third?.dueMs, 12_000);
});
