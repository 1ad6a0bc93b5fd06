import { assert, assertEquals } from "@std/assert";
import {
  type Address,
  formatAddress,
  isLanHost,
  parseAddress,
  type Scope,
  scopeOf,
  unmapped,
} from "../../src/net/address.ts";

const PARSED: readonly (readonly [text: string, host: string, port: number])[] = [
  ["192.168.1.5:9000", "192.168.1.5", 9000],
  ["0.0.0.0:1", "0.0.0.0", 1],
  ["255.255.255.255:65535", "255.255.255.255", 65_535],
  ["[::1]:9000", "::1", 9000],
  ["[::]:80", "::", 80],
  ["[2001:db8::8:800:200c:417a]:80", "2001:db8::8:800:200c:417a", 80],
  ["[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1", 80],
  ["[fe80::1%eth0]:9000", "fe80::1%eth0", 9000],
  ["[fe80::1%3]:9000", "fe80::1%3", 9000],
  ["pi.local:9000", "pi.local", 9000],
  ["localhost:1", "localhost", 1],
  ["a:65535", "a", 65_535],
  ["Pi-4.Local:9000", "Pi-4.Local", 9000],
  ["my_pi:9000", "my_pi", 9000],
  ["xn--kche-0ra.example:443", "xn--kche-0ra.example", 443],
  ["1and1.example:443", "1and1.example", 443],
  ["3com:80", "3com", 80],
];

const REFUSED: readonly string[] = [
  "",
  ":",
  ":80",
  "[]:80",
  "[:80",
  "]:80",
  "a:",
  "a",
  "1.2.3.4",
  "[::1]",
  "::1",
  "a:0",
  "a:65536",
  "a:99999",
  "a:100000",
  "a:-1",
  "a:+1",
  "a:1.5",
  "a:1e3",
  "a:0x50",
  "a: 80",
  "a:80 ",
  " a:80",
  "a:80\n",
  "\na:80",
  "a\n:80",
  "a:80:80",
  "a:b:80",
  "1.2.3:80",
  "1.2.3.4.5:80",
  "1.2.3.4.:80",
  "999.1.1.1:80",
  "256.0.0.1:80",
  "1.2.3.04:80",
  "127.1:80",
  "2130706433:80",
  "...:80",
  ".a:80",
  "-a:80",
  "a b:80",
  "a/b:80",
  "a@b:80",
  "a%eth0:80",
  "1.2.3.4%eth0:80",
  "http://a:80",
  "[1.2.3.4]:80",
  "[a]:80",
  "[::1:80",
  "::1]:80",
  "[[::1]]:80",
  "[:::1]:80",
  "[1:2:3:4:5:6:7]:80",
  "[1:2:3:4:5:6:7:8:9]:80",
  "[::12345]:80",
  "[::1%]:80",
  "[::1%a b]:80",
  "[fe80::1%\u001b[2J]:80",
  "[::1] :80",
  "[::1]80",
  "[::1]:",
  "\u0663:80",
  "a:\u0668\u0660",
  "k\u00fcche:80",
  "a\u0000:80",
  "a\u202eb:80",
  "\uff11.2.3.4:80",
];

Deno.test("parseAddress() reads host and port", { permissions: "none" }, () => {
  for (const [text, host, port] of PARSED) assertEquals(parseAddress(text), { host, port }, text);
});

Deno.test("parseAddress() and formatAddress() are each other's inverse", {
  permissions: "none",
}, () => {
  for (const [text, host, port] of PARSED) {
    assertEquals(formatAddress({ host, port }), text);
    assertEquals(parseAddress(formatAddress({ host, port })), { host, port });
  }
});

Deno.test("parseAddress() refuses what is no address", { permissions: "none" }, () => {
  for (const text of REFUSED) assertEquals(parseAddress(text), undefined, JSON.stringify(text));
});

Deno.test("parseAddress() adds the default port where there is none", {
  permissions: "none",
}, () => {
  const cases: readonly (readonly [text: string, expected: Address | undefined])[] = [
    ["a", { host: "a", port: 9000 }],
    ["1.2.3.4", { host: "1.2.3.4", port: 9000 }],
    ["::1", { host: "::1", port: 9000 }],
    ["fe80::1%eth0", { host: "fe80::1%eth0", port: 9000 }],
    ["[::1]", { host: "::1", port: 9000 }],
    ["a:1", { host: "a", port: 1 }],
    ["[::1]:1", { host: "::1", port: 1 }],
    ["", undefined],
    [":", undefined],
    ["a:", undefined],
    ["a:0", undefined],
    ["a:65536", undefined],
    ["999.1.1.1", undefined],
    ["1.2.3", undefined],
    ["1:2:3", undefined],
    [":::", undefined],
    ["[a]", undefined],
  ];
  for (const [text, expected] of cases) assertEquals(parseAddress(text, 9000), expected, text);
});

Deno.test("parseAddress() keeps names to RFC 1123", { permissions: "none" }, () => {
  const label = "a".repeat(63);
  const longest = [label, label, label, "a".repeat(61)].join(".");
  assertEquals(longest.length, 253);
  assertEquals(parseAddress(`${label}:80`)?.host, label);
  assertEquals(parseAddress(`${longest}:80`)?.host, longest);
  const refused = [
    `${label}a`, // 64 letters
    `b.${label}a.c`,
    `${longest}a`, // 254 in all
    "a..b",
    "a...b",
    "a.-b",
  ];
  for (const host of refused) assertEquals(parseAddress(`${host}:80`), undefined, host);
});

Deno.test("parseAddress() takes no time over a hostile name", { permissions: "none" }, () => {
  // A pattern that can split a name in many ways tries them all: 2^n steps. 24 letters are enough to
  // see it, and few enough to fail rather than hang.
  const ending = ["!", "-!", ".!", "_!"];
  for (const length of [24, 252]) {
    for (const end of ending) {
      const startMs = performance.now();
      assertEquals(parseAddress(`${"a".repeat(length)}${end}:80`), undefined);
      assertEquals(parseAddress(`${"a.".repeat(length / 2)}${end}:80`), undefined);
      const tookMs = performance.now() - startMs;
      assert(tookMs < 100, `${length} letters took ${Math.round(tookMs)} ms`);
    }
  }
});

Deno.test("parseAddress() refuses huge texts", { permissions: "none" }, () => {
  const long = 1 << 20;
  const texts = ["a", "1", ".", ":", "[", "1.", "::"].map((part) =>
    part.repeat(long / part.length)
  );
  for (const text of texts) {
    assertEquals(parseAddress(`${text}:80`), undefined);
    assertEquals(parseAddress(text, 9000), undefined);
    assertEquals(parseAddress(`[${text}]:80`), undefined);
    assertEquals(parseAddress(`a:${text}`), undefined);
  }
});

Deno.test("formatAddress() puts brackets around IPv6 only", { permissions: "none" }, () => {
  const cases: readonly (readonly [host: string, expected: string])[] = [
    ["1.2.3.4", "1.2.3.4:80"],
    ["::1", "[::1]:80"],
    ["fe80::1%eth0", "[fe80::1%eth0]:80"],
    ["a.b", "a.b:80"],
  ];
  for (const [host, expected] of cases) assertEquals(formatAddress({ host, port: 80 }), expected);
});

Deno.test("scopeOf() follows the address registries at their edges", {
  permissions: "none",
}, () => {
  const cases: readonly (readonly [scope: Scope, hosts: readonly string[]])[] = [
    // RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3.
    ["loopback", ["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1"]],
    ["loopback", ["localhost"]],
    // RFC 3927, RFC 4291 section 2.5.6.
    ["link_local", ["169.254.0.0", "169.254.255.255", "fe80::", "febf:ffff::1", "FE80::1"]],
    ["link_local", ["fe80::1%eth0", "fe80::1%25"]],
    // RFC 1918.
    ["private", ["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255"]],
    ["private", ["192.168.0.0", "192.168.255.255"]],
    // RFC 6598, carrier-grade NAT.
    ["private", ["100.64.0.0", "100.127.255.255"]],
    // RFC 4193.
    ["private", ["fc00::", "fcff::1", "fd00::1", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]],
    ["unspecified", ["0.0.0.0", "0.255.255.255", "::", "0:0:0:0:0:0:0:0"]],
    ["public", ["126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0"]],
    ["public", ["9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0"]],
    ["public", ["192.167.255.255", "192.169.0.0", "100.63.255.255", "100.128.0.0"]],
    ["public", ["1.0.0.0", "8.8.8.8", "2001:4860:4860::8888", "fbff::1", "fe00::", "fec0::1"]],
    ["public", ["::2", "1::"]],
    ["name", ["pi.local", "example.com", "", "127.0.0.1.example", "10.0.0", "999.1.1.1", ":::"]],
    ["name", ["localhost.example", "notlocalhost"]],
  ];
  for (const [scope, hosts] of cases) {
    for (const host of hosts) assertEquals(scopeOf(host), scope, host);
  }
});

Deno.test("scopeOf() counts a mapped IPv6 address as its IPv4 address", {
  permissions: "none",
}, () => {
  const cases: readonly (readonly [host: string, scope: Scope])[] = [
    ["::ffff:127.0.0.1", "loopback"],
    ["::FFFF:10.1.2.3", "private"],
    ["::ffff:169.254.0.1", "link_local"],
    ["::ffff:8.8.8.8", "public"],
    ["::ffff:0.0.0.0", "unspecified"],
    ["::ffff:7f00:1", "loopback"],
    ["::ffff:a01:203", "private"],
    ["::ffff:808:808", "public"],
    ["0:0:0:0:0:ffff:127.0.0.1", "loopback"],
    ["0:0:0:0:0:ffff:c0a8:0001", "private"],
  ];
  for (const [host, scope] of cases) assertEquals(scopeOf(host), scope, host);
});

Deno.test("scopeOf() reads localhost in any case", { permissions: "none" }, () => {
  // RFC 4343: names do not tell letters' case apart.
  for (const host of ["localhost", "Localhost", "LOCALHOST"]) {
    assertEquals(scopeOf(host), "loopback", host);
  }
});

Deno.test(
  "isLanHost() is true of loopback, link and private hosts",
  { permissions: "none" },
  () => {
    for (const host of ["127.0.0.1", "::1", "localhost", "169.254.1.1", "fe80::1%1", "10.1.1.1"]) {
      assert(isLanHost(host), host);
    }
    for (const host of ["100.64.1.1", "fd12::1", "::ffff:192.168.1.1"]) {
      assert(
        isLanHost(host),
        host,
      );
    }
    for (
      const host of ["8.8.8.8", "2001:4860::1", "0.0.0.0", "::", "pi.local", "", "::ffff:8.8.8.8"]
    ) {
      assert(!isLanHost(host), host);
    }
  },
);

Deno.test("unmapped() gives the plain IPv4 address without a zone", { permissions: "none" }, () => {
  const cases: readonly (readonly [host: string, expected: string])[] = [
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["192.0.2.1", "192.0.2.1"],
    ["fe80::1%eth0", "fe80::1"],
    ["fe80::1", "fe80::1"],
    ["pi.local", "pi.local"],
    ["", ""],
  ];
  for (const [host, expected] of cases) assertEquals(unmapped(host), expected, host);
});
