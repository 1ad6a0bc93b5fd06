/**
 * The whole trial, in order. A part that fails is told as a problem, and the others go on.
 *
 * ```
 * members invited ── all stopped, addresses forgotten ── all started: how long until each has all
 *   ├─ LAN 1: avahi ── attack        meanwhile
 *   ├─ LAN 2: a cable pulled ── an address changed
 *   └─ elsewhere: multicast blocked ── a DHT
 * ```
 */

import { pause, systemClock } from "../../../src/base/clock.ts";
import { describeError } from "../../../src/base/errors.ts";
import { Avahi } from "./avahi.ts";
import { meetOverDht } from "./beyond.ts";
import { timeUntilSaid } from "./deaf.ts";
import { Host, sessionsBetween, watch } from "./host.ts";
import { Lan } from "./network.ts";
import { findReaddressed, healAfterPull } from "./outage.ts";
import { type Figures, isOk, p95, type TrialReport } from "./report.ts";
import { besiege } from "./siege.ts";
import { formVillage, isWhole, pairTimes } from "./village.ts";

const MEMBERS = 5;
const FOREIGNERS = 2;
/** The last octets of addresses. */
const MEMBER_FROM = 11;
const FOREIGNER_FROM = 21;
const MOVED = 31;
const DEAF = 41;
const ATTACKER = 51;
const HONEST = [52, 53] as const;
const SOURCES = Array.from({ length: 100 }, (_, index) => 101 + index);

const FORM_MS = 30_000;
const AVAHI_MS = 20_000;
const AVAHI_POLL_MS = 500;

interface Neighbourhood {
  readonly lan: Lan;
  readonly village: readonly Host[];
  /** Hosts of another network on the same LAN. */
  readonly foreign: readonly Host[];
}

/** Holds the trial inside the enclosure; `say` gets a line for each thing that begins. */
export async function runTrial(say: (line: string) => void): Promise<TrialReport> {
  const startMs = systemClock.now();
  const seconds = () => Math.round((systemClock.now() - startMs) / 1000);
  const problems: string[] = [];
  const step = async <T>(what: string, act: () => Promise<T>): Promise<T | null> => {
    say(`${String(seconds()).padStart(4)} s  ${what}`);
    try {
      return await act();
    } catch (error) {
      problems.push(`${what}: ${describeError(error)}`);
      return null;
    }
  };

  const both = [await buildNeighbourhood(1), await buildNeighbourhood(2)] as const;
  const [first, second] = both;
  const villages = both.flatMap(({ village, foreign }) => [village, foreign]);
  await step("founding four networks, inviting their members", async () => {
    await Promise.all(villages.map((village) => formVillage(village)));
  });
  const avahi = await step("starting avahi-daemon beside a member", () => startAvahi(first));
  await step("starting every agent, all addresses forgotten", () => startAll(both));
  const samples = both.flatMap(({ village }) => pairTimes(village));

  const onFirst = async () => {
    const listed = avahi && await step("what avahi sees of us", () => listsAll(avahi, first));
    const dialled = avahi && await step("a service that avahi announces", () => isDialled(avahi));
    const heard = avahi?.visits.map(({ message }) => message) ?? [];
    const siege = await step("ten thousand hostile discoveries", () => attack(first, heard));
    return { listed, dialled, siege };
  };
  const onSecond = async () => {
    const { lan, village } = second;
    const [one, other] = [village[2], village[3]];
    const heal = one && await step("pulling a cable, 40 s", () => healAfterPull(lan, village, one));
    const readdress = other && await step("changing an address", () => {
      return findReaddressed(lan, village, other, MOVED);
    });
    return { heal: heal ?? null, readdress: readdress ?? null };
  };
  const elsewhere = async () => {
    const blocked = await step("blocking multicast", async () => {
      return await timeUntilSaid(new Host("deaf", await second.lan.attach("deaf", DEAF)));
    });
    return { blocked, dht: await step("a private DHT of 20 nodes", meetOverDht) };
  };
  const [{ listed, dialled, siege }, { heal, readdress }, { blocked, dht }] = await Promise.all([
    onFirst(),
    onSecond(),
    elsewhere(),
  ]);
  problems.push(...(siege?.broken ?? []).map((what) => `after the attack: ${what}`));
  problems.push(...villages.flat().flatMap(({ failure }) => failure ?? []));

  const figures: Figures = {
    discovered_p95_s: p95(samples.map(({ discovered_s }) => discovered_s)),
    sealed_p95_s: p95(samples.map(({ sealed_s }) => sealed_s)),
    foreign_joined: sessionsBetween(villages),
    heal_s: heal,
    readdress_s: readdress,
    dht_s: dht,
    avahi_lists_us: listed,
    avahi_dialled: dialled,
    hostile_kept: siege && siege.broken.length === 0,
    blocked_said_s: blocked,
  };
  return {
    ...figures,
    ok: isOk(figures) && problems.length === 0,
    problems,
    hosts: villages.flat().length,
    seconds: seconds(),
    hostile: siege,
    samples,
  };
}

async function buildNeighbourhood(number: number): Promise<Neighbourhood> {
  const lan = await Lan.create(number);
  const people = async (name: string, from: number, count: number) => {
    const hosts: Host[] = [];
    for (let index = 0; index < count; index++) {
      const full = `${name}${number}-${index + 1}`;
      hosts.push(new Host(full, await lan.attach(full, from + index)));
    }
    return hosts;
  };
  return {
    lan,
    village: await people("member", MEMBER_FROM, MEMBERS),
    foreign: await people("foreign", FOREIGNER_FROM, FOREIGNERS),
  };
}

/** Starts all agents at once; resolves when every village is whole. */
async function startAll(both: readonly Neighbourhood[]): Promise<void> {
  await Promise.all(both.flatMap(({ lan, village, foreign }) => [
    ...village.map((host) => host.start()),
    // One of the foreigners does not even wait to be found.
    ...foreign.map((host, index) =>
      host.start(index === 0 ? [] : ["--peer", `${lan.address(MEMBER_FROM)}:9000`])
    ),
  ]));
  const villages = both.flatMap(({ village, foreign }) => [village, foreign]);
  if (await watch(villages.flat(), () => villages.every(isWhole), FORM_MS)) return;
  const open = villages.filter((village) => !isWhole(village)).map(([host]) => host?.name);
  throw new Error(
    `not everybody met within ${FORM_MS / 1000} s: the villages of ${open.join(", ")}`,
  );
}

async function startAvahi({ village }: Neighbourhood): Promise<Avahi | null> {
  const missing = await Avahi.missing();
  if (missing) throw new Error(`${missing} is not installed`);
  const host = village.at(-1);
  return host ? await Avahi.start(host.place.namespace) : null;
}

/** Whether avahi comes to list every member, at its address and with its key. */
async function listsAll(avahi: Avahi, { village }: Neighbourhood): Promise<boolean> {
  const endMs = systemClock.now() + AVAHI_MS;
  for (;;) {
    const services = await avahi.list();
    const isListed = ({ id, place }: Host) =>
      services.some(({ address, txt }) =>
        address === `${place.host}:9000` && txt.includes(`key=${id}`) &&
        txt.some((text) => text.startsWith("net="))
      );
    const missing = village.filter((host) => !isListed(host));
    if (missing.length === 0) return true;
    if (systemClock.now() > endMs) {
      throw new Error(`avahi does not list ${missing.map(({ name }) => name).join(", ")}`);
    }
    await pause(systemClock, AVAHI_POLL_MS);
  }
}

/** Whether somebody asks the announced node in JSON. */
async function isDialled(avahi: Avahi): Promise<boolean> {
  avahi.publishOldBox();
  return await watch([], () => avahi.visits.length > 0, AVAHI_MS);
}

async function attack({ lan, village }: Neighbourhood, heard: readonly Record<string, unknown>[]) {
  const [, victim] = village;
  if (!victim) throw new Error("Cannot attack: there is nobody");
  const attacker = await lan.attach("attacker", ATTACKER, [...HONEST, ...SOURCES]);
  return await besiege({
    village,
    victim,
    attacker,
    heard,
    sources: SOURCES.map((number) => lan.address(number)),
    honest: [lan.address(HONEST[0]), lan.address(HONEST[1])],
  });
}
