/**
 * A controller that balances a pole on a cart, evolved from nothing: A. G. Barto, R. S. Sutton, C. W. Anderson,
 * "Neuronlike Adaptive Elements That Can Solve Difficult Learning Control Problems" (1983), with its equations, frictions
 * and masses, in Euler steps of 0.02 s. A genome is the weights of a network of four inputs, four tanh units and one
 * output, whose sign pushes the cart left or right. Its fitness is how many steps it balances, at most 500, on average over
 * 100 starts near upright: 500 is solved.
 *
 *     hamlet evolve scripts/examples/cartpole.ts --time 5m
 */

const HIDDEN = 4;
const INPUTS = 4;
/** Weights and biases of the hidden units, then of the output. */
const WEIGHTS = HIDDEN * (INPUTS + 1) + HIDDEN + 1;
const STARTS = 100;
const MAX_STEPS = 500;

const GRAVITY = 9.8;
const CART_KG = 1;
const POLE_KG = 0.1;
/** Half of its length. */
const POLE_M = 0.5;
const CART_FRICTION = 0.0005;
const POLE_FRICTION = 0.000002;
const FORCE_N = 10;
const STEP_S = 0.02;
const MAX_X_M = 2.4;
const MAX_ANGLE = 12 * Math.PI / 180;
/** Each part of a start's state is within it. */
const START_RANGE = 0.05;

interface State {
  readonly x: number;
  readonly speed: number;
  /** From upright, in radians. */
  readonly angle: number;
  readonly turning: number;
}

export function describe() {
  return {
    name: "cartpole",
    dims: WEIGHTS,
    bounds: [-5, 5],
    direction: "maximize",
    target: MAX_STEPS,
  };
}

/** Steps of balance, on average over the starts, which are the same for every genome of a job. */
export function evaluate(genome: readonly number[], context: { readonly seed?: number }): number {
  const random = randomOf(context.seed ?? 0);
  let steps = 0;
  for (let i = 0; i < STARTS; i++) steps += balance(genome, startOf(random));
  return steps / STARTS;
}

/** How many steps the pole stays up, at most {@link MAX_STEPS}. */
export function balance(genome: readonly number[], start: State): number {
  let state = start;
  for (let step = 0; step < MAX_STEPS; step++) {
    state = stepOf(state, outputOf(genome, state) > 0 ? FORCE_N : -FORCE_N);
    if (Math.abs(state.x) > MAX_X_M || Math.abs(state.angle) > MAX_ANGLE) return step;
  }
  return MAX_STEPS;
}

/** The equations of the paper's appendix. */
export function stepOf({ x, speed, angle, turning }: State, force: number): State {
  const total = CART_KG + POLE_KG;
  const sin = Math.sin(angle);
  const cos = Math.cos(angle);
  const swing = POLE_KG * POLE_M * turning * turning * sin;
  const pushed = (-force - swing + CART_FRICTION * Math.sign(speed)) / total;
  const turned = GRAVITY * sin + cos * pushed - POLE_FRICTION * turning / (POLE_KG * POLE_M);
  const twist = turned / (POLE_M * (4 / 3 - POLE_KG * cos * cos / total));
  const push = force + swing - POLE_KG * POLE_M * twist * cos - CART_FRICTION * Math.sign(speed);
  return {
    x: x + STEP_S * speed,
    speed: speed + STEP_S * push / total,
    angle: angle + STEP_S * turning,
    turning: turning + STEP_S * twist,
  };
}

/** The network's output; its inputs are scaled to about one. */
function outputOf(genome: readonly number[], state: State): number {
  const inputs = [state.x / MAX_X_M, state.speed, state.angle / MAX_ANGLE, state.turning];
  let at = 0;
  const next = () => genome[at++] ?? 0;
  const hidden = Array.from({ length: HIDDEN }, () => {
    const sum = inputs.reduce((total, input) => total + input * next(), next());
    return Math.tanh(sum);
  });
  return hidden.reduce((total, unit) => total + unit * next(), next());
}

function startOf(random: () => number): State {
  const near = () => (2 * random() - 1) * START_RANGE;
  return { x: near(), speed: near(), angle: near(), turning: near() };
}

/** Numbers in [0, 1) from a seed: a linear congruential generator (D. H. Lehmer; S. K. Park, K. W. Miller, 1988). */
function randomOf(seed: number): () => number {
  let state = 1 + Math.abs(Math.trunc(seed)) % 0x7fff_fffe;
  return () => {
    state = state * 48_271 % 0x7fff_ffff;
    return state / 0x7fff_ffff;
  };
}
