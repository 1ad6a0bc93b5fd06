/**
 * A Mainline DHT of its own, for tests and trials that must not touch the public one: nodes in this process
 * that know each other and nobody else.
 */

import { systemClock } from "../../src/base/clock.ts";
import type { Address } from "../../src/net/address.ts";
import { type DhtNode, openDht } from "../../src/net/dht.ts";
import { nativePrimitives } from "../../src/noise/native.ts";
import { randomBytes } from "../../src/noise/primitives.ts";

export interface PrivateDht {
  /** Through whom others join. */
  readonly bootstrap: readonly Address[];
  close(): Promise<void>;
}

const KEY_BYTES = 20;

/** Starts `count` nodes on free ports of `host`; resolves once each has met others. */
export async function startPrivateDht(count: number, host = "127.0.0.1"): Promise<PrivateDht> {
  const join = (bootstrap: readonly Address[]) =>
    openDht({ host, port: 0, bootstrap, verify: nativePrimitives.verify, clock: systemClock });
  const first = await join([]);
  const bootstrap = [{ host, port: first.port }];
  const others = await Promise.all(Array.from({ length: count - 1 }, () => join(bootstrap)));
  const nodes: readonly DhtNode[] = [first, ...others];
  // A lookup acquaints a node with those that it asks.
  await Promise.all(nodes.map((node) => node.lookup(randomBytes(KEY_BYTES), () => {})));
  return {
    bootstrap,
    close: async () => void await Promise.all(nodes.map((node) => node.close())),
  };
}
