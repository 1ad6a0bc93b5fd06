import { assertEquals, assertMatch } from "@std/assert";
import { PeerMemory } from "../../src/agent/peer_memory.ts";
import { ManualClock, settle } from "../../src/base/clock.ts";
import type { LogLevel } from "../../src/base/log.ts";
import { MAX_STORE_BYTES } from "../../src/mesh/peer_store.ts";
import { Registry } from "../../src/mesh/registry.ts";
import { FILES, modeOf, namesIn, withDirectory } from "../store/temp.ts";
import { AgentVillage } from "../testing/agents.ts";
import { ALICE, BOB, CAROL, LAPTOP } from "../testing/identities.ts";

/** The day on which a ManualClock starts. */
const TODAY = "2025-06-15";
const ADDRESS = { host: "192.168.1.5", port: 9000 };

function logTo(lines: string[]) {
  return (level: LogLevel, event: string) => void lines.push(`${level} ${event}`);
}

/** A memory in `directory`, and what it logged. */
function remember(directory: string) {
  const clock = new ManualClock();
  const registry = new Registry(ALICE.id);
  const path = `${directory}/peers.json`;
  const lines: string[] = [];
  const memory = new PeerMemory({ path, registry, known: [], clock, log: logTo(lines) });
  return { clock, registry, path, lines, memory };
}

Deno.test("PeerMemory.load() knows nobody where there is no file", FILES, async () => {
  await withDirectory(async (directory) => {
    const lines: string[] = [];
    const path = `${directory}/peers.json`;
    assertEquals(await PeerMemory.load(path, new ManualClock(), logTo(lines)), []);
    assertEquals([lines, await namesIn(directory)], [[], []]);
  });
});

Deno.test("PeerMemory.load() gives back what was saved", FILES, async () => {
  await withDirectory(async (directory) => {
    const { registry, path, memory, clock, lines } = remember(directory);
    registry.learn({ id: BOB.id, addresses: [ADDRESS], isConnected: true }, 0);
    registry.learn({ id: CAROL.id, isConnected: true }, 1);
    await memory.close();
    assertEquals(await PeerMemory.load(path, clock, logTo(lines)), [
      { id: BOB.id, addresses: [ADDRESS], seen: TODAY },
    ], "and nobody without an address");
    assertEquals(lines, []);
    const mode = await modeOf(path);
    if (mode !== undefined) assertEquals(mode, 0o600);
  });
});

Deno.test("PeerMemory.load() sets a damaged file aside and starts with nobody", FILES, async () => {
  const damaged: readonly string[] = [
    "",
    "{",
    "[]",
    '{"version":2,"peers":[]}',
    '{"version":1}',
    '{"version":1,"peers":[{"node_id":"x","addresses":[]}]}',
    '{"version":1,"peers":[null]}',
    "\xff".repeat(10),
    " ".repeat(MAX_STORE_BYTES + 1),
  ];
  for (const text of damaged) {
    await withDirectory(async (directory) => {
      const lines: string[] = [];
      const path = `${directory}/peers.json`;
      await Deno.writeTextFile(path, text);
      assertEquals(await PeerMemory.load(path, new ManualClock(), logTo(lines)), []);
      assertEquals(lines, ["warn peers file damaged"]);
      const [name = "", ...more] = await namesIn(directory);
      assertMatch(name, /^peers\.json\.damaged-\d{4}-\d\d-\d\dT[\d-]+Z$/);
      assertEquals(more, []);
      assertEquals(await Deno.readTextFile(`${directory}/${name}`), text);
    });
  }
});

Deno.test(
  "PeerMemory.load() never rejects, even when the file cannot be moved",
  FILES,
  async () => {
    await withDirectory(async (directory) => {
      const lines: string[] = [];
      const path = `${directory}/no directory\0/peers.json`;
      assertEquals(await PeerMemory.load(path, new ManualClock(), logTo(lines)), []);
      assertEquals(lines, ["warn peers file unusable"]);
    });
  },
);

Deno.test("PeerMemory saves every 30 s", FILES, async () => {
  await withDirectory(async (directory) => {
    const { registry, path, memory, clock, lines } = remember(directory);
    const saved = async () =>
      (await PeerMemory.load(path, clock, logTo(lines))).map(({ id }) => id);
    clock.advance(29_999);
    for (const [n, { id }] of [BOB, CAROL].entries()) {
      registry.learn({ id, addresses: [ADDRESS] }, n);
      clock.advance(n === 0 ? 1 : 30_000);
      // The write is the system's, not the clock's.
      while (!(await saved()).includes(id)) await settle();
    }
    await memory.close();
    assertEquals([await namesIn(directory), lines], [["peers.json"], []]);
  });
});

Deno.test("PeerMemory saves only what has changed", FILES, async () => {
  await withDirectory(async (directory) => {
    const { registry, path, memory } = remember(directory);
    const saves = async () => {
      await memory.close();
      const wasSaved = (await namesIn(directory)).length > 0;
      if (wasSaved) await Deno.remove(path);
      return wasSaved;
    };
    registry.learn({ id: BOB.id, addresses: [ADDRESS] }, 0);
    assertEquals(await saves(), true);
    assertEquals(await saves(), false, "nothing is new");
    registry.learn({ id: BOB.id, capabilities: LAPTOP, isConnected: true }, 5);
    assertEquals(await saves(), false, "a peer heard again is no news");
    registry.learn({ id: CAROL.id, addresses: [ADDRESS] }, 10);
    assertEquals(await saves(), true, "another peer is");
    registry.learn({ id: CAROL.id, addresses: [{ ...ADDRESS, port: 9001 }] }, 11);
    assertEquals(await saves(), true, "so is another address");
  });
});

Deno.test("PeerMemory.close() saves what was learnt since, and stops", FILES, async () => {
  await withDirectory(async (directory) => {
    const { registry, path, memory, clock, lines } = remember(directory);
    registry.learn({ id: BOB.id, addresses: [ADDRESS] }, 0);
    await memory.close();
    assertEquals(clock.pending, 0);
    assertEquals((await PeerMemory.load(path, clock, logTo(lines))).length, 1);
  });
});

Deno.test("PeerMemory goes on when it cannot save, and saves when it can", FILES, async () => {
  await withDirectory(async (directory) => {
    const { registry, memory, lines } = remember(`${directory}/later`);
    registry.learn({ id: BOB.id, addresses: [ADDRESS] }, 0);
    await memory.close();
    assertEquals(lines, ["warn peers not saved"]);
    await Deno.mkdir(`${directory}/later`);
    await memory.close();
    assertEquals(await namesIn(`${directory}/later`), ["peers.json"]);
  });
});

Deno.test(
  "PeerMemory keeps those of earlier runs whom this run has not met",
  FILES,
  async () => {
    await withDirectory(async (directory) => {
      const path = `${directory}/peers.json`;
      const village = new AgentVillage();
      const addresses = [{ host: "10.0.0.2", port: 9000 }];
      const known = [{ id: BOB.id, addresses, seen: TODAY }];
      const { agent } = await village.add(ALICE, "10.0.0.1", { known });
      const { registry } = agent;
      const log = () => {};
      const memory = new PeerMemory({ path, registry, known, clock: village.clock, log });
      await memory.close();
      assertEquals(await PeerMemory.load(path, village.clock, () => {}), known);
      await village.close();
    });
  },
);

Deno.test(
  "PeerMemory does not save anew because two peers spoke in another order",
  FILES,
  async () => {
    await withDirectory(async (directory) => {
      const { registry, path, memory } = remember(directory);
      for (const [n, { id }] of [BOB, CAROL].entries()) {
        registry.learn({ id, addresses: [ADDRESS] }, n);
      }
      await memory.close();
      const { ino } = await Deno.stat(path);
      registry.learn({ id: BOB.id }, 9);
      await memory.close();
      assertEquals((await Deno.stat(path)).ino, ino);
    });
  },
);
