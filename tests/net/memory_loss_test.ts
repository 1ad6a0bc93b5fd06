/** The memory network's loss, latency and power cuts. */

import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { ManualClock } from "../../src/base/clock.ts";
import { seededRandom } from "../../src/base/random.ts";
import { MemoryNetwork, type MemoryNetworkOptions } from "../../src/net/memory.ts";
import { type ByteStream, NetError } from "../../src/net/stream.ts";

const SERVER = { host: "10.0.0.1", port: 9000 };
const CLIENT = "10.0.0.2";

async function connect(options: Partial<MemoryNetworkOptions>, seed = 1) {
  const clock = new ManualClock();
  const network = new MemoryNetwork(clock, seededRandom(seed), options);
  const listener = network.listen(SERVER);
  const dialing = network.dialerFrom(CLIENT).dial(SERVER, { timeoutMs: 1e9 });
  await clock.runUntil(1e8);
  const [client, server] = [await dialing, await listener.accept()];
  assert(server);
  return { clock, network, listener, client, server };
}

/** When each byte of `count`, written `gapMs` apart, was read, counted from when it was written. */
async function delays(count: number, gapMs: number, options: Partial<MemoryNetworkOptions>) {
  const { clock, client, server } = await connect(options);
  const startMs = clock.now();
  const took: number[] = [];
  const reading = (async () => {
    const buffer = new Uint8Array(1);
    for (let at = 0; at < count; at++) {
      assertEquals(await server.read(buffer), 1);
      assertEquals(buffer[0], at & 0xff);
      took.push(clock.now() - startMs - at * gapMs);
    }
  })();
  for (let at = 0; at < count; at++) {
    await clock.runUntil(startMs + at * gapMs);
    await client.write(Uint8Array.of(at));
  }
  await clock.runUntil(clock.now() + 1e6);
  await reading;
  return took;
}

Deno.test("MemoryNetwork sends again what is lost, 200 ms later, then 400 ms", async () => {
  const took = await delays(2_000, 1e5, { delayMs: [10, 10], loss: 0.1 });
  const share = (ms: number) => took.filter((each) => Math.abs(each - ms) < 1e-3).length / 2_000;
  // Each try is lost with a probability of 0.1: four standard deviations are at most 0.03.
  assertAlmostEquals(share(10), 0.9, 0.03);
  assertAlmostEquals(share(210), 0.09, 0.03);
  assertAlmostEquals(share(610), 0.009, 0.009);
  assertEquals(took.filter((each) => ![10, 210, 610, 1_410, 3_010].includes(Math.round(each))), []);
});

Deno.test("MemoryNetwork holds back what was sent after a lost segment", async () => {
  // Bytes 1 ms apart: each of some ten that are lost holds back those of 200 ms. `delays` checks their order.
  const took = await delays(500, 1, { delayMs: [10, 10], loss: 0.02 });
  const late = took.filter((each) => each > 10.5).length;
  assert(late >= 200, `${late} of 500 were late`);
});

Deno.test("MemoryNetwork loses whole dials too, for a second and more", async () => {
  const clock = new ManualClock();
  const network = new MemoryNetwork(clock, seededRandom(1), { delayMs: [10, 10], loss: 0.3 });
  network.listen(SERVER);
  const took: number[] = [];
  for (let dial = 0; dial < 100; dial++) {
    const startMs = clock.now();
    const dialing = network.dialerFrom(CLIENT).dial(SERVER, { timeoutMs: 1e9 });
    dialing.then(() => took.push(Math.round(clock.now() - startMs)));
    await clock.runUntil(startMs + 1e6);
  }
  assertEquals([...new Set(took)].sort((a, b) => a - b).slice(0, 3), [20, 1_020, 3_020]);
});

Deno.test("MemoryNetwork has a latency of its own for each pair of hosts", async () => {
  const latencyMs = (from: string, to: string) => from === CLIENT && to === SERVER.host ? 30 : 5;
  const took = await delays(3, 100, { latencyMs, delayMs: [1, 1] });
  assertEquals(took.map(Math.round), [31, 31, 31]);
  const clock = new ManualClock();
  const network = new MemoryNetwork(clock, seededRandom(1), { latencyMs, delayMs: [1, 1] });
  network.listen(SERVER);
  let connectedMs = NaN;
  const dialing = network.dialerFrom(CLIENT).dial(SERVER, { timeoutMs: 1_000 });
  dialing.then(() => connectedMs = clock.now());
  await clock.runUntil(1_000);
  assertEquals(connectedMs, 30 + 1 + 1 + 5);
});

Deno.test("MemoryNetwork.unplug() is silent, and plug() breaks the links of before", async () => {
  const { clock, network, client, server } = await connect({});
  network.unplug(SERVER.host);
  const states: string[] = [];
  const reading = follow(client.read(new Uint8Array(1)), states);
  await client.write(Uint8Array.of(1));
  server.close();
  await clock.runUntil(clock.now() + 60_000);
  assertEquals(states, []);
  // The end of a partition is none of the power cut's business.
  network.heal();
  await clock.runUntil(clock.now() + 1_000);
  assertEquals(states, []);
  const dialing = network.dialerFrom(CLIENT).dial(SERVER, { timeoutMs: 100 });
  const refused = assertRejects(() => dialing, NetError, "no answer");
  await clock.runUntil(clock.now() + 1_000);
  await refused;
  network.plug(SERVER.host);
  await reading;
  assertEquals(states, ["closed"]);
  const again = network.dialerFrom(CLIENT).dial(SERVER, { timeoutMs: 100 });
  await clock.runUntil(clock.now() + 1_000);
  assertEquals((await again).remote, SERVER);
});

async function follow(reading: ReturnType<ByteStream["read"]>, states: string[]): Promise<void> {
  try {
    states.push(`${await reading}`);
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    states.push(error.code);
  }
}
