/**
 * One old node of the village as seen from the demo: its process and what it has printed.
 */

import type { Self } from "../base/self.ts";
import type { Address } from "../net/address.ts";
import { Child, failureOf } from "./child.ts";
import { legacyLaunch, LOOPBACK } from "./launch.ts";
import { readLegacyEvent } from "./legacy_process.ts";
import type { LegacySample } from "./sample.ts";

export class LegacyChild {
  readonly child: Child;
  readonly #registered: string[] = [];
  readonly #ready = Promise.withResolvers<void>();
  #address: Address | undefined;
  #id: string | undefined;
  #unanswered: string | undefined;

  constructor(
    self: Self,
    options: { readonly peer: Address; readonly seconds: number },
  ) {
    this.child = new Child(legacyLaunch(self, options), (line) => this.#read(line));
  }

  get sample(): LegacySample {
    const { exit } = this.child;
    return {
      id: this.#id,
      registered: [...this.#registered],
      unanswered: this.#unanswered,
      failure: exit && failureOf(exit),
    };
  }

  /** Where it listens, once it is ready. */
  get address(): Address | undefined {
    return this.#address;
  }

  /** Resolves when it listens or has ended. */
  async settled(): Promise<void> {
    await Promise.race([this.#ready.promise, this.child.exited]);
  }

  #read(line: string): void {
    const event = readLegacyEvent(line);
    switch (event?.event) {
      case "ready":
        this.#id = event.id;
        this.#address = { host: LOOPBACK, port: event.port };
        return this.#ready.resolve();
      case "registered":
        if (event.via === "reply") this.#registered.push(event.id);
        return;
      case "unanswered":
        this.#unanswered = event.reason;
    }
  }
}
