/**
 * A real avahi-daemon on one host, beside our agent or not: what it sees of us, and a service that it
 * announces for an old node.
 */

import { pause, systemClock } from "../../../src/base/clock.ts";
import type { JsonObject } from "../../../src/base/guards.ts";
import { hasTool, SCRATCH } from "./enclosure.ts";
import { outcomeOf, Resident, run, scriptLine } from "./process.ts";

const SERVICE = "_hamlet._tcp";
const OLD_BOX = "old-box";
const OLD_BOX_PORT = 9_777;

const TOOLS = ["dbus-daemon", "avahi-daemon", "avahi-browse", "avahi-publish"];
const START_MS = 10_000;
const POLL_MS = 200;

const BUS = `unix:path=${SCRATCH}/bus`;
const BUS_CONFIG = `<busconfig>
  <type>session</type>
  <listen>${BUS}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/> <allow own="*"/> <allow send_destination="*"/> <allow receive_sender="*"/>
  </policy>
</busconfig>
`;
const AVAHI_CONFIG = `[server]
host-name=avahi-host
allow-interfaces=eth0
[publish]
publish-workstation=no
`;
/** The daemon wants its directory to be its user's, who need not exist in here. */
const USERS = "root:x:0:0::/:/bin/sh\navahi:x:0:0::/:/bin/sh\n";
const GROUPS = "root:x:0:\navahi:x:0:\n";

/** One service that avahi has resolved. */
export interface Listed {
  readonly name: string;
  /** `host:port` */
  readonly address: string;
  readonly txt: readonly string[];
}

/** What came to the old node's port. */
export interface Visit {
  readonly host: string;
  readonly message: JsonObject;
}

export class Avahi {
  /** Everybody who asked the old node, in order. */
  readonly visits: Visit[] = [];
  readonly #namespace: string;

  private constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** The first tool that is missing, if any. */
  static async missing(): Promise<string | undefined> {
    for (const tool of TOOLS) if (!await hasTool(tool)) return tool;
    return undefined;
  }

  /** Starts the daemon on a host; resolves once it can be asked. */
  static async start(namespace: string): Promise<Avahi> {
    const [bus, config, passwd, group] = ["bus.conf", "avahi.conf", "passwd", "group"]
      .map((name) => `${SCRATCH}/${name}`) as [string, string, string, string];
    await Deno.writeTextFile(bus, BUS_CONFIG);
    await Deno.writeTextFile(config, AVAHI_CONFIG);
    await Deno.writeTextFile(passwd, USERS);
    await Deno.writeTextFile(group, GROUPS);
    await run(undefined, ["mount", "--bind", passwd, "/etc/passwd"]);
    await run(undefined, ["mount", "--bind", group, "/etc/group"]);
    const avahi = new Avahi(namespace);
    avahi.#reside(["dbus-daemon", `--config-file=${bus}`, "--nofork", "--nopidfile"]);
    await until("dbus-daemon", async () => await isThere(`${SCRATCH}/bus`));
    const unbound = ["--no-drop-root", "--no-chroot", "--no-rlimits"];
    avahi.#reside(["avahi-daemon", ...unbound, "--file", config]);
    await until("avahi-daemon", async () => (await avahi.#browse()).code === 0);
    return avahi;
  }

  /** What `avahi-browse` lists of our kind of service, IPv4, resolved. */
  async list(): Promise<readonly Listed[]> {
    const { stdout } = await this.#browse();
    return stdout.split("\n").map((line) => line.split(";"))
      .filter(([sign, , family]) => sign === "=" && family === "IPv4")
      .map(([, , , name = "", , , , host = "", port = "", ...txt]) => ({
        name,
        address: `${host}:${port}`,
        txt: [...txt.join(";").matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text),
      }));
  }

  /** Opens an old node's port and announces it. */
  publishOldBox(): void {
    new Resident(
      this.#namespace,
      scriptLine("old_box.ts", OLD_BOX, String(OLD_BOX_PORT)),
      (line) => {
        if (line.startsWith("{")) this.visits.push(JSON.parse(line) as Visit);
      },
    );
    this.#reside(["avahi-publish", "-s", OLD_BOX, SERVICE, String(OLD_BOX_PORT)]);
  }

  #browse() {
    const line = ["avahi-browse", "--resolve", "--terminate", "--parsable", SERVICE];
    return outcomeOf(this.#namespace, line, { env: BUS_ENV });
  }

  /** Starts what stays until the end. */
  #reside(line: readonly string[]): void {
    new Resident(this.#namespace, line, () => {}, BUS_ENV);
  }
}

const BUS_ENV = Object.freeze({ DBUS_SYSTEM_BUS_ADDRESS: BUS });

/** Looks at `check` until it holds. Throws when that takes too long. */
async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const endMs = systemClock.now() + START_MS;
  while (!await check()) {
    if (systemClock.now() > endMs) throw new Error(`Cannot use avahi: ${what} does not start`);
    await pause(systemClock, POLL_MS);
  }
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
