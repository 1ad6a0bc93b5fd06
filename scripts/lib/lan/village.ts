/**
 * A village: hosts of one network, from the founder's first start to the moment when all are members and
 * none knows where another is.
 */

import { Fields } from "../../../src/base/guards.ts";
import type { Host } from "./host.ts";

/** What two hosts of one village took to find each other, from when both were ready, seconds. */
export interface PairTimes {
  readonly from: string;
  readonly to: string;
  readonly discovered_s: number | null;
  readonly sealed_s: number | null;
}

/** Only what peers told; identity and membership stay. */
const PEERS_FILE = "peers.json";

/** Makes `hosts` members of one network, which the first founds. All are stopped afterwards. */
export async function formVillage(
  [founder, ...others]: readonly Host[],
  args: readonly string[] = [],
): Promise<void> {
  if (!founder) return;
  await founder.start(args);
  for (const host of others) {
    const invitation = Fields.of(
      JSON.parse(await founder.hamlet("invite", "--json")),
      "invitation",
    );
    await host.hamlet("join", invitation.text("token", { maxLength: 200 }));
  }
  await founder.stop();
  for (const host of [founder, ...others]) {
    await Deno.remove(`${host.stateDir}/${PEERS_FILE}`).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

/** Whether every host of `village` has a session with every other. */
export function isWhole(village: readonly Host[]): boolean {
  return village.every((host) =>
    village.every((other) => host === other || host.peer(other)?.isConnected)
  );
}

/** Every ordered pair of `village`, as far as its hosts have been seen. */
export function pairTimes(village: readonly Host[]): readonly PairTimes[] {
  return village.flatMap((host) =>
    village.filter((other) => other !== host).map((other) => {
      const startMs = Math.max(host.view.readyUnixMs, other.view.readyUnixMs);
      return {
        from: host.name,
        to: other.name,
        discovered_s: secondsSince(startMs, host.peer(other)?.firstSeenUnixMs),
        sealed_s: secondsSince(startMs, host.sealedUnixMs.get(other.id)),
      };
    })
  );
}

/** From `startMs` to `atMs`, at least 0; `null` when that never was. */
export function secondsSince(startMs: number, atMs: number | null | undefined): number | null {
  return atMs === null || atMs === undefined
    ? null
    : Math.max(0, Math.round(atMs - startMs)) / 1000;
}
