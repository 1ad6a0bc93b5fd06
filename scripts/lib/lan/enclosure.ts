/**
 * The trial's enclosure: processes, mounts and networks of its own, without a way out. The kernel takes
 * all of it away when the trial ends, however that happens.
 *
 * The script runs itself a second time inside. The second run is the first process there, and its end is
 * everybody's; its standard input tells it that the first run is gone.
 */

import { fileURLToPath } from "node:url";

/** Where a run inside keeps its files; nothing of it is left afterwards. */
export const SCRATCH = "/run/trial";

const UNSHARE = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
/** As root, and as anybody where users may have namespaces of their own. */
const WAYS: readonly (readonly string[])[] = [
  ["unshare", ...UNSHARE],
  ["unshare", "--user", "--map-root-user", ...UNSHARE],
];
/** A fresh /run for what names network namespaces, then the rest of the command. */
const SETTLE = `mount -t tmpfs tmpfs /run && mkdir ${SCRATCH} && exec "$@"`;
const PROBE = [
  "ip netns add probe",
  "ip -n probe link add name br0 type bridge mcast_snooping 0",
  "ip -n probe link add name left type veth peer name right",
  "nsenter --net=/run/netns/probe true",
].join(" && ");
const TOOLS = ["sh", "unshare", "nsenter", "mount", "ip"];
/** Where the system's tools are; not everybody's search path says so. */
const SYSTEM_PATHS = ["/usr/sbin", "/sbin"];

/** A command that runs what follows it inside. */
export type Enclosure = readonly string[];

/** How to get inside with the tools in `paths`; a string is why that cannot be done here. */
export async function findEnclosure(paths = searchPaths()): Promise<Enclosure | string> {
  if (Deno.build.os !== "linux") {
    return `network namespaces are Linux's, and this is ${Deno.build.os}`;
  }
  for (const tool of TOOLS) {
    if (!await hasTool(tool, paths)) {
      return `network namespaces need ${tool}, which is not installed`;
    }
  }
  let complaint = "";
  for (const way of WAYS) {
    const enclosure = [...way, "sh", "-c", SETTLE, "sh"];
    const [program = "", ...args] = [...enclosure, "sh", "-c", PROBE];
    const env = { PATH: paths.join(":") };
    const command = new Deno.Command(program, { args, env, stdin: "null" });
    const { success, stderr } = await command.output();
    if (success) return enclosure;
    complaint = new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
  }
  return `network namespaces cannot be made here: ${complaint}`;
}

/** Whether `tool` is installed. */
export async function hasTool(tool: string, paths = searchPaths()): Promise<boolean> {
  for (const directory of paths) {
    if (await Deno.stat(`${directory}/${tool}`).then(({ isFile }) => isFile, () => false)) {
      return true;
    }
  }
  return false;
}

function searchPaths(): readonly string[] {
  return [...(Deno.env.get("PATH") ?? "").split(":"), ...SYSTEM_PATHS];
}

/** Runs the script at `url` inside, with what it needs fetched before; resolves with its exit code. */
export async function runEnclosed(
  enclosure: Enclosure,
  url: string,
  args: readonly string[],
): Promise<number> {
  const script = fileURLToPath(url);
  const programs = [script, fileURLToPath(new URL("../../../main.ts", import.meta.url))];
  await new Deno.Command(Deno.execPath(), { args: ["cache", "--quiet", ...programs] }).output();
  const [program = "", ...rest] = [
    ...enclosure,
    Deno.execPath(),
    ...["run", "-A", "--no-prompt", "--quiet", script, "--enclosed", ...args],
  ];
  // Never written to: it closes with this process, whatever ends that.
  const env = { PATH: searchPaths().join(":") };
  const child = new Deno.Command(program, { args: rest, env, stdin: "piped" }).spawn();
  const { code } = await child.status;
  await child.stdin.close().catch(() => {});
  return code;
}

/** Inside: ends this process, and so all of them, with the one that started it. */
export async function endWithStarter(): Promise<void> {
  const ignored = new Uint8Array(64);
  while (await Deno.stdin.read(ignored) !== null);
  Deno.exit(130);
}

/** Inside: copies what the agents logged to `directory`, which outlives the enclosure. */
export async function keepLogs(directory: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  for await (const { name } of Deno.readDir(SCRATCH)) {
    if (name.endsWith(".log")) await Deno.copyFile(`${SCRATCH}/${name}`, `${directory}/${name}`);
  }
}
