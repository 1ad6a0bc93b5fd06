/**
 * Two members that share no LAN: nothing but a private Mainline DHT tells either where the other is.
 */

import { Host, watch } from "./host.ts";
import { createNamespace } from "./network.ts";
import { Resident, scriptLine } from "./process.ts";
import { formVillage, isWhole, pairTimes } from "./village.ts";

const DHT_NODES = 20;
const NAMESPACE = "internet";
const LOOPBACK = "127.0.0.1";
const ALONE = ["--listen", LOOPBACK, "--port", "0", "--mdns", "off"];
const PATIENCE_MS = 60_000;

/** Seconds from both ready until both have a session. */
export async function meetOverDht(): Promise<number> {
  await createNamespace(NAMESPACE);
  const place = { namespace: NAMESPACE, host: LOOPBACK };
  const village = [new Host("near", place), new Host("far", place)];
  const [bootstrap] = await Promise.all([startNodes(), formVillage(village, ALONE)]);
  const args = [...ALONE, "--dht", "on", "--dht-bootstrap", bootstrap];
  await Promise.all(village.map((host) => host.start(args)));
  const isDone = await watch(village, () => isWhole(village), PATIENCE_MS);
  const times = pairTimes(village).map(({ sealed_s }) => sealed_s ?? Infinity);
  await Promise.all(village.map((host) => host.stop()));
  if (!isDone) throw new Error("Two members did not find each other over the DHT");
  return Math.max(...times);
}

/** Starts the DHT; resolves with the address through which to join. */
async function startNodes(): Promise<string> {
  return await new Promise((resolve, reject) => {
    let first: string | undefined;
    const line = scriptLine("dht_nodes.ts", String(DHT_NODES));
    const nodes = new Resident(
      NAMESPACE,
      line,
      (text) => resolve(first ??= text.split(" ")[0] ?? ""),
    );
    void nodes.exited.then((code) =>
      reject(new Error(`Cannot start the DHT: it ended with ${code}`))
    );
  });
}
