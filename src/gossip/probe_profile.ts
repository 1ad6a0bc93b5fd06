/**
 * How often members are probed and how patient the village is with them.
 *
 * Names and shapes are those of SWIM (Das, Gupta, Motivala 2002) and Lifeguard (Dadgar, Phillips, Currey 2018,
 * arXiv:1707.00788); probe interval, timeout and the number of indirect probes are memberlist's.
 */

/** `lan`: on mains and on the LAN. `wan`: on battery, or far away. */
export type Pace = "lan" | "wan";

export interface ProbeProfile {
  readonly pace: Pace;
  /** SWIM's protocol period T': one probe in each. A shorter one finds failures sooner and costs messages. */
  readonly intervalMs: number;
  /** How long a direct probe may take before others are asked for help. */
  readonly timeoutMs: number;
}

export const LAN_PROFILE: ProbeProfile = Object.freeze({
  pace: "lan",
  intervalMs: 1_000,
  timeoutMs: 500,
});

export const WAN_PROFILE: ProbeProfile = Object.freeze({
  pace: "wan",
  intervalMs: 5_000,
  timeoutMs: 3_000,
});

/** The profile of a pace. */
export function profileOf(pace: Pace): ProbeProfile {
  return pace === "wan" ? WAN_PROFILE : LAN_PROFILE;
}

/** SWIM's k: others who are asked to probe a member that did not answer. */
export const INDIRECT_PROBES = 3;
