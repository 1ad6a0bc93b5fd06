/** Who takes part in tests: fixed identities, RFC 8032's published keys, and local nodes around them. */

import { type Bytes, decodeHex } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { type Capabilities, DEFAULT_CAPABILITIES } from "../../src/discovery/capabilities.ts";
import type { SelfDescription } from "../../src/discovery/message.ts";
import { type Identity, identityFromSeed } from "../../src/node/identity.ts";
import { LocalNode, type LocalNodeOptions } from "../../src/node/local_node.ts";
import { chooseBackend } from "../../src/noise/backend.ts";

/** What the agent itself would run on here. */
export const PRIMITIVES = chooseBackend().primitives;

/** Keys of RFC 8032 section 7.1, tests 1 to 3. */
export const RFC_8032 = [
  {
    seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  },
  {
    seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
  },
  {
    seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
  },
] as const;

/** The seed of the `n`-th test identity. */
export function seedOf(n: number): Bytes {
  const seed = new Uint8Array(32).fill(0x5a);
  new DataView(seed.buffer).setUint32(0, n);
  return seed;
}

/** The `n`-th test identity. */
export function identityOf(n: number): Identity {
  return identityFromSeed(seedOf(n), PRIMITIVES);
}

export const ALICE: Identity = identityFromSeed(decodeHex(RFC_8032[0].seed), PRIMITIVES);
export const BOB: Identity = identityFromSeed(decodeHex(RFC_8032[1].seed), PRIMITIVES);
export const CAROL: Identity = identityFromSeed(decodeHex(RFC_8032[2].seed), PRIMITIVES);

/** Wall time at which a fresh `ManualClock` stands. */
export const WALL_MS = new ManualClock().wallMs();

/** Capabilities with every field away from its default. */
export const LAPTOP: Capabilities = Object.freeze({
  cpuCores: 8,
  ramMb: 16_384,
  cpuPercent: 12.5,
  memoryPercent: 40,
  batteryPercent: 77,
  networkType: "wifi",
  deviceType: "laptop",
  performanceTier: "premium",
  thermalState: "warm",
  canEvolve: true,
  evolutionCapacity: 0.75,
  availableForEvolution: true,
  evolutionLoad: 0.25,
});

export function describe(
  identity: Identity,
  capabilities: Capabilities = DEFAULT_CAPABILITIES,
): SelfDescription {
  return { id: identity.id, listenPort: 9000, capabilities, status: "active" };
}

/** A local node of `identity`; legacy peers on private networks may speak to it. */
export function localNode(
  identity: Identity,
  options: Partial<Omit<LocalNodeOptions, "identity" | "primitives">> = {},
): LocalNode {
  return new LocalNode({
    identity,
    primitives: PRIMITIVES,
    clock: new ManualClock(),
    legacy: "lan",
    describe: () => describe(identity, LAPTOP),
    addresses: () => [{ host: "192.168.1.5", port: 9000 }],
    ...options,
  });
}
