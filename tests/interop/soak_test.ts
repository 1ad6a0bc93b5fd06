/**
 * The soak: what its schedule and its verdict are made of, and two minutes of it.
 */

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { type Measurement, soakReport } from "../../scripts/lib/soak/report.ts";
import { type Act, ROUND_MS, scheduleOf } from "../../scripts/lib/soak/schedule.ts";
import { trendOf } from "../../scripts/lib/soak/trend.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/soak.ts", import.meta.url));
const PURE = { permissions: "none" } as const;
const OPTIONS = { seed: 5, nodes: 10, survivors: 4, rounds: 200 };
/** Forming, two minutes, and what a busy machine adds. */
const DEADLINE_MS = 420_000;
const MINUTES = 2;
const LIMIT = 0.05;

function nodesOf(act: Act): readonly number[] {
  return ["node", "from", "to"].flatMap((key) => {
    const value: unknown = Object.entries(act).find(([name]) => name === key)?.[1];
    return typeof value === "number" ? [value] : [];
  });
}

function measurements(count: number, of: (round: number) => Partial<Measurement>): Measurement[] {
  return Array.from({ length: count }, (_, round) => ({
    atMs: round * 10_000,
    rssBytes: 80e6,
    heapBytes: 14e6,
    files: 45,
    ...of(round),
  }));
}

function reportOf(measured: readonly (readonly Measurement[])[], problems: string[] = []) {
  return soakReport({
    seed: 1,
    nodes: 10,
    minutes: 2,
    rounds: 12,
    warmUpRounds: 5,
    limit: LIMIT,
    measured,
    deeds: {},
    problems,
  });
}

Deno.test("scheduleOf() gives the same for a seed, and another for another", PURE, () => {
  assertEquals(scheduleOf(OPTIONS), scheduleOf(OPTIONS));
  assertNotEquals(scheduleOf(OPTIONS), scheduleOf({ ...OPTIONS, seed: 6 }));
  // A longer soak begins as a shorter one.
  assertEquals(scheduleOf({ ...OPTIONS, rounds: 20 }), scheduleOf(OPTIONS).slice(0, 20));
});

Deno.test("scheduleOf() kills no survivor, and has nobody at work who is killed", PURE, () => {
  const seen = new Set<string>();
  for (const acts of scheduleOf(OPTIONS)) {
    const killed = acts.flatMap((act) => act.kind === "kill" ? [act.node] : []);
    assert(killed.every((node) => node >= 4 && node < 10), `${killed}`);
    assertEquals(new Set(killed).size, killed.length);
    for (const act of acts) {
      seen.add(act.kind);
      assert(act.atMs >= 0 && act.atMs < ROUND_MS);
      if (act.kind !== "kill") assert(nodesOf(act).every((node) => !killed.includes(node)));
      if (act.kind === "send" || act.kind === "ping") assertNotEquals(act.from, act.to);
    }
    assertEquals([...acts].sort((a, b) => a.atMs - b.atMs), acts);
  }
  const all = ["event", "garbage", "handshakes", "idle", "kill", "legacy", "ping", "query", "send"];
  assertEquals([...seen].sort(), all);
});

Deno.test("trendOf() is Theil and Sen's slope: one odd sample moves nothing", PURE, () => {
  const points = Array.from({ length: 12 }, (_, index) => ({
    atMs: index * 60_000,
    value: 100 + index,
  }));
  // One a minute is sixty an hour; thirds of 4 have their upper medians at 102 and 110.
  assertEquals(trendOf(points), { first: 102, last: 110, growth: 8 / 102, perHour: 60 });
  const odd = points.map((point, index) => index === 5 ? { ...point, value: 9_000 } : point);
  assertEquals(trendOf(odd).perHour, 60);
  assertThrows(() => trendOf(points.slice(0, 2)), RangeError);
});

Deno.test(
  "soakReport() condemns a leak of memory and one of files, and no single sample",
  PURE,
  () => {
    const steady = () => measurements(12, () => ({}));
    assertEquals(reportOf([steady(), steady(), steady()]).ok, true);
    const leaking = () => measurements(12, (round) => ({ rssBytes: 80e6 + round * 1e6 }));
    assertEquals(reportOf([leaking(), leaking(), leaking()]).ok, false);
    const holding = () => measurements(12, (round) => ({ files: 45 + round }));
    assertEquals(reportOf([holding(), holding(), holding()]).ok, false);
    const odd = () => measurements(12, (round) => round === 9 ? { rssBytes: 300e6 } : {});
    assertEquals(reportOf([odd(), odd(), odd()]).ok, true);
    const warming = () =>
      measurements(12, (round) => ({ rssBytes: 40e6 + Math.min(round, 5) * 8e6 }));
    assertEquals(reportOf([warming(), warming(), warming()]).ok, true);
    assertEquals(reportOf([steady()], ["kill: it did not come back"]).ok, false);
  },
);

Deno.test("soak refuses what it cannot do, in one line", async () => {
  for (
    const args of [[], ["--minutes", "0"], ["--minutes", "x"], ["--minutes", "1", "--nodes", "3"], [
      "--minutes",
      "1",
      "--what",
    ]]
  ) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", SCRIPT, ...args],
    }).output();
    assertEquals([code, stdout.length], [2, 0]);
    assertEquals(new TextDecoder().decode(stderr).trim().split("\n").length, 1);
  }
});

Deno.test({
  name: `soak: a village of ten for ${MINUTES} minutes, and nothing grows by more than 5 %`,
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", SCRIPT, "--minutes", `${MINUTES}`, "--json"],
      signal: AbortSignal.timeout(DEADLINE_MS),
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const said = decode(stderr);
    const text = decode(stdout);
    assert(text.startsWith("{"), `it printed no report: ${said}`);
    const { growth, agents, deeds, problems, per_hour: perHour } = JSON.parse(text);
    console.log(said.trim());
    console.log(`growth ${JSON.stringify(growth)}, an hour ${JSON.stringify(perHour)}`);
    assertEquals(problems, [], said);
    assertEquals(agents.length, 4);
    assert(deeds.kill.done > 0 && deeds.send.done > 0 && deeds.legacy.done > 0, text);
    assert(growth.rss <= LIMIT, `memory grew by ${growth.rss}: ${JSON.stringify(agents)}, ${said}`);
    assert(growth.files <= LIMIT, `files grew by ${growth.files}: ${JSON.stringify(agents)}`);
  },
});
