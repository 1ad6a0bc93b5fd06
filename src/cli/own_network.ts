/**
 * The network of a state directory on which no agent runs: whether it may be left.
 */

import { NetworkStore, type NetworkStoreOptions } from "../agent/network_store.ts";
import { systemClock } from "../base/clock.ts";
import { checkMayLeave } from "../control/network_routes.ts";

/** Throws `NetworkRouteError` when leaving it would lose something. */
export async function checkOwnNetwork(
  options: Pick<NetworkStoreOptions, "stateDir" | "identity" | "primitives">,
  action: "join" | "leave",
): Promise<void> {
  const { membership } = await NetworkStore.open({
    ...options,
    clock: systemClock,
    log: () => {},
    isOpen: false,
    deviceName: "",
    networkName: "",
  });
  checkMayLeave(membership, action);
}
