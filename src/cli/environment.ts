/** What this process may know of its surroundings: what it is not permitted to ask is absent, and no error. */

/** An environment variable. */
export function variable(name: string): string | undefined {
  return unlessDenied(() => Deno.env.get(name));
}

/** What the system calls this device; empty where it does not tell. */
export function hostName(): string {
  return unlessDenied(() => Deno.hostname()) ?? "";
}

function unlessDenied<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}
