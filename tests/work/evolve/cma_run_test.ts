import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { seededRandom } from "../../../src/base/random.ts";
import { cmaParameters } from "../../../src/work/evolve/cma_parameters.ts";
import { CmaRun, type Member } from "../../../src/work/evolve/cma_run.ts";
import { Generator } from "../../../src/work/evolve/generator.ts";
import { PURE } from "./functions.ts";

const MEAN = [0.1, -0.2];
const SIGMA = 0.2;
// Best first.
const POINTS = [[0, -0.3], [0.15, -0.35], [0.2, -0.1], [0.3, -0.2], [0.1, 0.05], [-0.05, -0.1]];

function newRun(kind: "full" | "diagonal" = "full"): CmaRun {
  return new CmaRun({ kind, lambda: 6, mean: Float64Array.from(MEAN), sigma: SIGMA });
}

/** What is in a run, its vectors as numbers. */
function stateOf(run: CmaRun) {
  const { mean, p_c, p_sigma, sigma, covariance } = run.state();
  return {
    sigma,
    mean: numbersOf(mean),
    p_c: numbersOf(p_c),
    p_sigma: numbersOf(p_sigma),
    rows: covariance.rows.map(numbersOf),
  };
}

/** Little-endian doubles of base64url. */
function numbersOf(text: string): number[] {
  const bytes = Uint8Array.from(
    atob(text.replaceAll("-", "+").replaceAll("_", "/")),
    (byte) => byte.charCodeAt(0),
  );
  return [...new Float64Array(bytes.buffer)];
}

function membersOf(points: readonly (readonly number[])[], isNative = true): Member[] {
  return points.map((point, i) => ({ point: Float64Array.from(point), fitness: i, isNative }));
}

Deno.test("CmaRun.update() moves the mean, the path and the matrix as pycma does", PURE, () => {
  const run = newRun();
  run.update(membersOf(POINTS));
  const { mean, p_c, rows } = stateOf(run);
  // pycma 4.5.0 told of the same six.
  [0.05836297, -0.29855108].forEach((value, i) => assertAlmostEquals(mean[i] ?? NaN, value, 1e-8));
  [-0.27482487, -0.65048561].forEach((value, i) => assertAlmostEquals(p_c[i] ?? NaN, value, 1e-8));
  const pycma = [[0.7910211868, 0.1297522732], [0.1297522732, 0.8512416098]];
  // It bounds the negative weights' lengths slightly otherwise.
  pycma.flat().forEach((value, i) => assertAlmostEquals(rows.flat()[i] ?? NaN, value, 1e-4));
});

Deno.test(
  "CmaRun.update() is equation 47 of the tutorial, and the step size's equation 44",
  PURE,
  () => {
    const run = newRun();
    run.update(membersOf(POINTS));
    const { p_c, p_sigma, sigma, rows } = stateOf(run);
    const { c1, cMu, weights, cSigma, dSigma, muEff } = cmaParameters(2, 6, "full");
    const steps = POINTS.map((point) => point.map((x, i) => (x - (MEAN[i] as number)) / SIGMA));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const i of [0, 1]) {
      for (const j of [0, 1]) {
        // The first matrix is the identity, so that lengths by it are Euclidean.
        let expected = (1 - c1 - cMu * sum) * (i === j ? 1 : 0) +
          c1 * (p_c[i] ?? 0) * (p_c[j] ?? 0);
        steps.forEach((y, k) => {
          const length = y.reduce((total, value) => total + value * value, 0);
          const weight = weights[k] as number;
          const factor = weight < 0 ? weight * 2 / length : weight;
          expected += cMu * factor * (y[i] as number) * (y[j] as number);
        });
        assertAlmostEquals(rows[i]?.[j] ?? NaN, expected, 1e-14);
      }
    }
    const shift = [0, 1].map((i) =>
      steps.slice(0, 3).reduce(
        (total, y, k) => total + (weights[k] as number) * (y[i] as number),
        0,
      )
    );
    const path = shift.map((value) => Math.sqrt(cSigma * (2 - cSigma) * muEff) * value);
    path.forEach((value, i) => assertAlmostEquals(p_sigma[i] ?? NaN, value, 1e-14));
    const chi = Math.sqrt(2) * (1 - 1 / 8 + 1 / 84);
    const expected = SIGMA * Math.exp(cSigma / dSigma * (Math.hypot(...path) / chi - 1));
    assertAlmostEquals(sigma, expected, 1e-14);
  },
);

Deno.test(
  "CmaRun.update() limits the step of a point that others made to sqrt(n) + 2n / (n + 2)",
  PURE,
  () => {
    const far = POINTS.map((point, i) => i === 0 ? [1000, -0.2] : point);
    const native = newRun();
    native.update(membersOf(far));
    const external = newRun();
    external.update(membersOf(far).map((member, i) => ({ ...member, isNative: i !== 0 })));
    const limited = newRun();
    const limit = Math.sqrt(2) + 1;
    limited.update(
      membersOf(POINTS.map((point, i) => i === 0 ? [0.1 + SIGMA * limit, -0.2] : point)),
    );
    external.mean.forEach((value, i) => assertAlmostEquals(value, limited.mean[i] ?? NaN, 1e-12));
    assert((native.mean[0] ?? 0) > 100);
    assert(external.sigma <= SIGMA * Math.E, "sigma grows by e at most");
  },
);

Deno.test("CmaRun.update() with variances only keeps coordinates apart", PURE, () => {
  const run = newRun("diagonal");
  run.update(membersOf(POINTS));
  const { rows } = stateOf(run);
  assertEquals(rows.length, 1);
  const { c1, cMu, weights } = cmaParameters(2, 6, "diagonal");
  const { p_c } = stateOf(run);
  const expected = (1 - c1 - cMu) + c1 * (p_c[0] ?? 0) ** 2 +
    cMu * POINTS.slice(0, 3).reduce(
        (sum, [x = 0], k) => sum + (weights[k] as number) * ((x - 0.1) / SIGMA) ** 2,
        0,
      );
  assertAlmostEquals(rows[0]?.[0] ?? NaN, expected, 1e-14);
});

Deno.test("CmaRun samples the distribution that it learned", PURE, () => {
  const run = newRun();
  for (let i = 0; i < 30; i++) run.update(membersOf(POINTS));
  const { mean, sigma, rows } = stateOf(run);
  const random = Generator.from(seededRandom(4));
  const samples = Array.from({ length: 40_000 }, () => run.sample(random));
  for (const i of [0, 1]) {
    for (const j of [0, 1]) {
      const moment = samples.reduce((sum, point) =>
        sum + ((point[i] ?? 0) - (mean[i] ?? 0)) * ((point[j] ?? 0) - (mean[j] ?? 0)), 0) / 40_000;
      const expected = sigma ** 2 * (rows[i]?.[j] ?? NaN);
      const size = sigma ** 2 * Math.max(...rows.flat());
      assertAlmostEquals(moment, expected, 0.05 * size);
    }
  }
});

Deno.test("CmaRun.flip() is the mirror image, whatever follows", PURE, () => {
  const run = newRun();
  const mirror = newRun();
  const turned = POINTS.map(([x = 0, y = 0]) => [x, -0.4 - y]);
  for (let i = 0; i < 5; i++) run.update(membersOf(POINTS));
  for (let i = 0; i < 5; i++) mirror.update(membersOf(turned));
  mirror.flip(1, -0.4 - (mirror.mean[1] ?? 0));
  for (let i = 0; i < 5; i++) run.update(membersOf(POINTS));
  for (let i = 0; i < 5; i++) mirror.update(membersOf(POINTS));
  assertAlmostEquals(mirror.sigma, run.sigma, 1e-12);
  run.mean.forEach((value, i) => assertAlmostEquals(mirror.mean[i] ?? NaN, value, 1e-12));
});
