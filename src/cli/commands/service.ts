/** `hamlet service` */

import { toPrintable } from "../../base/guards.ts";
import { systemClock } from "../../base/clock.ts";
import { readEndpoint } from "../../control/endpoint_file.ts";
import {
  runSystemCommand,
  ServiceError,
  type ServiceManager,
} from "../../service/service_manager.ts";
import type { Scope, ServicePlan } from "../../service/service_plan.ts";
import type { ServiceState } from "../../service/service_state.ts";
import { UNIT_NAME } from "../../service/systemd_unit.ts";
import { lockFile, StoreError } from "../../store/files.ts";
import { LOCK_FILE } from "../../store/state_directory.ts";
import type { CommandContext } from "../commands.ts";
import { systemSurroundings } from "../config.ts";
import { readSurroundings } from "../config/surroundings.ts";
import { oneOf } from "../flags.ts";
import { formatDuration } from "../quantities.ts";
import { makeDirectoryFor } from "../service_directories.ts";
import {
  accountFor,
  checkSystem,
  findService,
  managerOf,
  ownUid,
  stateOf,
} from "../service_managers.ts";
import {
  type Account,
  ignoredVariables,
  planService,
  readScope,
  readWish,
} from "../service_plan.ts";
import { EXIT, UsageError } from "../usage_error.ts";

const ACTIONS = ["install", "uninstall", "status"] as const;

export async function run(context: CommandContext): Promise<number> {
  const { flags, write } = context;
  const [word = "", ...rest] = flags.positional;
  const action = oneOf("hamlet service", word, ACTIONS);
  if (rest.length > 0 && action !== "install") {
    throw new UsageError(`hamlet service ${action} takes no flags of hamlet up`);
  }
  const isPrint = flags.has("print");
  if (isPrint && action !== "install") {
    throw new UsageError("--print shows what install would write; see: hamlet help service");
  }
  checkSystem();
  const scope = readScope(flags, ownUid());
  if (action === "status") return await showStatus(context, scope);
  if (action === "uninstall") return await uninstall(context, scope);
  const account = await accountFor(scope);
  const setup = setupOf(scope, account);
  const wish = readWish(setup, rest);
  const surroundings = await readSurroundings(wish.flags, wish.surroundings);
  const plan = planService(setup, { ...wish, surroundings });
  const manager = managerOf(scope, account);
  if (isPrint) {
    const text = describe(manager, plan);
    write(flags.has("json") ? printJson({ path: manager.path, text }) : text);
    return EXIT.ok;
  }
  return await install(context, { plan, manager, account });
}

interface Installation {
  readonly plan: ServicePlan;
  readonly manager: ServiceManager;
  readonly account: Account;
}

async function install({ flags, write }: CommandContext, { plan, manager, account }: Installation) {
  const text = describe(manager, plan);
  const before = await manager.state();
  const [stateDir] = plan.writable;
  if (before.pid === null) await checkFree(stateDir);
  for (const directory of plan.writable) await makeDirectoryFor(directory, account, ownUid());
  const outcome = await manager.install(text);
  const state = await manager.state();
  const notes = await notesFor(plan, account);
  if (flags.has("json")) {
    write(printJson({ outcome, state_dir: stateDir, ...state, notes }));
    return EXIT.ok;
  }
  const said = outcome === "unchanged"
    ? "The service is installed already, and runs."
    : outcome === "installed"
    ? `Installed: the agent runs as ${account.name}, and starts ${startOf(plan.scope)}.`
    : "Updated: the agent runs by the new description.";
  write(`${said}\n${facts([...describeState(state), ["state", stateDir]])}`);
  for (const note of notes) write(`next: ${note}\n`);
  return EXIT.ok;
}

async function uninstall({ flags, write }: CommandContext, scope: Scope): Promise<number> {
  const manager = managerOf(scope, await accountFor(scope));
  await manager.uninstall();
  const { path } = manager;
  write(
    flags.has("json")
      ? printJson({ outcome: "uninstalled", path })
      : `Removed ${path}: the agent is stopped, its state is kept.\n`,
  );
  return EXIT.ok;
}

async function showStatus({ flags, write }: CommandContext, scope: Scope): Promise<number> {
  const isNamed = flags.has("user") || flags.has("system");
  const state = isNamed ? await stateOf(scope) : await findService();
  if (flags.has("json")) write(printJson(state));
  else if (!state.installed) {
    write("Not installed. To have the agent start by itself: hamlet service install\n");
  } else write(facts(describeState(state)));
  return state.state === "active" ? EXIT.ok : EXIT.failed;
}

/** Throws {@link UsageError} for a path or an argument that no description can hold. */
function describe(manager: ServiceManager, plan: ServicePlan): string {
  try {
    return manager.describe(plan);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

function describeState(state: ServiceState): readonly (readonly [string, string])[] {
  const { since_unix_ms: since, result, pid, restarts, says } = state;
  const age = since === null ? "" : ` for ${formatDuration((systemClock.wallMs() - since) / 1000)}`;
  const failed = result !== null && result !== "success" ? ` (${result})` : "";
  return [
    ["service", `${state.state}${failed}${age}, ${state.enabled ? "enabled" : "not enabled"}`],
    ...(pid === null ? [] : [["process", `${pid}`] as const]),
    ...(says === null ? [] : [["says", toPrintable(says)] as const]),
    ...(restarts ? [["restarts", `${restarts} since it was started`] as const] : []),
    [state.manager === "systemd" ? "unit" : "job", state.path],
    ["logs", logsOf(state)],
  ];
}

function logsOf({ manager, scope }: ServiceState): string {
  if (manager === "launchd") return "agent.log in the state directory";
  return scope === "user"
    ? `journalctl --user -u ${UNIT_NAME} -f`
    : `journalctl -u ${UNIT_NAME} -f`;
}

function startOf(scope: Scope): string {
  return scope === "system" ? "with this machine" : "when you log in";
}

/** What is left to do for a person. */
async function notesFor(plan: ServicePlan, account: Account): Promise<readonly string[]> {
  const notes = ignoredVariables(systemSurroundings()).map((name) =>
    `${name} is set here and the service does not see it; give it the flag instead, after --`
  );
  if (plan.scope === "user" && Deno.build.os === "linux") {
    const lingers = await runSystemCommand("loginctl", [
      ...["show-user", account.name, "--property=Linger", "--value"],
    ]);
    if (lingers?.output.trim() !== "yes") {
      notes.unshift(
        `sudo loginctl enable-linger ${account.name}  (or the agent stops when you log out)`,
      );
    }
  }
  return notes;
}

/** Throws {@link ServiceError} where an agent that was started by hand would be in the service's way. */
async function checkFree(stateDir: string): Promise<void> {
  const endpoint = await readEndpoint(stateDir).catch(() => undefined);
  if (!endpoint) return;
  try {
    (await lockFile(`${stateDir}/${LOCK_FILE}`))();
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "locked") throw error;
    throw new ServiceError(
      "failed",
      `Cannot start the service: an agent runs on ${stateDir} already (process ${endpoint.pid}); ` +
        "stop it first, with Ctrl-C where it was started",
    );
  }
}

function setupOf(scope: Scope, account: Account) {
  return {
    scope,
    account,
    isCaller: account.uid === ownUid(),
    self: {
      execPath: Deno.execPath(),
      mainModule: Deno.mainModule,
      isStandalone: Deno.build.standalone,
    },
    executable: Deno.env.get("HAMLET_EXECUTABLE"),
    surroundings: systemSurroundings(),
    directory: Deno.cwd(),
  };
}

function facts(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}

function printJson(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}
