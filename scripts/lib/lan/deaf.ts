/**
 * A host where multicast is blocked, as many networks do: how long until its owner is told.
 */

import { systemClock } from "../../../src/base/clock.ts";
import { hasTool } from "./enclosure.ts";
import { type Host, watch } from "./host.ts";
import { run } from "./process.ts";
import { secondsSince } from "./village.ts";

const RULES = `table inet trial {
  chain in { type filter hook input priority 0; udp dport 5353 drop; }
  chain out { type filter hook output priority 0; udp dport 5353 drop; }
}
`;
const PATIENCE_MS = 30_000;

/** Seconds from ready until the status of `host` says that multicast is blocked. */
export async function timeUntilSaid(host: Host): Promise<number> {
  if (!await hasTool("nft")) throw new Error("Cannot block multicast: nft is not installed");
  await run(host.place.namespace, ["nft", "-f", "-"], { input: RULES });
  await host.start();
  const isSaid = await watch([host], () => host.view.mdns === "blocked", PATIENCE_MS);
  const seconds = secondsSince(host.view.readyUnixMs, systemClock.wallMs());
  await host.stop();
  if (!isSaid) {
    throw new Error(`Its status does not say that multicast is blocked: ${host.view.mdns}`);
  }
  return seconds ?? Infinity;
}
