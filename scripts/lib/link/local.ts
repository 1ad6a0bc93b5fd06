/**
 * A node's own words and keys, as the benchmarks need them: fresh identity, fixed capabilities.
 */

import { systemClock } from "../../../src/base/clock.ts";
import { DEFAULT_CAPABILITIES } from "../../../src/discovery/capabilities.ts";
import { type Primitives, randomBytes } from "../../../src/noise/primitives.ts";
import { identityFromSeed } from "../../../src/node/identity.ts";
import { LocalNode } from "../../../src/node/local_node.ts";

/** A node that has not been there before. */
export function createLocalNode(primitives: Primitives): LocalNode {
  const identity = identityFromSeed(randomBytes(32), primitives);
  return new LocalNode({
    identity,
    primitives,
    clock: systemClock,
    legacy: "any",
    describe: () => ({
      id: identity.id,
      listenPort: 9000,
      capabilities: DEFAULT_CAPABILITIES,
      status: "active",
    }),
    addresses: () => [{ host: "127.0.0.1", port: 9000 }],
  });
}
