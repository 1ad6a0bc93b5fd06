import { assertEquals } from "@std/assert";
import { readLinux } from "../../src/host/linux.ts";
import { readMacos } from "../../src/host/macos.ts";
import type { HostReading } from "../../src/host/reading.ts";
import { readWindows } from "../../src/host/windows.ts";
import { FakeSource, HOSTILE_TEXTS, violations } from "./fake_source.ts";
import { LAPTOP, PI, PROC_NET_IPV6_ROUTE } from "./linux_samples.ts";
import { MACBOOK, PMSET_THERMAL_INTEL } from "./macos_samples.ts";
import { WINDOWS_LAPTOP } from "./windows_samples.ts";

const SEED = 20260917;
const ROUNDS = 400;

/** Mutated machines: each text is damaged with some probability. */
class Mutator {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** xorshift32 (Marsaglia, 2003). */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }

  mutateAll(texts: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(texts).map((
        [key, text],
      ) => [key, this.below(3) === 0 ? this.#mutate(text) : text]),
    );
  }

  #mutate(text: string): string {
    const at = this.below(text.length + 1);
    const until = at + this.below(8);
    switch (this.below(6)) {
      case 0:
        return text.slice(0, at);
      case 1:
        return text.slice(0, at) + text.slice(until);
      case 2:
        return text.slice(0, at) + String.fromCharCode(this.below(0x250)) + text.slice(until);
      case 3:
        return text.replace(
          /\d+/,
          () => `${this.below(2) === 0 ? "-" : ""}${10 ** this.below(25)}`,
        );
      case 4:
        return text.slice(0, at) + text.slice(0, until) + text.slice(at);
      default:
        return HOSTILE_TEXTS[this.below(HOSTILE_TEXTS.length)]?.slice(0, 200) ?? "";
    }
  }
}

async function assertInRange(
  round: number,
  read: () => Promise<readonly HostReading[]>,
): Promise<void> {
  for (const reading of await read()) {
    assertEquals(violations(reading), [], `seed ${SEED}, round ${round}`);
  }
}

Deno.test(`readLinux() stays in range on mutated files, seed ${SEED}`, {
  permissions: "none",
}, async () => {
  const mutator = new Mutator(SEED);
  const files = { ...LAPTOP, ...PI, "/proc/net/ipv6_route": PROC_NET_IPV6_ROUTE };
  for (let round = 0; round < ROUNDS; round++) {
    await assertInRange(round, async () => {
      const source = new FakeSource({ files: mutator.mutateAll(files) });
      const first = await readLinux(source, undefined);
      source.recording = { files: mutator.mutateAll(files) };
      return [first.reading, (await readLinux(source, first.state)).reading];
    });
  }
});

Deno.test(`readMacos() stays in range on mutated outputs, seed ${SEED}`, {
  permissions: "none",
}, async () => {
  const mutator = new Mutator(SEED);
  const commands = { ...MACBOOK, "pmset -g therm": PMSET_THERMAL_INTEL };
  for (let round = 0; round < ROUNDS; round++) {
    await assertInRange(round, async () => {
      const source = new FakeSource({ commands: mutator.mutateAll(commands) });
      return [(await readMacos(source, undefined)).reading];
    });
  }
});

Deno.test(`readWindows() stays in range on mutated answers, seed ${SEED}`, {
  permissions: "none",
}, async () => {
  const mutator = new Mutator(SEED);
  for (let round = 0; round < ROUNDS * 5; round++) {
    await assertInRange(round, async () => {
      const commands = mutator.mutateAll({ powershell: WINDOWS_LAPTOP });
      return [(await readWindows(new FakeSource({ commands }), undefined)).reading];
    });
  }
});
