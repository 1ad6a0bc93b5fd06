/**
 * Which service manager this system has, and whose services it keeps.
 */

import { Launchd } from "../service/launchd.ts";
import { runSystemCommand, ServiceError, type ServiceManager } from "../service/service_manager.ts";
import type { Scope } from "../service/service_plan.ts";
import type { ServiceState } from "../service/service_state.ts";
import { Systemd } from "../service/systemd.ts";
import { findAccount } from "./accounts.ts";
import type { Account } from "./service_plan.ts";

/** Throws {@link ServiceError} `unsupported` on a system whose services we do not know. */
export function checkSystem(): void {
  const { os } = Deno.build;
  if (os === "linux" || os === "darwin") return;
  throw new ServiceError(
    "unsupported",
    os === "windows"
      ? "Cannot install a service on Windows: have the Task Scheduler start it, e.g. " +
        'schtasks /Create /TN hamlet /SC ONLOGON /TR "hamlet.exe up"'
      : `Cannot install a service on ${os}: have its own service manager run: hamlet up`,
  );
}

/** The service of this user, or, where there is none, that of the machine; of root the other way round. */
export async function findService(): Promise<ServiceState> {
  const own: Scope = ownUid() === 0 ? "system" : "user";
  const other: Scope = own === "user" ? "system" : "user";
  const [first, second] = [await tryStateOf(own), await tryStateOf(other)];
  if (first?.installed || (first && !second?.installed)) return first;
  return second ?? await stateOf(own);
}

async function tryStateOf(scope: Scope): Promise<ServiceState | undefined> {
  try {
    return await stateOf(scope);
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}

/** Rejects with {@link ServiceError}. */
export async function stateOf(scope: Scope): Promise<ServiceState> {
  return await managerOf(scope, await accountFor(scope)).state();
}

/** The manager of this system. */
export function managerOf(scope: Scope, account: Account): ServiceManager {
  const options = { scope, run: runSystemCommand };
  if (Deno.build.os === "darwin") {
    const directory = scope === "system"
      ? "/Library/LaunchDaemons"
      : `${account.home}/Library/LaunchAgents`;
    return new Launchd({ ...options, directory, uid: account.uid });
  }
  const config = Deno.env.get("XDG_CONFIG_HOME");
  const home = config?.startsWith("/") ? config : `${account.home}/.config`;
  const directory = scope === "system" ? "/etc/systemd/system" : `${home}/systemd/user`;
  return new Systemd({ ...options, directory });
}

/** As whom the agent runs: for a service of the machine whoever called sudo, otherwise whoever runs this. */
export async function accountFor(scope: Scope): Promise<Account> {
  const caller = scope === "system" ? Deno.env.get("SUDO_USER") : undefined;
  if (caller) return await findAccount(runSystemCommand, caller);
  const own = await findAccount(runSystemCommand, `${ownUid()}`);
  // Where all our commands look for the state.
  const home = Deno.env.get("HOME");
  return home?.startsWith("/") ? { ...own, home } : own;
}

export function ownUid(): number {
  return Deno.uid() ?? -1;
}
