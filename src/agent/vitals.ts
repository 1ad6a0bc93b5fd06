/**
 * Vitals: the device is measured every 10 s, and whenever its work needs to know; peers hear of it when it changed by
 * 10 % or after 30 s.
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { Capabilities } from "../discovery/capabilities.ts";
import type { Urgency } from "../gossip/own_capabilities.ts";
import { capabilitiesOf, isUrgent, isWorthTelling, type Workload } from "../host/capabilities.ts";
import type { HostReading } from "../host/reading.ts";

export interface VitalsOptions {
  readonly clock: Clock;
  /** Measures the device; never rejects. */
  readonly measure: () => Promise<HostReading>;
  /** What the device works on for the village; absent, nothing. */
  readonly workload?: () => Workload;
  /** There is a new measurement, whether or not it is worth telling. */
  readonly onMeasured: (capabilities: Capabilities) => void;
  /** Sends the record to every connected peer; in the village it may have time. */
  readonly tell: (capabilities: Capabilities, urgency: Urgency) => void;
}

const MEASURE_MS = 10_000;
/** Slack for timers, so that every third measurement is also the regular report. */
const TELL_MS = 30_000 - MEASURE_MS / 2;

export class Vitals {
  readonly #options: VitalsOptions;
  #reading: HostReading;
  #current: Capabilities;
  #told: Capabilities;
  #toldAtMs: number;
  #timer: Timer | undefined;
  #isClosed = false;

  /** Goes on by itself from the `first` measurement until closed. */
  constructor(options: VitalsOptions, first: HostReading) {
    this.#options = options;
    this.#reading = first;
    this.#current = this.#told = capabilitiesOf(first, options.workload?.());
    this.#toldAtMs = options.clock.now();
    this.#schedule();
  }

  /** The latest measurement. */
  get reading(): HostReading {
    return this.#reading;
  }

  /** The latest record. */
  get capabilities(): Capabilities {
    return this.#current;
  }

  /** Measures now; resolves with the measurement. */
  async measure(): Promise<HostReading> {
    const { measure, workload } = this.#options;
    this.#reading = await measure();
    this.#current = capabilitiesOf(this.#reading, workload?.());
    return this.#reading;
  }

  /** The workload is another: whoever cares is told at once. */
  review(): void {
    if (this.#isClosed) return;
    this.#current = capabilitiesOf(this.#reading, this.#options.workload?.());
    this.#tell({ isRegular: false });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.schedule(MEASURE_MS, () => {
      void this.#refresh().finally(() => this.#schedule());
    });
  }

  async #refresh(): Promise<void> {
    await this.measure();
    if (this.#isClosed) return;
    this.#options.onMeasured(this.#current);
    this.#tell({ isRegular: true });
  }

  #tell({ isRegular }: { readonly isRegular: boolean }): void {
    const nowMs = this.#options.clock.now();
    const isDue = isRegular && nowMs - this.#toldAtMs >= TELL_MS;
    const isNews = isWorthTelling(this.#told, this.#current);
    const isRushed = isUrgent(this.#told, this.#current);
    if (!(isDue || isNews)) return;
    this.#told = this.#current;
    this.#toldAtMs = nowMs;
    this.#options.tell(this.#current, isRushed ? "now" : isNews ? "along" : "later");
  }
}
