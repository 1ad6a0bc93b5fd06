import { assertEquals } from "@std/assert";
import {
  JobMail,
  type JobMessage,
  MAX_ADDRESSEES,
  MAX_WAITING_FOR_ONE,
} from "../../src/agent/job_mail.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { CodedError } from "../../src/base/errors.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import type { Envelope } from "../../src/node/envelope.ts";
import type { SendOptions } from "../../src/node/session.ts";
import type { JobId } from "../../src/work/job/spec.ts";
import { ALICE, BOB, identityOf } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;

class Bench {
  readonly clock = new ManualClock();
  readonly connected = new Set<PeerId>();
  readonly sent: [PeerId, unknown, SendOptions | undefined][] = [];
  readonly dialled: PeerId[] = [];
  readonly warnings: string[] = [];
  fault: Error | undefined;
  readonly mail = new JobMail({
    clock: this.clock,
    dial: (id) => this.dialled.push(id),
    log: (_, event) => this.warnings.push(event),
    node: {
      isConnected: (id) => this.connected.has(id),
      send: (to, _, data, options) => {
        if (this.fault) throw this.fault;
        this.sent.push([to, data, options]);
        return {} as Envelope;
      },
    },
  });
}

function message(n: number, type: "nightly" | "emergency" = "emergency"): JobMessage {
  const job = { id: "j" as JobId, spec: { type } };
  return { job, type: "EVOLUTION_PROGRESS", data: { n } };
}

Deno.test(
  "JobMail sends at once where there is a session, and says which job it is about",
  PURE,
  () => {
    const bench = new Bench();
    bench.connected.add(ALICE.id);
    bench.mail.send(ALICE.id, message(1));
    bench.mail.send(ALICE.id, message(2, "nightly"));
    assertEquals(bench.sent, [
      [ALICE.id, { n: 1 }, { priority: 2, evolutionId: "j", evolutionType: "emergency" }],
      [ALICE.id, { n: 2 }, { priority: 0, evolutionId: "j", evolutionType: "nightly" }],
    ]);
    assertEquals(bench.dialled, []);
  },
);

Deno.test("JobMail dials who is away, and forgets what has waited too long", PURE, () => {
  const bench = new Bench();
  bench.mail.send(ALICE.id, message(1));
  bench.clock.advance(10_000);
  bench.mail.send(ALICE.id, message(2));
  bench.mail.send(BOB.id, message(3));
  assertEquals(bench.dialled, [ALICE.id, ALICE.id, BOB.id]);
  bench.clock.advance(6_000);
  bench.mail.flush();
  bench.connected.add(ALICE.id);
  bench.mail.flush();
  assertEquals(bench.sent.map(([, data]) => data), [{ n: 2 }]);
  assertEquals(bench.mail.addressees, 1);
  bench.clock.advance(10_000);
  bench.mail.flush();
  assertEquals(bench.mail.addressees, 0);
});

Deno.test("JobMail keeps the latest of many messages, for so many members", PURE, () => {
  const bench = new Bench();
  for (let n = 0; n < MAX_WAITING_FOR_ONE + 3; n++) bench.mail.send(ALICE.id, message(n));
  for (let n = 0; n < MAX_ADDRESSEES + 5; n++) bench.mail.send(identityOf(n).id, message(n));
  assertEquals(bench.mail.addressees, MAX_ADDRESSEES);
  bench.connected.add(ALICE.id);
  bench.mail.flush();
  assertEquals(bench.sent.length, MAX_WAITING_FOR_ONE);
  assertEquals(bench.sent[0]?.[1], { n: 3 });
});

Deno.test("JobMail survives a message that cannot be sent", PURE, () => {
  const bench = new Bench();
  bench.connected.add(ALICE.id);
  for (const fault of [new RangeError("too long"), new CodedError("full", "too many")]) {
    bench.fault = fault;
    bench.mail.send(ALICE.id, message(1));
  }
  assertEquals(bench.warnings, ["job message not sent", "job message not sent"]);
});
