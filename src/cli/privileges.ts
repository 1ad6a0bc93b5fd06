/**
 * Gives up the permissions that a running agent no longer needs.
 *
 * What it still needs of them, it has prepared by then: a shell reads the kernel's files (`host/kernel_reader.ts`),
 * another starts workers (`cli/work_launcher.ts`). What stays is the network, files and the facts of the system.
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
