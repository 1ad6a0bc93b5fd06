/**
 * Who somebody on this machine is, by the system's own commands.
 */

import type { RunCommand } from "../service/service_manager.ts";
import { ServiceError } from "../service/service_manager.ts";
import type { Account } from "./service_plan.ts";

/** Finds an account by its name or number. Throws {@link ServiceError} `failed`. */
export async function findAccount(run: RunCommand, who: string): Promise<Account> {
  const account = await fromDatabase(run, who) ?? await fromDirectory(run, who);
  if (account) return account;
  throw new ServiceError("failed", `Cannot find the account ${who} on this machine`);
}

/** `name:x:uid:gid:gecos:home:shell`, passwd(5). */
export function readPasswdLine(line: string): Account | undefined {
  const [name, , uid = "", gid = "", , home] = line.trim().split(":");
  if (!name || !home?.startsWith("/")) return undefined;
  if (!/^\d{1,10}$/.test(uid) || !/^\d{1,10}$/.test(gid)) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

async function fromDatabase(run: RunCommand, who: string): Promise<Account | undefined> {
  const answer = await run("getent", ["passwd", "--", who]);
  return answer?.code === 0 ? readPasswdLine(answer.output) : undefined;
}

/** macOS keeps its accounts elsewhere. */
async function fromDirectory(run: RunCommand, who: string): Promise<Account | undefined> {
  const ask = async (command: string, ...args: readonly string[]) => {
    const answer = await run(command, args);
    return answer?.code === 0 ? answer.output.trim() : "";
  };
  const [name, uid, gid] = [
    await ask("id", "-un", who),
    await ask("id", "-u", who),
    await ask("id", "-g", who),
  ];
  const record = await ask("dscl", ".", "-read", `/Users/${name}`, "NFSHomeDirectory");
  const home = /^NFSHomeDirectory: (\/.*)$/m.exec(record)?.[1] ?? "";
  return readPasswdLine(`${name}:x:${uid}:${gid}::${home}:`);
}
