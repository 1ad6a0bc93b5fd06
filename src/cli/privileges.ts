/**
 * Gives up the permissions that a running agent no longer needs.
 *
 * Opening kernel files takes every permission at once in this runtime, so the agent starts with all of
 * them, opens its sensors, and then keeps only the network, its files and the facts of the system.
 */

/** What nothing in a running agent uses. */
const UNUSED: readonly Deno.PermissionName[] = Object.freeze(["ffi", "env"]);

/**
 * Revokes what an agent on `os` does not need once it runs. Elsewhere than on Linux the device is measured
 * by the system's own commands, which must stay allowed.
 */
export async function dropPrivileges(os: string): Promise<void> {
  const names = os === "linux" ? [...UNUSED, "run" as const] : UNUSED;
  for (const name of names) await Deno.permissions.revoke({ name });
}
