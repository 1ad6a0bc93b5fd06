import { assert, assertEquals } from "@std/assert";
import { Errands, MAX_ERRANDS, MAX_ERRANDS_OF_ONE } from "../../src/gossip/errands.ts";
import { idOf, PURE } from "./people.ts";

const [A, B, C] = [1, 2, 3].map((n) => idOf(n)) as [
  ReturnType<typeof idOf>,
  ReturnType<typeof idOf>,
  ReturnType<typeof idOf>,
];

function setUp() {
  const sent: string[] = [];
  const name = (id: string) => [A, B, C].findIndex((one) => one === id) + 1;
  const errands = new Errands({
    sendAck: (to, seq) => void sent.push(`ack ${name(to)} #${seq}`),
    sendNack: (to, seq) => void sent.push(`nack ${name(to)} #${seq}`),
  });
  return { errands, sent };
}

Deno.test("Errands.answer() answers every asker once, under its own number", PURE, () => {
  for (const isThere of [true, false]) {
    const { errands, sent } = setUp();
    assert(errands.add(C, { asker: A, seq: 7, nackAtMs: 400 }));
    assert(errands.add(C, { asker: B, seq: 9, nackAtMs: 400 }));
    errands.answer(A, isThere);
    assertEquals([sent, errands.size], [[], 2]);
    errands.answer(C, isThere);
    errands.answer(C, isThere);
    errands.tick(1_000);
    const word = isThere ? "ack" : "nack";
    assertEquals([sent, errands.size], [[`${word} 1 #7`, `${word} 2 #9`], 0]);
  }
});

Deno.test("Errands.tick() gives up those that took too long", PURE, () => {
  const { errands, sent } = setUp();
  errands.add(C, { asker: A, seq: 1, nackAtMs: 400 });
  errands.add(C, { asker: B, seq: 2, nackAtMs: 500 });
  assertEquals(errands.deadlineMs, 400);
  errands.tick(399);
  assertEquals(sent, []);
  errands.tick(400);
  assertEquals([sent, errands.size, errands.deadlineMs], [["nack 1 #1"], 1, 500]);
  errands.tick(500);
  assertEquals([sent.length, errands.size, errands.deadlineMs], [2, 0, Infinity]);
});

Deno.test(
  "Errands.add() takes the same question again under its last number, for nothing new",
  PURE,
  () => {
    const { errands, sent } = setUp();
    assert(errands.add(C, { asker: A, seq: 1, nackAtMs: 400 }));
    for (let seq = 2; seq <= 1_000; seq++) {
      assert(!errands.add(C, { asker: A, seq, nackAtMs: 400 }));
    }
    assertEquals(errands.size, 1);
    errands.answer(C, true);
    assertEquals(sent, ["ack 1 #1000"]);
  },
);

Deno.test(
  "Errands takes 32 of one asker and 256 in all, and others' when those are done",
  PURE,
  () => {
    assertEquals([MAX_ERRANDS_OF_ONE, MAX_ERRANDS], [32, 256]);
    const { errands } = setUp();
    const add = (asker: number, about: number) =>
      errands.add(idOf(about), { asker: idOf(asker), seq: 0, nackAtMs: 400 });
    const taken = Array.from({ length: 100 }, (_, n) => add(100, n)).filter((isTaken) => isTaken);
    assertEquals([taken.length, errands.size], [32, 32]);
    for (let asker = 101; asker < 120; asker++) for (let n = 0; n < 32; n++) add(asker, n);
    assertEquals(errands.size, 256);
    assert(!add(200, 5));
    errands.tick(400);
    assertEquals(errands.size, 0);
    assert(add(200, 5) && add(100, 50));
  },
);
