/**
 * Where the agent keeps its state: `--state`, `HAMLET_STATE`, or the place each system has for it (XDG base
 * directories, macOS Application Support, Windows local application data).
 */

/** The few facts that the choice needs, so that it can be tested for any system. */
export interface Surroundings {
  readonly os: string;
  readonly env: (name: string) => string | undefined;
  /** What the system calls this device. */
  readonly hostName?: () => string;
}

/** The state directory. Throws `TypeError` when the system does not say where home is. */
export function stateDirectory(flag: string | undefined, { os, env }: Surroundings): string {
  const chosen = flag || env("HAMLET_STATE");
  if (chosen) return chosen;
  if (os === "windows") {
    const local = env("LOCALAPPDATA");
    if (local) return `${local}\\hamlet`;
  } else {
    const xdg = os === "darwin" ? undefined : env("XDG_STATE_HOME");
    // The XDG specification calls relative paths invalid.
    if (xdg?.startsWith("/")) return `${xdg}/hamlet`;
    const home = env("HOME");
    if (home && os === "darwin") return `${home}/Library/Application Support/hamlet`;
    if (home) return `${home}/.local/state/hamlet`;
  }
  throw new TypeError("Cannot find the state directory: name one with --state or HAMLET_STATE");
}

/** Files in it. The control API's note has its own file, `control/endpoint_file.ts`. */
export const IDENTITY_FILE = "identity.json";
export const PEERS_FILE = "peers.json";
export const NETWORK_FILE = "network.json";
export const MEMBERS_FILE = "members.json";
export const INVITATIONS_FILE = "invitations.json";
export const LOCK_FILE = "agent.lock";
/** A directory a job: `job_directory.ts`. */
export const JOBS_DIRECTORY = "jobs";
