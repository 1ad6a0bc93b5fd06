import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type Capabilities, DEFAULT_CAPABILITIES } from "../../src/discovery/capabilities.ts";
import type { AuthenticatedPeer, Peer, UnverifiedPeer } from "../../src/mesh/peer.ts";
import {
  evolutionPriority,
  incapacity,
  selectForEvolution,
  unfitness,
} from "../../src/mesh/selection.ts";
import { Registry } from "../../src/mesh/registry.ts";
import { ALICE, identityOf } from "../testing/identities.ts";
import { peerIdOf } from "../../src/base/peer_id.ts";

const PURE = { permissions: "none" } as const;

function able(changes: Partial<Capabilities> = {}): Capabilities {
  return { ...DEFAULT_CAPABILITIES, ...changes };
}

const CONNECTED: AuthenticatedPeer = (() => {
  const registry = new Registry(ALICE.id);
  const peer = registry.learn({ id: identityOf(1).id, isConnected: true }, 0);
  assert(peer);
  return peer;
})();

const OLD: UnverifiedPeer = (() => {
  const news = { id: "old", host: "10.0.0.9", address: undefined, capabilities: able() };
  const peer = new Registry(ALICE.id).learnUnverified(news, 0);
  assert(peer);
  return peer;
})();

function peer(changes: Partial<AuthenticatedPeer> = {}): AuthenticatedPeer {
  return { ...CONNECTED, ...changes };
}

/** LEGACY's formulas, written down a second time from its text. */
function naiveSuitable(c: Capabilities): boolean {
  return c.canEvolve && c.availableForEvolution && c.evolutionLoad < 0.8 &&
    c.thermalState !== "throttling" && c.thermalState !== "critical" &&
    (c.batteryPercent === null || c.batteryPercent > 20);
}

function naivePriority(c: Capabilities, trust: number): number {
  const terms = [
    0.4 * c.evolutionCapacity,
    c.ramMb > 4096 ? 0.2 : 0,
    c.cpuCores >= 4 ? 0.1 : 0,
    c.batteryPercent !== null && c.batteryPercent < 50 ? -0.2 : 0,
    -0.3 * c.evolutionLoad,
    0.1 * (trust - 0.5),
  ];
  return Math.min(1, Math.max(0, terms.reduce((sum, term) => sum + term, 0)));
}

Deno.test("incapacity() names the first thing that keeps a peer from evolution", PURE, () => {
  const cases: readonly (readonly [Partial<Capabilities>, string | undefined])[] = [
    [{}, undefined],
    [{ canEvolve: false }, "cannot_evolve"],
    [{ canEvolve: false, availableForEvolution: false }, "cannot_evolve"],
    [{ availableForEvolution: false }, "not_available"],
    [{ evolutionLoad: 0.79 }, undefined],
    [{ evolutionLoad: 0.8 }, "loaded"],
    [{ evolutionLoad: 1 }, "loaded"],
    [{ thermalState: "normal" }, undefined],
    [{ thermalState: "warm" }, undefined],
    [{ thermalState: "hot" }, undefined],
    [{ thermalState: "unknown" }, undefined],
    [{ thermalState: "throttling" }, "too_hot"],
    [{ thermalState: "critical" }, "too_hot"],
    [{ batteryPercent: null }, undefined],
    [{ batteryPercent: 0 }, "battery_low"],
    [{ batteryPercent: 20 }, "battery_low"],
    [{ batteryPercent: 20.01 }, undefined],
    [{ batteryPercent: 100 }, undefined],
  ];
  for (const [changes, reason] of cases) {
    assertEquals(incapacity(able(changes)), reason, JSON.stringify(changes));
    assertEquals(naiveSuitable(able(changes)), reason === undefined);
  }
});

Deno.test("unfitness() lets only authenticated, connected peers in", PURE, () => {
  assertEquals(unfitness(peer()), undefined);
  assertEquals(unfitness(peer({ isConnected: false })), "not_connected");
  assertEquals(unfitness(OLD), "unverified");
  assertEquals(unfitness(peer({ capabilities: able({ canEvolve: false }) })), "cannot_evolve");
});

Deno.test("evolutionPriority() follows LEGACY's formula", PURE, () => {
  // Arithmetic by hand.
  const cases: readonly (readonly [Partial<Capabilities>, number, number])[] = [
    [{}, 0.5, 0.4],
    [{ ramMb: 4096 }, 0.5, 0.4],
    [{ ramMb: 4097 }, 0.5, 0.6],
    [{ cpuCores: 3 }, 0.5, 0.4],
    [{ cpuCores: 4 }, 0.5, 0.5],
    [{ ramMb: 16_384, cpuCores: 8 }, 0.5, 0.7],
    [{ ramMb: 16_384, cpuCores: 8 }, 1, 0.75],
    [{ ramMb: 16_384, cpuCores: 8 }, 0, 0.65],
    [{ evolutionCapacity: 0 }, 0.5, 0],
    [{ evolutionCapacity: 0 }, 0, 0],
    [{ evolutionCapacity: 0.5 }, 0.5, 0.2],
    [{ batteryPercent: 49.9 }, 0.5, 0.2],
    [{ batteryPercent: 50 }, 0.5, 0.4],
    [{ batteryPercent: 0 }, 0.5, 0.2],
    [{ batteryPercent: null }, 0.5, 0.4],
    [{ evolutionLoad: 0.5 }, 0.5, 0.25],
    [{ evolutionLoad: 1, batteryPercent: 0, evolutionCapacity: 0.1 }, 0, 0],
  ];
  for (const [changes, trust, expected] of cases) {
    assertAlmostEquals(evolutionPriority(able(changes), trust), expected, 1e-12);
  }
});

Deno.test(
  "evolutionPriority() agrees with the formula over the whole grid, never NaN",
  PURE,
  () => {
    for (const evolutionCapacity of [0, 0.1, 0.5, 1]) {
      for (const ramMb of [1, 4096, 4096.5, 1_073_741_824]) {
        for (const cpuCores of [1, 3, 4, 4096]) {
          for (const batteryPercent of [null, 0, 20, 49.999, 50, 100]) {
            for (const evolutionLoad of [0, 0.79, 1]) {
              for (const trust of [0, 0.5, 1]) {
                const c = able({
                  evolutionCapacity,
                  ramMb,
                  cpuCores,
                  batteryPercent,
                  evolutionLoad,
                });
                const priority = evolutionPriority(c, trust);
                assert(priority >= 0 && priority <= 1);
                assertAlmostEquals(priority, naivePriority(c, trust), 1e-12);
                assertEquals(incapacity(c) === undefined, naiveSuitable(c));
              }
            }
          }
        }
      }
    }
  },
);

Deno.test("selectForEvolution() sorts descending and keeps the order of ties", PURE, () => {
  const strong = able({ ramMb: 16_384, cpuCores: 8 });
  const weak = able({ evolutionCapacity: 0.2 });
  const peers = [weak, strong, able(), strong, weak, able()].map((capabilities, n) =>
    peer({ id: identityOf(n).id, capabilities })
  );
  const { candidates, leftOut } = selectForEvolution(peers);
  assertEquals(
    candidates.map(({ peer: each }) => peers.findIndex(({ id }) => id === each.id)),
    [1, 3, 2, 5, 0, 4],
  );
  assertEquals(leftOut, []);
});

Deno.test("selectForEvolution() says why each of the others was left out", PURE, () => {
  const peers: Peer[] = [
    OLD,
    peer({ isConnected: false }),
    peer({ capabilities: able({ batteryPercent: 5 }) }),
    peer(),
  ];
  const { candidates, leftOut } = selectForEvolution(peers);
  assertEquals(candidates.map((each) => each.peer), [peers[3]]);
  assertEquals(leftOut.map(({ reason }) => reason), ["unverified", "not_connected", "battery_low"]);
  assertEquals(peers.length, 4, "the caller's list is untouched");
});

Deno.test("selectForEvolution() returns all of 100,000 peers", PURE, () => {
  const peers = Array.from({ length: 100_000 }, (_, n) => {
    const key = new Uint8Array(32);
    new DataView(key.buffer).setUint32(0, n);
    const capabilities = able({ evolutionCapacity: (n % 101) / 100 });
    return n < 10 ? peer({ id: peerIdOf(key), capabilities }) : peer({ capabilities });
  });
  const { candidates, leftOut } = selectForEvolution(peers);
  assertEquals([candidates.length, leftOut.length], [100_000, 0]);
  assert(
    candidates.every(({ priority }, i) =>
      i === 0 || priority <= (candidates[i - 1]?.priority ?? 0)
    ),
  );
});

Deno.test("selectForEvolution() of nobody is nobody", PURE, () => {
  assertEquals(selectForEvolution([]), { candidates: [], leftOut: [] });
});
