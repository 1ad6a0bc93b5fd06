import { assertEquals } from "@std/assert";
import { Fields } from "../../../src/base/guards.ts";
import { cmaParameters } from "../../../src/work/evolve/cma_parameters.ts";
import { Stopping, type StopView } from "../../../src/work/evolve/stopping.ts";
import { PURE } from "./functions.ts";

const PARAMETERS = cmaParameters(10, 10, "full");
const VIEW: StopView = {
  generation: 1,
  mean: new Float64Array(10).fill(0.1),
  sigma: 0.2,
  sigma0: 0.2,
  path: new Float64Array(10).fill(1),
  deviations: new Float64Array(10).fill(1),
  condition: 1,
  axis: new Float64Array(10).fill(1),
};

/** Notes `generations` of fitness that `of` gives by generation and rank. */
function after(generations: number, of: (generation: number, rank: number) => number): Stopping {
  const stopping = new Stopping(PARAMETERS);
  for (let t = 1; t <= generations; t++) {
    stopping.note(Array.from({ length: 10 }, (_, rank) => of(t, rank)), t);
  }
  return stopping;
}

const improving = (t: number, rank: number) => 1000 / t + rank;

Deno.test("Stopping.reason() lets a run go on that improves", PURE, () => {
  assertEquals(after(200, improving).reason({ ...VIEW, generation: 200 }), undefined);
});

Deno.test("Stopping.reason() names the criterion that ends a run", PURE, () => {
  const cases: readonly (readonly [string | undefined, Stopping, Partial<StopView>])[] = [
    // 100 + 50 (10 + 3)^2 / sqrt(10) = 2,772.1
    [undefined, after(3, improving), { generation: 2_772 }],
    ["max_iter", after(3, improving), { generation: 2_773 }],
    // 10 + ceil(30 n / lambda) = 40 generations
    [undefined, after(39, (_, rank) => 1 + rank * 1e-14), {}],
    ["tol_hist_fun", after(40, (_, rank) => 1 + rank * 1e-14), {}],
    ["equal_fun_vals", after(10, (t) => 1 / t), {}],
    ["equal_fun_vals", after(10, () => Infinity), {}],
    [undefined, after(9, () => Infinity), {}],
    ["stagnation", after(200, (t, rank) => t + rank), { generation: 200 }],
    ["tol_x", after(3, improving), { sigma: 1e-14 }],
    ["tol_x_up", after(3, improving), { sigma: 3e3 }],
    ["condition_cov", after(3, improving), { condition: 1.1e14 }],
    ["condition_cov", after(3, improving), { condition: NaN }],
    ["no_effect_axis", after(3, improving), { axis: new Float64Array(10) }],
    [
      "no_effect_coor",
      after(3, improving),
      { deviations: Float64Array.from({ length: 10 }, (_, i) => i === 3 ? 1e-18 : 1) },
    ],
  ];
  cases.forEach(([expected, stopping, change], i) =>
    assertEquals(stopping.reason({ ...VIEW, ...change }), expected, `case ${i}`)
  );
});

Deno.test("Stopping.restore() judges as the one that was kept", PURE, () => {
  const kept = after(39, (_, rank) => rank === 9 ? Infinity : 1);
  const restored = Stopping.restore(
    PARAMETERS,
    Fields.of(JSON.parse(JSON.stringify(kept.state()))),
  );
  const flat = new Array<number>(10).fill(1);
  for (const stopping of [kept, restored]) stopping.note(flat, 40);
  assertEquals(restored.state(), kept.state());
  assertEquals(restored.reason(VIEW), kept.reason(VIEW));
});
