/**
 * Feeds the governor: whenever the device is measured, and every two seconds while it works, so that its owner has it back
 * within that time. What our own workers use is deducted, or work would stop itself.
 */

import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import type { HostReading } from "../host/reading.ts";
import type { Job } from "../work/job/spec.ts";
import { Governor } from "../work/worker/governor.ts";
import type { Launcher } from "../work/worker/process.ts";
import type { WorkSettings } from "../work/worker/work_settings.ts";
import type { WorkPermit } from "./job_admission.ts";

export interface WorkWatchOptions {
  readonly settings: WorkSettings;
  readonly launcher: Pick<Launcher, "cpuMs">;
  readonly clock: Clock;
  readonly measure: () => Promise<HostReading>;
}

/** How soon a device that is taken from its charger, gets hot or is used by its owner stops working. */
const LOOK_MS = 1_500;
/** What a job without special wishes needs. */
const USUAL_MEMORY_MB = 256;

export class WorkWatch {
  readonly #options: WorkWatchOptions;
  /** For what others ask for, and for what this device's own people do: they know that they use it. */
  readonly #governor: Governor;
  readonly #ownGovernor: Governor;
  #timer: Timer | undefined;
  #isLooking = false;
  #ownCpu: { readonly cpuMs: number; readonly atMs: number } | undefined;
  #isClosed = false;

  constructor(options: WorkWatchOptions) {
    this.#options = options;
    const { settings } = options;
    this.#governor = new Governor(settings);
    this.#ownGovernor = new Governor(
      settings.mode === "idle" ? { ...settings, mode: "on" } : settings,
    );
  }

  /** Whether work is welcome, but for somebody who happens to use the device just now. */
  get isWelcome(): boolean {
    return this.#ownGovernor.decide("breakthrough", USUAL_MEMORY_MB).mayWork;
  }

  /** What `job` may have now; `isOwn`: somebody on this device asked for it. */
  permitFor({ spec }: Pick<Job, "spec">, isOwn: boolean): WorkPermit {
    const governor = isOwn ? this.#ownGovernor : this.#governor;
    const { slots, duty, restraint } = governor.decide(spec.type, spec.limits.memoryMb);
    return { slots, duty, reason: restraint };
  }

  observe(reading: HostReading): void {
    void this.#observe(reading);
  }

  /** From now on the device is measured often, and `onLook` told each time. */
  begin(onLook: () => void): void {
    if (this.#isClosed) return;
    this.#timer ??= scheduleEvery(this.#options.clock, LOOK_MS, () => void this.#look(onLook));
  }

  /** Once nothing works here. */
  rest(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.rest();
  }

  async #look(onLook: () => void): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#observe(await this.#options.measure());
    } finally {
      this.#isLooking = false;
    }
    if (!this.#isClosed) onLook();
  }

  async #observe(reading: HostReading): Promise<void> {
    const { clock } = this.#options;
    const ownCpuPercent = await this.#ownCpuPercent(reading.cpuCores ?? 1);
    const time = new Date(clock.wallMs());
    const minuteOfDay = time.getHours() * 60 + time.getMinutes();
    const input = { reading, ownCpuPercent, nowMs: clock.now(), minuteOfDay };
    this.#governor.observe(input);
    this.#ownGovernor.observe(input);
  }

  /** Of all processors since the last time; `null` where nobody can tell. */
  async #ownCpuPercent(cores: number): Promise<number | null> {
    const { clock, launcher } = this.#options;
    const cpuMs = await launcher.cpuMs();
    const before = this.#ownCpu;
    this.#ownCpu = cpuMs === undefined ? undefined : { cpuMs, atMs: clock.now() };
    if (cpuMs === undefined || !before || clock.now() <= before.atMs) return null;
    return 100 * (cpuMs - before.cpuMs) / ((clock.now() - before.atMs) * cores);
  }
}
