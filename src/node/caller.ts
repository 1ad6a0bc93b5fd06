/** A node that dials for one conversation, and that nobody dials: it says nothing of itself but its key and its proof. */

import { DEFAULT_CAPABILITIES } from "../discovery/capabilities.ts";
import { LocalNode, type LocalNodeOptions } from "./local_node.ts";

export function newCaller(
  options: Pick<
    LocalNodeOptions,
    "identity" | "primitives" | "clock" | "membership" | "psk" | "pskId"
  >,
): LocalNode {
  const { id } = options.identity;
  return new LocalNode({
    ...options,
    legacy: "off",
    describe: () => ({
      id,
      listenPort: 1,
      capabilities: DEFAULT_CAPABILITIES,
      status: "starting",
    }),
    addresses: () => [],
  });
}
