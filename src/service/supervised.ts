/**
 * The agent under a service manager: says when it is ready, again and again that it is alive, and that it ends.
 *
 * It is alive when its loop turns, on whose clock the signs are sent, and when it `isHealthy` besides. Who is not
 * says nothing, and is started anew by the manager once the watchdog has waited in vain. A manager that cannot be
 * told is told of once; the agent works all the same.
 */

import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import {
  type NotifyAddress,
  type NotifySocket,
  openNotifySocket,
  statusLine,
} from "./notify_socket.ts";

export interface SupervisedOptions {
  readonly address: NotifyAddress;
  readonly clock: Clock;
  readonly log: Log;
  /** Opens the socket: {@link openNotifySocket}, or a test's. */
  readonly open?: (address: NotifyAddress) => NotifySocket;
}

/** What the manager is told of the agent that runs. */
export interface Vital {
  readonly isHealthy: () => boolean;
  /** One line for `systemctl status`. */
  readonly status: () => string;
}

/** Without a watchdog, how often the status is renewed. */
const STATUS_MS = 30_000;

export class Supervised {
  readonly #options: SupervisedOptions;
  readonly #socket: NotifySocket | undefined;
  #beat: Timer | undefined;
  #vital: Vital | undefined;
  #isUnheard = false;
  #wasHealthy = true;

  constructor(options: SupervisedOptions) {
    this.#options = options;
    try {
      this.#socket = (options.open ?? openNotifySocket)(options.address);
    } catch (error) {
      this.#complain(error);
    }
  }

  /** The agent listens. Called again by each further agent of the process; the signs of life begin with the first. */
  ready(vital: Vital): Promise<void> {
    const { clock, address } = this.#options;
    this.#vital = vital;
    // Twice as often as is asked for, as sd_watchdog_enabled(3) advises.
    this.#beat ??= scheduleEvery(clock, (address.watchdogMs ?? 2 * STATUS_MS) / 2, () => {
      void this.#tick();
    });
    return this.#tell(["READY=1", statusLine(vital.status())]);
  }

  /** The present agent is taken down and another one follows, in time for the watchdog or not at all. */
  pause(): void {
    this.#vital = undefined;
  }

  /** The agent ends. */
  async stopping(): Promise<void> {
    this.#beat?.cancel();
    await this.#tell(["STOPPING=1", statusLine("stopping")]);
  }

  /** Frees the socket. Idempotent. */
  close(): void {
    this.#beat?.cancel();
    this.#socket?.close();
  }

  async #tick(): Promise<void> {
    const vital = this.#vital;
    if (!vital) return;
    const isHealthy = vital.isHealthy();
    if (!isHealthy && this.#wasHealthy) {
      this.#options.log("error", "not healthy", { next: "the service manager starts it anew" });
    }
    this.#wasHealthy = isHealthy;
    const sign = isHealthy && this.#options.address.watchdogMs !== undefined ? ["WATCHDOG=1"] : [];
    await this.#tell([...sign, statusLine(isHealthy ? vital.status() : "not healthy")]);
  }

  async #tell(lines: readonly string[]): Promise<void> {
    try {
      await this.#socket?.send(lines.join("\n"));
      this.#isUnheard = false;
    } catch (error) {
      this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    if (!this.#isUnheard) {
      this.#options.log("warn", "service manager not told", { reason: describeError(error) });
    }
    this.#isUnheard = true;
  }
}
