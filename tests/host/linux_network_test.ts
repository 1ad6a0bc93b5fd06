import { assertEquals } from "@std/assert";
import {
  classifyInterface,
  parseDefaultRoute,
  parseDefaultRoute6,
  readNetwork,
} from "../../src/host/linux_network.ts";
import { FakeSource, HOSTILE_TEXTS } from "./fake_source.ts";
import { PROC_NET_IPV6_ROUTE, PROC_NET_ROUTE } from "./linux_samples.ts";

const NET = "/sys/class/net";

function defaultRoute(name: string): string {
  return `${name}\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n`;
}

Deno.test("parseDefaultRoute() takes the lowest metric", { permissions: "none" }, () => {
  assertEquals(parseDefaultRoute(PROC_NET_ROUTE), "wlan0");
});

Deno.test("parseDefaultRoute() skips routes that carry nothing", { permissions: "none" }, () => {
  const cases: [string, string | undefined][] = [
    ["eth0 00000000 0 0002 0 0 0 00000000", undefined], // not up
    ["eth0 00000000 0 0201 0 0 0 00000000", undefined], // reject
    ["eth0 00000000 0 0001 0 0 0 00FFFFFF", undefined], // not a default route
    ["eth0 00000001 0 0001 0 0 0 00000000", undefined],
    ["../../etc 00000000 0 0001 0 0 0 00000000", undefined],
    [".. 00000000 0 0001 0 0 0 00000000", undefined],
    ["a-name-too-long-for-linux 00000000 0 0001 0 0 0 00000000", undefined],
    ["eth0 00000000 0 0001 0 0 -1 00000000", undefined],
    ["eth0.7 00000000 0 0001 0 0 0 00000000", "eth0.7"],
  ];
  for (const [line, name] of cases) assertEquals(parseDefaultRoute(line), name, line);
  for (const text of HOSTILE_TEXTS) assertEquals(parseDefaultRoute(text), undefined);
});

Deno.test(
  "parseDefaultRoute6() ignores the loopback's reject route",
  { permissions: "none" },
  () => {
    assertEquals(parseDefaultRoute6(PROC_NET_IPV6_ROUTE), "eth1");
  },
);

Deno.test(
  "classifyInterface() tells the medium from the directory",
  { permissions: "none" },
  () => {
    const cases: [string[], string | undefined, string | undefined, string][] = [
      [["wireless", "device"], "1", "INTERFACE=wlan0\n", "wifi"],
      [["phy80211", "device"], "1", undefined, "wifi"],
      [["device"], "1", "DEVTYPE=wlan\nINTERFACE=wlp3s0\n", "wifi"],
      [["device"], "1", "DEVTYPE=wwan\n", "cellular"],
      [["device"], "1\n", "INTERFACE=eth0\n", "ethernet"],
      [[], "1", "INTERFACE=eth0\n", "unknown"], // a container's virtual end
      [[], "65534", "DEVTYPE=wireguard\n", "unknown"],
      [["device"], "N/A", undefined, "unknown"],
      [[], undefined, undefined, "unknown"],
    ];
    for (const [entries, linkType, uevent, medium] of cases) {
      assertEquals(classifyInterface({ entries, linkType, uevent }), medium, entries.join());
    }
  },
);

Deno.test("readNetwork() looks under a bridge", { permissions: "none" }, async () => {
  const files = {
    "/proc/net/route": defaultRoute("br0"),
    [`${NET}/br0/type`]: "1",
    [`${NET}/br0/lower_eth0/type`]: "1",
    [`${NET}/eth0/type`]: "1",
    [`${NET}/eth0/device/vendor`]: "0x8086",
  };
  const network = await readNetwork(new FakeSource({ files }), undefined);
  assertEquals(network, { name: "br0", networkType: "ethernet" });
});

Deno.test("readNetwork() looks again only when the default route moves", {
  permissions: "none",
}, async () => {
  const files: Record<string, string> = {
    "/proc/net/route": defaultRoute("wlan0"),
    [`${NET}/wlan0/uevent`]: "DEVTYPE=wlan\n",
    [`${NET}/eth0/type`]: "1",
    [`${NET}/eth0/device/vendor`]: "0x8086",
  };
  const source = new FakeSource({ files });
  const first = await readNetwork(source, undefined);
  source.effects.length = 0;
  assertEquals(await readNetwork(source, first), { name: "wlan0", networkType: "wifi" });
  assertEquals(source.effects, ["read /proc/net/route"]);
  files["/proc/net/route"] = defaultRoute("eth0");
  assertEquals((await readNetwork(source, first))?.networkType, "ethernet");
  files["/proc/net/route"] = "";
  assertEquals(await readNetwork(source, first), undefined);
});
