import { assert, assertEquals } from "@std/assert";
import { interfaceAddresses, reachableAddresses } from "../../src/net/interfaces.ts";

const INTERFACES = [
  "127.0.0.1",
  "::1",
  "203.0.113.7",
  "192.168.1.5",
  "169.254.3.4",
  "fe80::1%eth0",
  "fd00::5",
  "2001:db8::7",
  "192.168.1.5",
].map((address) => ({ address }));

Deno.test("reachableAddresses() of one address is that address", { permissions: "none" }, () => {
  for (const host of ["192.168.1.5", "127.0.0.1", "::1", "pi.local"]) {
    assertEquals(reachableAddresses({ host, port: 9 }, INTERFACES), [{ host, port: 9 }]);
  }
});

Deno.test("reachableAddresses() puts private first, loopback last, link-local not beside them", {
  permissions: "none",
}, () => {
  const hosts = (host: string) => reachableAddresses({ host, port: 9 }, INTERFACES);
  assertEquals(hosts("0.0.0.0").map(({ host }) => host), [
    "192.168.1.5",
    "203.0.113.7",
    "127.0.0.1",
  ]);
  assertEquals(hosts("::").map(({ host }) => host), [
    "192.168.1.5",
    "fd00::5",
    "203.0.113.7",
    "2001:db8::7",
    "127.0.0.1",
    "::1",
  ]);
  assert(hosts("::").every(({ port }) => port === 9));
});

Deno.test("reachableAddresses() of a cable between two machines is IPv4 link-local", {
  permissions: "none",
}, () => {
  const interfaces = ["127.0.0.1", "169.254.3.4", "fe80::1"].map((address) => ({ address }));
  for (const host of ["0.0.0.0", "::"]) {
    const addresses = reachableAddresses({ host, port: 9 }, interfaces);
    assertEquals(addresses.map(({ host }) => host), ["169.254.3.4", "127.0.0.1"]);
  }
});

Deno.test("reachableAddresses() falls back to loopback", { permissions: "none" }, () => {
  for (const interfaces of [[], [{ address: "fe80::1" }]]) {
    const addresses = reachableAddresses({ host: "0.0.0.0", port: 9 }, interfaces);
    assertEquals(addresses, [{ host: "127.0.0.1", port: 9 }]);
  }
});

Deno.test("interfaceAddresses() is empty where it is not allowed to look", {
  permissions: "none",
}, () => {
  assertEquals(interfaceAddresses(), []);
});
