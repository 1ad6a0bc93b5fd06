import { assertEquals, assertThrows } from "@std/assert";
import { ManualClock } from "../../src/base/clock.ts";
import {
  NotifyError,
  type NotifySocket,
  readNotifyAddress,
  statusLine,
} from "../../src/service/notify_socket.ts";
import { Supervised } from "../../src/service/supervised.ts";

const PID = 4_242;

function addressOf(variables: Record<string, string>) {
  return readNotifyAddress((name) => variables[name], PID);
}

Deno.test("readNotifyAddress() finds the socket and whose watchdog it is", () => {
  const NOTIFY_SOCKET = "/run/systemd/notify";
  const table: readonly (readonly [Record<string, string>, unknown])[] = [
    [{}, undefined],
    [{ NOTIFY_SOCKET: "" }, undefined],
    [{ NOTIFY_SOCKET }, { path: NOTIFY_SOCKET, watchdogMs: undefined }],
    [{ NOTIFY_SOCKET: "@abc" }, { path: "\0abc", watchdogMs: undefined }],
    [{ NOTIFY_SOCKET, WATCHDOG_USEC: "60000000" }, { path: NOTIFY_SOCKET, watchdogMs: 60_000 }],
    [{ NOTIFY_SOCKET, WATCHDOG_USEC: "6e7" }, { path: NOTIFY_SOCKET, watchdogMs: undefined }],
    [{ NOTIFY_SOCKET, WATCHDOG_USEC: "0" }, { path: NOTIFY_SOCKET, watchdogMs: undefined }],
    [
      { NOTIFY_SOCKET, WATCHDOG_USEC: "2000000", WATCHDOG_PID: "4242" },
      { path: NOTIFY_SOCKET, watchdogMs: 2_000 },
    ],
    [
      { NOTIFY_SOCKET, WATCHDOG_USEC: "2000000", WATCHDOG_PID: "1" },
      { path: NOTIFY_SOCKET, watchdogMs: undefined },
    ],
  ];
  for (const [variables, expected] of table) assertEquals(addressOf(variables), expected);
});

Deno.test("readNotifyAddress() refuses what is no socket's name", () => {
  assertEquals(addressOf({ NOTIFY_SOCKET: "/".padEnd(107, "x") })?.path.length, 107);
  for (const name of ["vsock:2:1234", "run/notify", "@", "/".padEnd(108, "x")]) {
    assertThrows(() => addressOf({ NOTIFY_SOCKET: name }), NotifyError);
  }
});

Deno.test("statusLine() is one line, whatever is said", () => {
  assertEquals(statusLine("a\nREADY=1").split("\n").length, 1);
  assertEquals(statusLine("x".repeat(1_000)).length <= 220, true);
});

class FakeSocket implements NotifySocket {
  readonly sent: string[] = [];
  isBroken = false;
  isClosed = false;

  send(message: string): Promise<void> {
    if (this.isBroken) return Promise.reject(new NotifyError("not_sent", "Cannot tell: broken"));
    this.sent.push(message);
    return Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
  }
}

function start(watchdogMs: number | undefined) {
  const clock = new ManualClock();
  const socket = new FakeSocket();
  const logged: string[] = [];
  const supervised = new Supervised({
    address: { path: "/nowhere", watchdogMs },
    clock,
    log: (_, event) => void logged.push(event),
    open: () => socket,
  });
  return { clock, socket, logged, supervised };
}

Deno.test("Supervised gives a sign of life at half the time, from the moment it is ready", async () => {
  const { clock, socket, supervised } = start(1_000);
  await clock.advance(5_000);
  assertEquals(socket.sent, []);
  await supervised.ready({ isHealthy: () => true, status: () => "well" });
  assertEquals(socket.sent, ["READY=1\nSTATUS=well"]);
  await clock.advance(2_000);
  assertEquals(socket.sent.slice(1), Array(4).fill("WATCHDOG=1\nSTATUS=well"));
  await supervised.stopping();
  await clock.advance(2_000);
  assertEquals(socket.sent.slice(5), ["STOPPING=1\nSTATUS=stopping"]);
  supervised.close();
  assertEquals(socket.isClosed, true);
});

Deno.test("Supervised gives no sign of life while the agent is not healthy, or there is none", async () => {
  const { clock, socket, logged, supervised } = start(1_000);
  let isHealthy = true;
  await supervised.ready({ isHealthy: () => isHealthy, status: () => "well" });
  isHealthy = false;
  await clock.advance(2_000);
  assertEquals(socket.sent.filter((text) => text.includes("WATCHDOG")), []);
  assertEquals(logged, ["not healthy"]);
  supervised.pause();
  const before = socket.sent.length;
  await clock.advance(2_000);
  assertEquals(socket.sent.length, before);
  await supervised.ready({ isHealthy: () => true, status: () => "again" });
  await clock.advance(500);
  assertEquals(socket.sent.at(-1), "WATCHDOG=1\nSTATUS=again");
  supervised.close();
});

Deno.test("Supervised without a watchdog renews its status every 30 s and says no more", async () => {
  const { clock, socket, supervised } = start(undefined);
  await supervised.ready({ isHealthy: () => true, status: () => "well" });
  await clock.advance(60_000);
  assertEquals(socket.sent, ["READY=1\nSTATUS=well", "STATUS=well", "STATUS=well"]);
  supervised.close();
});

Deno.test("Supervised tells once that the manager does not hear, and goes on", async () => {
  const { clock, socket, logged, supervised } = start(1_000);
  socket.isBroken = true;
  await supervised.ready({ isHealthy: () => true, status: () => "well" });
  await clock.advance(3_000);
  assertEquals(logged, ["service manager not told"]);
  socket.isBroken = false;
  await clock.advance(500);
  assertEquals(socket.sent, ["WATCHDOG=1\nSTATUS=well"]);
  supervised.close();
});
