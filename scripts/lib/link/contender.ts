/**
 * What the three contenders of the link benchmark have in common: two connections each, one on which
 * a round of large messages flows one way, one on which a small message goes back and forth.
 */

/** Messages in a one-way round; the far side answers once it has them all. */
export const ROUND_MESSAGES = 1_024;
/** Size of a large message on the raw connection; sealed ones carry as much as fits one record. */
export const LARGE_BYTES = 65_536;
/** Size of the message that is echoed. */
export const SMALL_BYTES = 64;

/** Ports of one contender's far side. */
export interface ContenderPorts {
  readonly sink: number;
  readonly echo: number;
}

/** The near side of one contender. */
export interface Contender {
  /** Bytes of payload in one round of {@link pushRound}. */
  readonly roundBytes: number;
  /** Sends one round; resolves when the far side has taken in all of it. */
  pushRound(): Promise<void>;
  /** Makes `count` round trips, one after another; how long each took, microseconds. */
  echo(count: number): Promise<Float64Array>;
  /** Frees both connections. */
  close(): Promise<void>;
}

/** The far side of one contender. */
export interface Server {
  readonly ports: ContenderPorts;
  close(): void;
}
