/**
 * Which processor cores a process may use, where the system has `taskset`.
 *
 * A round trip between two idle cores is mostly the wake-up of a core, and bimodal; on one core it is
 * the work itself.
 */

/** Holds processes to one core and lets them go again. */
export interface Affinity {
  /** The core that {@link pin} holds to. */
  readonly core: string;
  pin(): Promise<void>;
  release(): Promise<void>;
}

/** The affinity of `pids`; `undefined` where cores cannot be chosen. */
export async function findAffinity(pids: readonly number[]): Promise<Affinity | undefined> {
  const output = await taskset("-cp", String(Deno.pid));
  const allowed = output?.split(":").at(-1)?.trim();
  const core = allowed?.split(/[,-]/).at(-1);
  if (!allowed || !core) return undefined;
  const hold = async (cores: string) => {
    for (const pid of pids) await taskset("-a", "-cp", cores, String(pid));
  };
  return { core, pin: () => hold(core), release: () => hold(allowed) };
}

async function taskset(...args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("taskset", { args }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
