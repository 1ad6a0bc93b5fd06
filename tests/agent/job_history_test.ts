import { assert, assertEquals } from "@std/assert";
import {
  decodeHistory,
  encodeHistory,
  type HistoryRow,
  JobHistory,
  MAX_ROWS,
} from "../../src/agent/job_history.ts";

const PURE = { permissions: "none" } as const;

function rowAt(elapsedS: number, best: number | null = 1): HistoryRow {
  return {
    unixMs: 1e12 + elapsedS * 1000,
    elapsedS,
    evaluations: elapsedS,
    perSecond: 1,
    participants: 1,
    best,
  };
}

const TEXT = `unix_ms,elapsed_s,evaluations,evaluations_per_s,participants,best_fitness
1000000000000,0,0,0,1,
1000000001500,1.5,300,200.125,2,1e-9
`;

Deno.test("encodeHistory() writes what decodeHistory() reads", PURE, () => {
  const rows: readonly HistoryRow[] = [
    { unixMs: 1e12, elapsedS: 0, evaluations: 0, perSecond: 0, participants: 1, best: null },
    {
      unixMs: 1e12 + 1500,
      elapsedS: 1.5,
      evaluations: 300,
      perSecond: 200.125,
      participants: 2,
      best: 1e-9,
    },
  ];
  assertEquals(encodeHistory(rows), TEXT);
  assertEquals(decodeHistory(TEXT), rows);
});

Deno.test("decodeHistory() leaves out what is no row, wherever the file was cut", PURE, () => {
  for (let length = 0; length <= TEXT.length; length++) {
    assert(decodeHistory(TEXT.slice(0, length)).length <= 2);
  }
  const damaged = TEXT + "1,2,3\nNaN,1,1,1,1,1\n1,Infinity,1,1,1,1\n5,0.5,1,1,1,1\n,,,,,\n";
  assertEquals(decodeHistory(damaged).length, 2, "not a number, nor time that goes back");
  assertEquals(decodeHistory(""), []);
});

Deno.test("JobHistory keeps the first, the last and an even share of a long job", PURE, () => {
  const history = new JobHistory();
  const count = 50_000;
  for (let second = 0; second <= count; second++) {
    history.add(rowAt(second));
    assert(history.rows.length <= MAX_ROWS);
  }
  const { rows } = history;
  assertEquals([rows[0]?.elapsedS, rows.at(-1)?.elapsedS], [0, count]);
  const gaps = rows.slice(1).map((row, index) => row.elapsedS - (rows[index]?.elapsedS ?? 0));
  assert(Math.max(...gaps) <= 8 * count / MAX_ROWS, `${Math.max(...gaps)}`);
  assert(rows.length >= MAX_ROWS / 4);
});

Deno.test("JobHistory ignores time that went back, and goes on from what was read", PURE, () => {
  const history = new JobHistory([rowAt(1), rowAt(5)]);
  history.add(rowAt(3));
  history.add(rowAt(7));
  assertEquals(history.rows.map(({ elapsedS }) => elapsedS), [1, 5, 7]);
});
