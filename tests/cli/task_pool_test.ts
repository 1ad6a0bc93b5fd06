import { assertEquals } from "@std/assert";
import { settle } from "../../src/base/clock.ts";
import { TaskPool } from "../../src/cli/task_pool.ts";

const PURE = { permissions: "none" } as const;

/** A pool whose tasks end when told to. */
function openPool(maxRunning: number, maxQueued: number) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const pool = new TaskPool<string>({
    maxRunning,
    maxQueued,
    run(task) {
      begun.push(task);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.set(task, resolve);
      return promise;
    },
  });
  return { pool, begun, end: (task: string) => ends.get(task)?.() };
}

Deno.test("TaskPool runs so many at once, keeps so many, and refuses the rest", PURE, async () => {
  const { pool, begun, end } = openPool(2, 3);
  const taken = ["a", "b", "c", "d", "e", "f"].map((task) => pool.offer(task));
  assertEquals(taken, [true, true, true, true, true, false]);
  assertEquals([begun, pool.running, pool.queued], [["a", "b"], 2, 3]);
  end("b");
  await settle();
  assertEquals([begun, pool.running, pool.queued], [["a", "b", "c"], 2, 2]);
  assertEquals([pool.offer("g"), pool.offer("h")], [true, false]);
});

Deno.test("TaskPool.idle() resolves when nothing runs and nothing waits", PURE, async () => {
  const { pool, end } = openPool(1, 3);
  await pool.idle();
  pool.offer("a");
  pool.offer("b");
  let isIdle = false;
  const idle = pool.idle().then(() => isIdle = true);
  end("a");
  await settle();
  assertEquals(isIdle, false);
  end("b");
  await idle;
  pool.offer("c");
  const again = pool.idle();
  end("c");
  await again;
});

Deno.test("TaskPool.clear() forgets what has not begun", PURE, async () => {
  const { pool, begun, end } = openPool(1, 3);
  for (const task of ["a", "b", "c"]) pool.offer(task);
  assertEquals(pool.clear(), 2);
  const idle = pool.idle();
  end("a");
  await idle;
  assertEquals([begun, pool.running, pool.queued], [["a"], 0, 0]);
});
