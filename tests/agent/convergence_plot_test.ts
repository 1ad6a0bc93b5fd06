import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { drawConvergence } from "../../src/agent/convergence_plot.ts";
import type { HistoryRow } from "../../src/agent/job_history.ts";

const PURE = { permissions: "none" } as const;

function rowsOf(...bests: readonly (number | null)[]): readonly HistoryRow[] {
  return bests.map((best, index) => ({
    unixMs: index * 1000,
    elapsedS: index,
    evaluations: index,
    perSecond: 1,
    participants: 1,
    best,
  }));
}

/** The corners of the curve. */
function pointsOf(svg: string): readonly (readonly number[])[] {
  const [, points = ""] = /<polyline points="([^"]*)"/.exec(svg) ?? [];
  return points.split(" ").filter(Boolean).map((pair) => pair.split(",").map(Number));
}

Deno.test("drawConvergence() draws a stair, each decade as high as the other", PURE, () => {
  const svg = drawConvergence({ title: "sphere", rows: rowsOf(null, 100, 1, 0.01), target: 1e-4 });
  // 272 points high for 6 decades, 620 wide for 3 s (its axis ends at 3).
  const x = (s: number) => Math.round((76 + s * 620 / 3) * 10) / 10;
  const y = (decades: number) => Math.round((312 - decades * 272 / 6) * 10) / 10;
  assertEquals(pointsOf(svg), [
    [x(1), y(6)],
    [x(2), y(6)],
    [x(2), y(4)],
    [x(3), y(4)],
    [x(3), y(2)],
  ]);
  assertStringIncludes(svg, ">target</text>");
  for (const tick of ["100", "1e-4", "0.01"]) assertStringIncludes(svg, `>${tick}</text>`);
});

Deno.test(
  "drawConvergence() has a linear axis for what is not positive, or spans little",
  PURE,
  () => {
    const svg = drawConvergence({ title: "tour", rows: rowsOf(480, 440, 430), target: 426 });
    const ys = pointsOf(svg).map(([, y = NaN]) => y);
    assertEquals(ys, ys.toSorted((a, b) => a - b));
    const ratio = ((ys[2] ?? NaN) - (ys[0] ?? NaN)) / ((ys[4] ?? NaN) - (ys[2] ?? NaN));
    assert(Math.abs(ratio - 4) < 0.05, "40 down is four times 10 down");
    assertMatch(
      drawConvergence({ title: "", rows: rowsOf(-1, -5, -500), target: null }),
      /polyline/,
    );
  },
);

Deno.test("drawConvergence() is a picture whatever came", PURE, () => {
  const extremes: readonly (readonly (number | null)[])[] = [
    [],
    [null],
    [0],
    [5],
    [1e308, -1e308],
    [1e-300, 1e300],
    [Number.MIN_VALUE, 1],
    [-0, 0],
    [1, 0.01, 0],
    [1.7e308, 1e-5],
  ];
  for (const bests of extremes) {
    for (const target of [null, 0, -1e308, 1e-8]) {
      const svg = drawConvergence({ title: "x", rows: rowsOf(...bests), target });
      assert(!/NaN|Infinity|undefined/.test(svg), `${bests} to ${target}: ${svg}`);
      assert(svg.length < 8_000);
      assert(pointsOf(svg).flat().every(Number.isFinite));
    }
  }
});

Deno.test("drawConvergence() lets a job's name be no markup", PURE, () => {
  const svg = drawConvergence({ title: '<script>&"\u202e\n', rows: [], target: null });
  assertStringIncludes(svg, ">&lt;script&gt;&amp;&quot;</text>");
});
