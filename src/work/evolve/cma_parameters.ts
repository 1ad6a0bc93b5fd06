/**
 * The strategy parameters of CMA-ES: table 1 of N. Hansen, "The CMA Evolution Strategy: A Tutorial"
 * (arXiv:1604.00772), negative weights (active CMA) included. For separable CMA-ES the learning rates are those times
 * (n + 2) / 3, with positive weights only (R. Ros, N. Hansen, "A Simple Modification in CMA-ES Achieving Linear Time and
 * Space Complexity", PPSN 2008, section 3). The letters are the papers'.
 */

/** Which covariances are learned: all, or variances only. */
export type CovarianceKind = "full" | "diagonal";

export interface CmaParameters {
  readonly n: number;
  /** Population size. */
  readonly lambda: number;
  /** Those of the population that the mean follows. */
  readonly mu: number;
  /** One weight for each rank, best first: the first `mu` sum to 1, the others are negative or 0. */
  readonly weights: readonly number[];
  readonly muEff: number;
  readonly cSigma: number;
  readonly dSigma: number;
  readonly cC: number;
  readonly c1: number;
  readonly cMu: number;
  /** The expected length of a normal vector, by the tutorial's approximation. */
  readonly chiN: number;
}

/** The default population size for `n` dimensions. */
export function defaultLambda(n: number): number {
  return 4 + Math.floor(3 * Math.log(n));
}

export function cmaParameters(n: number, lambda: number, kind: CovarianceKind): CmaParameters {
  const raw = Array.from(
    { length: lambda },
    (_, i) => Math.log((lambda + 1) / 2) - Math.log(i + 1),
  );
  const mu = Math.floor(lambda / 2);
  const muEff = effective(raw.slice(0, mu));
  const boost = kind === "diagonal" ? (n + 2) / 3 : 1;
  const c1 = Math.min(1, boost * 2 / ((n + 1.3) ** 2 + muEff));
  const cMu = Math.min(
    1 - c1,
    boost * 2 * (0.25 + muEff - 2 + 1 / muEff) / ((n + 2) ** 2 + muEff),
  );
  const cSigma = (muEff + 2) / (n + muEff + 5);
  const rest = { n, muEff, c1, cMu, muEffMinus: effective(raw.slice(mu)) };
  return {
    n,
    lambda,
    mu,
    weights: scaledWeights(raw, mu, kind === "full" ? sumOfNegatives(rest) : 0),
    muEff,
    cSigma,
    dSigma: 1 + 2 * Math.max(0, Math.sqrt((muEff - 1) / (n + 1)) - 1) + cSigma,
    cC: (4 + muEff / n) / (n + 4 + 2 * muEff / n),
    c1,
    cMu,
    chiN: Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)),
  };
}

function effective(weights: readonly number[]): number {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const squares = weights.reduce((total, weight) => total + weight * weight, 0);
  return squares === 0 ? 0 : sum * sum / squares;
}

/** What the negative weights' sizes sum to: equations 50 to 52. */
function sumOfNegatives(
  { n, muEff, muEffMinus, c1, cMu }: {
    n: number;
    muEff: number;
    muEffMinus: number;
    c1: number;
    cMu: number;
  },
): number {
  return Math.min(
    1 + c1 / cMu,
    1 + 2 * muEffMinus / (muEff + 2),
    (1 - c1 - cMu) / (n * cMu),
  );
}

function scaledWeights(raw: readonly number[], mu: number, negativeSum: number): number[] {
  const positive = raw.slice(0, mu).reduce((total, weight) => total + weight, 0);
  const negative = raw.reduce((total, weight) => total + Math.max(0, -weight), 0);
  return raw.map((weight) =>
    weight >= 0 ? weight / positive : negative === 0 ? 0 : weight * negativeSum / negative
  );
}
