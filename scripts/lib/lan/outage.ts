/**
 * What befalls a host on a LAN: its cable is pulled, its address changes. Measured is how long its village
 * takes to be whole again.
 */

import { pause, systemClock } from "../../../src/base/clock.ts";
import { type Host, watch } from "./host.ts";
import type { Lan } from "./network.ts";
import { secondsSince } from "./village.ts";

/** Long enough for every session to be given up: asked after 15 s of silence, ended 10 s later. */
const PULLED_MS = 40_000;
const DEATH_MS = 30_000;
const RETURN_MS = 60_000;

/**
 * Pulls the cable of `victim`, puts it back when all its sessions are over, and resolves with the seconds
 * from then until it has one with every host of `village` again.
 */
export async function healAfterPull(
  lan: Lan,
  village: readonly Host[],
  victim: Host,
): Promise<number> {
  const pairs = pairsWith(village, victim);
  await lan.plug(victim.place, false);
  await pause(systemClock, PULLED_MS);
  const isOver = () => pairs.every(([host, other]) => !host.peer(other)?.isConnected);
  if (!await watch(village, isOver, DEATH_MS)) {
    throw new Error(`Cannot measure healing: sessions of ${victim.name} outlived its cable`);
  }
  await lan.plug(victim.place, true);
  return await untilSealed(village, pairs, systemClock.wallMs(), `${victim.name} came back`);
}

/**
 * Gives `victim` address `number` instead of its own, and resolves with the seconds from then until every
 * other host of `village` has a new session with it.
 */
export async function findReaddressed(
  lan: Lan,
  village: readonly Host[],
  victim: Host,
  number: number,
): Promise<number> {
  victim.place = await lan.readdress(victim.place, number);
  const pairs = pairsWith(village, victim).filter(([, other]) => other === victim);
  return await untilSealed(village, pairs, systemClock.wallMs(), `${victim.name} moved`);
}

/** Both directions between `victim` and each other host. */
function pairsWith(village: readonly Host[], victim: Host): readonly (readonly [Host, Host])[] {
  return village.filter((host) => host !== victim)
    .flatMap((host) => [[host, victim], [victim, host]] as const);
}

/** Seconds from `sinceMs` until each pair has a session that began after it. */
async function untilSealed(
  village: readonly Host[],
  pairs: readonly (readonly [Host, Host])[],
  sinceMs: number,
  what: string,
): Promise<number> {
  const begun = () => pairs.map(([host, other]) => host.peer(other)?.connectedUnixMs ?? 0);
  if (!await watch(village, () => begun().every((atMs) => atMs > sinceMs), RETURN_MS)) {
    const without = pairs.filter((_, index) => (begun()[index] ?? 0) <= sinceMs)
      .map(([host, other]) => `${host.name} with ${other.name}`);
    throw new Error(
      `Waited ${RETURN_MS / 1000} s since ${what}, no session: ${without.join(", ")}`,
    );
  }
  return secondsSince(sinceMs, Math.max(...begun())) ?? Infinity;
}
