/** Workers without processes: a script answers, on a clock of its own. */

import type { Clock } from "../../../src/base/clock.ts";
import type {
  Launcher,
  LaunchRequest,
  ProcessEnd,
  WorkerProcess,
} from "../../../src/work/worker/process.ts";

/** What a process does with one request. */
export type Reaction =
  /** Writes this after `ms`. */
  | { readonly kind: "say"; readonly line: unknown; readonly ms?: number }
  | { readonly kind: "write"; readonly text: string }
  | { readonly kind: "end"; readonly end: ProcessEnd; readonly ms?: number };

// deno-lint-ignore no-explicit-any -- a script looks at whatever it was asked
export type Script = (request: any, process: number) => readonly Reaction[];

export class FakeLauncher implements Launcher {
  /** Everything that was started, and everything they were asked. */
  readonly launched: FakeProcess[] = [];
  canSuspend = true;
  readonly #clock: Clock;
  readonly #script: Script;

  constructor(clock: Clock, script: Script) {
    this.#clock = clock;
    this.#script = script;
  }

  launch(request: LaunchRequest): WorkerProcess {
    const index = this.launched.length;
    const script = (asked: unknown) => this.#script(asked, index);
    const process = new FakeProcess(request, {
      clock: this.#clock,
      script,
      canSuspend: this.canSuspend,
    });
    this.launched.push(process);
    return process;
  }

  cpuMs(): Promise<number | undefined> {
    return Promise.resolve(undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get running(): readonly FakeProcess[] {
    return this.launched.filter(({ hasEnded }) => !hasEnded);
  }
}

export class FakeProcess implements WorkerProcess {
  readonly ended: Promise<ProcessEnd>;
  readonly canSuspend: boolean;
  readonly pid = 0;
  // deno-lint-ignore no-explicit-any -- tests look into it
  readonly asked: any[] = [];
  isSuspended = false;
  hasEnded = false;
  readonly #request: LaunchRequest;
  readonly #clock: Clock;
  readonly #script: (asked: unknown) => readonly Reaction[];
  readonly #resolve: (end: ProcessEnd) => void;

  constructor(
    request: LaunchRequest,
    { clock, script, canSuspend }: {
      readonly clock: Clock;
      readonly script: (asked: unknown) => readonly Reaction[];
      readonly canSuspend: boolean;
    },
  ) {
    const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#request = request;
    this.#clock = clock;
    this.#script = script;
    this.canSuspend = canSuspend;
  }

  write(bytes: Uint8Array): void {
    if (this.hasEnded) return;
    const request = JSON.parse(new TextDecoder().decode(bytes));
    this.asked.push(request);
    for (const reaction of this.#script(request)) this.#react(reaction);
  }

  suspend(): void {
    this.isSuspended = true;
  }

  resume(): void {
    this.isSuspended = false;
  }

  kill(): void {
    this.end({ reason: "exited", code: 137 });
  }

  end(end: ProcessEnd): void {
    this.hasEnded = true;
    this.#resolve(end);
  }

  #react(reaction: Reaction): void {
    if (reaction.kind === "write") return this.#output(reaction.text);
    const act = reaction.kind === "say"
      ? () => this.#output(JSON.stringify(reaction.line) + "\n")
      : () => this.end(reaction.end);
    this.#clock.schedule(reaction.ms ?? 0, act);
  }

  #output(text: string): void {
    if (!this.hasEnded) this.#request.onOutput(new TextEncoder().encode(text));
  }
}
