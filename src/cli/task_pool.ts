/**
 * A task pool: a few tasks at once, the next ones in a bounded queue, the rest refused.
 */

export interface TaskPoolOptions<T> {
  readonly maxRunning: number;
  readonly maxQueued: number;
  /** Must not reject. */
  readonly run: (task: T) => Promise<void>;
}

export class TaskPool<T> {
  readonly #options: TaskPoolOptions<T>;
  #queue: T[] = [];
  #running = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: TaskPoolOptions<T>) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Runs a task, now or later; `false` when there is no room for it. */
  offer(task: T): boolean {
    const { maxRunning, maxQueued } = this.#options;
    if (this.#running < maxRunning) this.#start(task);
    else if (this.#queue.length < maxQueued) this.#queue.push(task);
    else return false;
    return true;
  }

  /** Forgets the tasks that have not begun; returns how many. */
  clear(): number {
    const { length } = this.#queue;
    this.#queue = [];
    return length;
  }

  /** Resolves once nothing runs and nothing waits. */
  async idle(): Promise<void> {
    if (this.#running === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  #start(task: T): void {
    this.#running++;
    void this.#options.run(task).finally(() => this.#next());
  }

  #next(): void {
    this.#running--;
    const task = this.#queue.shift();
    if (task !== undefined) return this.#start(task);
    if (this.#running > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
