import { assertEquals, assertRejects } from "@std/assert";
import { Launchd } from "../../src/service/launchd.ts";
import { type Answer, type RunCommand, ServiceError } from "../../src/service/service_manager.ts";
import { readLaunchdState, readSystemdState } from "../../src/service/service_state.ts";
import { Systemd } from "../../src/service/systemd.ts";

const WHERE = { scope: "system", path: "/etc/systemd/system/hamlet.service" } as const;

/** As systemd 252 says it of a service that runs, and of one that there is not. */
const RUNNING = `MainPID=187
Result=success
NRestarts=0
StatusText=serving at 192.168.77.2:9000, 0 peers connected
LoadState=loaded
ActiveState=active
UnitFileState=enabled
StateChangeTimestamp=Sat 2026-11-28 02:48:53 UTC
`;
const ABSENT = `MainPID=0
Result=success
NRestarts=0
StatusText=
LoadState=not-found
ActiveState=inactive
UnitFileState=
StateChangeTimestamp=
`;

Deno.test("readSystemdState() reads what systemd 252 says", () => {
  assertEquals(readSystemdState(RUNNING, WHERE), {
    manager: "systemd",
    ...WHERE,
    installed: true,
    enabled: true,
    state: "active",
    since_unix_ms: Date.UTC(2026, 10, 28, 2, 48, 53),
    pid: 187,
    restarts: 0,
    result: "success",
    says: "serving at 192.168.77.2:9000, 0 peers connected",
  });
  assertEquals(readSystemdState(ABSENT, WHERE), {
    manager: "systemd",
    ...WHERE,
    installed: false,
    enabled: null,
    state: "inactive",
    since_unix_ms: null,
    pid: null,
    restarts: null,
    result: null,
    says: null,
  });
});

Deno.test("readSystemdState() makes nothing of what is cut or odd", () => {
  for (let end = 0; end < RUNNING.length; end++) {
    const { state, pid } = readSystemdState(RUNNING.slice(0, end), WHERE);
    assertEquals(["active", "unknown"].includes(state), true);
    assertEquals(pid === null || pid <= 187, true);
  }
  const odd = "LoadState=loaded\nActiveState=\x1b[31m\nMainPID=-4\nNRestarts=1e9\nResult=a b\n" +
    `StateChangeTimestamp=yesterday\nStatusText=${"x".repeat(5_000)}\n=\n`;
  const read = readSystemdState(odd, WHERE);
  assertEquals([read.state, read.pid, read.restarts, read.result, read.since_unix_ms], [
    "unknown",
    ...[null, null, null, null],
  ]);
  assertEquals(read.says?.length, 300);
});

Deno.test("readLaunchdState() reads the first level of launchctl print", () => {
  const where = { scope: "user", path: "/p", installed: true } as const;
  const text =
    "gui/501/org.hamlet.agent = {\n\tactive count = 1\n\tstate = running\n\n\tprogram = /h\n" +
    "\tpid = 812\n\tlast exit code = 0\n\tendpoints = {\n\t\tstate = idle\n\t}\n}\n";
  const read = readLaunchdState(text, where);
  assertEquals([read.state, read.pid, read.enabled, read.result], ["active", 812, true, "success"]);
  const stopped = readLaunchdState(undefined, where);
  assertEquals([stopped.state, stopped.pid, stopped.enabled], ["inactive", null, false]);
});

/** A systemctl that does what it is told with one service, and keeps what it was told. */
class FakeSystemctl {
  readonly told: string[] = [];
  readonly #path: string;
  isActive = false;
  isEnabled = false;
  /** What starting it says, when it fails. */
  refusal: Answer | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  readonly run: RunCommand = (command, args) => {
    assertEquals(command, "systemctl");
    const words = args.filter((arg) => !arg.startsWith("--") || arg === "--now");
    if (words[0] !== "show") this.told.push(words.join(" "));
    return Promise.resolve(this.#obey(words));
  };

  #obey([verb]: readonly string[]): Answer {
    const done = { code: 0, output: "", complaint: "" };
    switch (verb) {
      case "show":
        return { ...done, output: this.#show() };
      case "enable":
        this.isEnabled = true;
        return done;
      case "start":
      case "restart":
        if (this.refusal) return this.refusal;
        this.isActive = true;
        return done;
      case "disable":
        this.isEnabled = this.isActive = false;
        return done;
      default:
        return done;
    }
  }

  #show(): string {
    try {
      Deno.statSync(this.#path);
    } catch {
      return ABSENT;
    }
    return RUNNING.replace("=active", this.isActive ? "=active" : "=inactive")
      .replace("=enabled", this.isEnabled ? "=enabled" : "=disabled");
  }
}

async function withSystemd(
  test: (systemd: Systemd, fake: FakeSystemctl) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "hamlet-systemd-" });
  const directory = `${root}/units`;
  const fake = new FakeSystemctl(`${directory}/hamlet.service`);
  await test(new Systemd({ scope: "user", run: fake.run, directory }), fake);
  await Deno.remove(root, { recursive: true });
}

Deno.test("Systemd.install() does once what is to be done, and again what has changed", async () => {
  await withSystemd(async (systemd, fake) => {
    assertEquals(await systemd.install("one"), "installed");
    assertEquals(await Deno.readTextFile(systemd.path), "one");
    assertEquals([fake.isActive, fake.isEnabled], [true, true]);
    fake.told.length = 0;
    assertEquals(await systemd.install("one"), "unchanged");
    assertEquals(fake.told, []);
    assertEquals(await systemd.install("two"), "updated");
    assertEquals(await Deno.readTextFile(systemd.path), "two");
    assertEquals(fake.told.includes("restart hamlet.service"), true);
    // Somebody has stopped it: to install it means that it shall run.
    fake.isActive = false;
    await systemd.install("two");
    assertEquals(fake.isActive, true);
  });
});

Deno.test("Systemd.install() says how to find out why the agent does not start", async () => {
  await withSystemd(async (systemd, fake) => {
    const complaint = "Job for hamlet.service failed because of unavailable resources.\n" +
      'See "systemctl --user status hamlet.service" and "journalctl --user -xe" for details.\n';
    fake.refusal = { code: 1, output: "", complaint };
    const error = await assertRejects(() => systemd.install("one"), ServiceError);
    assertEquals(
      error.message,
      "Cannot start the service: Job for hamlet.service failed because of unavailable resources; " +
        "see why: journalctl --user -u hamlet.service -n 20",
    );
  });
});

Deno.test("Systemd.uninstall() takes the unit away; where there is none it says so", async () => {
  await withSystemd(async (systemd, fake) => {
    const error = await assertRejects(() => systemd.uninstall(), ServiceError);
    assertEquals(error.code, "not_installed");
    await systemd.install("one");
    await systemd.uninstall();
    assertEquals([fake.isActive, fake.isEnabled], [false, false]);
    assertEquals((await systemd.state()).installed, false);
    await assertRejects(() => systemd.uninstall(), ServiceError);
  });
});

Deno.test("Systemd writes nothing where there is no systemctl, or it reaches no manager", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hamlet-systemd-" });
  const deaf = { code: 1, output: "", complaint: "Failed to connect to bus: No medium found\n" };
  for (const answer of [undefined, deaf]) {
    const systemd = new Systemd({ scope: "user", directory, run: () => Promise.resolve(answer) });
    for (const action of [() => systemd.install("x"), () => systemd.uninstall()]) {
      const error = await assertRejects(action, ServiceError);
      assertEquals([error.code, error.message.includes("hamlet")], ["unsupported", true]);
    }
  }
  assertEquals([...Deno.readDirSync(directory)], []);
  await Deno.remove(directory);
});

Deno.test("Launchd loads the job once, and anew when it has changed", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hamlet-launchd-" });
  const told: string[] = [];
  let isLoaded = false;
  const run: RunCommand = (command, [verb = "", domain = ""]) => {
    assertEquals(command, "launchctl");
    if (verb !== "print") told.push(`${verb} ${domain}`);
    if (verb === "bootstrap") isLoaded = true;
    if (verb === "bootout") isLoaded = false;
    const output = "x = {\n\tstate = running\n\tpid = 9\n}\n";
    const isKnown = verb !== "print" || isLoaded;
    return Promise.resolve({ code: isKnown ? 0 : 113, output, complaint: "" });
  };
  const launchd = new Launchd({ scope: "user", run, directory, uid: 501 });
  assertEquals(await launchd.install("one"), "installed");
  assertEquals(await launchd.install("one"), "unchanged");
  assertEquals(await launchd.install("two"), "updated");
  assertEquals(told, [
    "bootstrap gui/501",
    "bootout gui/501/org.hamlet.agent",
    "bootstrap gui/501",
  ]);
  await launchd.uninstall();
  assertEquals([isLoaded, [...Deno.readDirSync(directory)].length], [false, 0]);
  await assertRejects(() => launchd.uninstall(), ServiceError);
  await Deno.remove(directory);
});
