/**
 * The whole trial of who belongs and how members find each other, where network namespaces can be made: the
 * figures that `scripts/lan_trial.ts` prints, against the limits that were asked for.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { findEnclosure, hasTool } from "../../scripts/lib/lan/enclosure.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/lan_trial.ts", import.meta.url));
const DEADLINE_MS = 300_000;

type Report = Readonly<Record<string, unknown>>;

const enclosure = await findEnclosure();
const isPossible = typeof enclosure !== "string";

async function runTrial(): Promise<[code: number, Report]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--quiet", SCRIPT, "--json"],
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).output();
  const decoder = new TextDecoder();
  const text = decoder.decode(stdout);
  assert(text.startsWith("{"), `it printed no report: ${decoder.decode(stderr)}`);
  return [code, JSON.parse(text)];
}

Deno.test({
  name: isPossible
    ? "lan_trial: members find each other by themselves, and nobody else gets in"
    : `skipped, for ${enclosure}: lan_trial: members find each other by themselves`,
  ignore: !isPossible,
  fn: async (t) => {
    const [code, report] = await runTrial();
    const said = JSON.stringify({ ...report, samples: undefined });
    const figure = (name: string): number => {
      const value = report[name];
      assert(typeof value === "number", `${name} was not measured: ${said}`);
      return value;
    };
    const limits: readonly [string, number][] = [
      ["discovered_p95_s", 5],
      ["sealed_p95_s", 10],
      ["foreign_joined", 0],
      ["heal_s", 15],
      ["readdress_s", 30],
      ["dht_s", 10],
    ];
    for (const [name, limit] of limits) {
      await t.step(`${name} is at most ${limit}`, () => {
        assert(figure(name) <= limit, said);
      });
    }
    await t.step("hostile_kept is true", () => assertEquals(report["hostile_kept"], true, said));

    const hasAvahi = await hasTool("avahi-daemon") && await hasTool("avahi-publish");
    for (const name of ["avahi_lists_us", "avahi_dialled"]) {
      await t.step({
        name: hasAvahi ? `${name} is true` : `skipped, for avahi is not installed: ${name} is true`,
        ignore: !hasAvahi,
        fn: () => assertEquals(report[name], true, said),
      });
    }
    const hasFirewall = await hasTool("nft");
    await t.step({
      name: hasFirewall
        ? "blocked multicast is said within 10 s"
        : "skipped, for nft is not installed: blocked multicast is said",
      ignore: !hasFirewall,
      fn: () => assert(figure("blocked_said_s") <= 10, said),
    });
    await t.step("ok and the exit code say the same", () => {
      assertEquals(report["ok"], code === 0, said);
      assertEquals(report["ok"], hasAvahi && hasFirewall, said);
    });
  },
});

Deno.test("findEnclosure() says what is missing where the tools are not installed", async () => {
  const reason = await findEnclosure(["/nonexistent"]);
  assert(typeof reason === "string");
  if (Deno.build.os === "linux") assertMatch(reason, /need sh, which is not installed/);
});
