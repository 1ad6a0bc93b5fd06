import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { cmaParameters, defaultLambda } from "../../../src/work/evolve/cma_parameters.ts";
import { PURE } from "./functions.ts";

// What pycma 4.5.0 computes (CMAEvolutionStrategy(n * [0], 1, {"popsize": lambda}).sp).
const PYCMA = [
  {
    n: 10,
    lambda: 10,
    muEff: 3.1672992814107017,
    c1: 0.015283824524751714,
    cMu: 0.02355177665041747,
    cC: 0.29499038303562225,
    weights: [0.45627264690340597, 0.2707530970017852],
    negativeSum: -1.648945714440647,
  },
  {
    n: 20,
    lambda: 12,
    muEff: 3.729458934303067,
    c1: 0.004372354435160246,
    cMu: 0.009216561776274352,
    cC: 0.17176721127681213,
    weights: [0.4024029428187127, 0.25338908403288657],
    negativeSum: -1.4744019018475782,
  },
  {
    n: 2,
    lambda: 6,
    muEff: 2.0286114646100617,
    c1: 0.1548153998964136,
    cMu: 0.08559277942666424,
    cC: 0.6245545390268264,
    weights: [0.6370425712412168, 0.28457025743803294],
    negativeSum: -2.207323654840602,
  },
  {
    n: 10,
    lambda: 40,
    muEff: 11.30948208893226,
    c1: 0.014388542820040108,
    cMu: 0.12424101011712727,
    cC: 0.3155196710809971,
    weights: [0.16712470149808076, 0.1287718140693217],
    negativeSum: -0.6933060559076122,
  },
] as const;

for (const expected of PYCMA) {
  const { n, lambda } = expected;
  Deno.test(
    `cmaParameters() agrees with pycma for ${n} dimensions and ${lambda} children`,
    PURE,
    () => {
      const parameters = cmaParameters(n, lambda, "full");
      for (const key of ["muEff", "c1", "cMu", "cC"] as const) {
        assertAlmostEquals(parameters[key], expected[key], 1e-14, key);
      }
      expected.weights.forEach((weight, i) =>
        assertAlmostEquals(parameters.weights[i] ?? NaN, weight, 1e-14)
      );
      const negative = parameters.weights.filter((weight) => weight < 0);
      assertAlmostEquals(negative.reduce((a, b) => a + b), expected.negativeSum, 1e-13);
    },
  );
}

Deno.test(
  "cmaParameters() adapts the step size as the tutorial's table 1 says, where pycma still uses older constants",
  PURE,
  () => {
    const { muEff } = PYCMA[0];
    const { cSigma, dSigma, chiN } = cmaParameters(10, 10, "full");
    assertAlmostEquals(cSigma, (muEff + 2) / (10 + muEff + 5), 1e-15);
    assertAlmostEquals(dSigma, 1 + cSigma, 1e-15);
    assertAlmostEquals(chiN, 3.0847265651690123, 1e-14);
    // A large population: 1 + 2 max(0, sqrt((mu_eff - 1) / (n + 1)) - 1) + c_sigma.
    const large = cmaParameters(2, 100, "full");
    const expected = 1 + 2 * (Math.sqrt((large.muEff - 1) / 3) - 1) + large.cSigma;
    assertAlmostEquals(large.dSigma, expected, 1e-14);
  },
);

Deno.test(
  "cmaParameters() learns variances (n + 2) / 3 times as fast, without negative weights",
  PURE,
  () => {
    const full = cmaParameters(100, 17, "full");
    const diagonal = cmaParameters(100, 17, "diagonal");
    assertAlmostEquals(diagonal.c1, full.c1 * 34, 1e-15);
    assertAlmostEquals(diagonal.cMu, full.cMu * 34, 1e-15);
    assert(diagonal.weights.every((weight) => weight >= 0));
  },
);

Deno.test(
  "cmaParameters() stays sound from 1 to 4,096 dimensions and 4 to 100,000 children",
  PURE,
  () => {
    for (const n of [1, 2, 100, 4_096]) {
      for (const lambda of [4, 5, 50, 100_000]) {
        for (const kind of ["full", "diagonal"] as const) {
          const { weights, mu, c1, cMu, cSigma, dSigma, cC } = cmaParameters(n, lambda, kind);
          assertEquals(weights.length, lambda);
          assertAlmostEquals(weights.slice(0, mu).reduce((a, b) => a + b), 1, 1e-9);
          assert(weights.every(Number.isFinite));
          assert(c1 >= 0 && cMu >= 0 && c1 + cMu <= 1 + 1e-12, `${n} ${lambda} ${kind}`);
          assert(cSigma > 0 && cSigma < 1 && dSigma > 0 && cC > 0 && cC <= 1);
        }
      }
    }
  },
);

Deno.test("defaultLambda() is 4 + floor(3 ln n)", PURE, () => {
  assertEquals([1, 2, 10, 20, 40, 100].map(defaultLambda), [4, 6, 10, 12, 15, 17]);
});
