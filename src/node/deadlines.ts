/**
 * How long a peer may take before its connection is closed (PROTOCOL.md sections 1 and 4).
 */

/** All in ms. */
export interface ConversationDeadlines {
  /** From the connection to its first 5 bytes. */
  readonly firstBytesMs: number;
  /** From a frame's first byte to its last. */
  readonly frameMs: number;
  /** Silence before authentication. */
  readonly idleMs: number;
  readonly handshakeMs: number;
  /**
   * Silence of a sealed session after which the peer is asked for a sign of life, and how long it may take
   * to give one: together the time in which a dead peer is noticed.
   */
  readonly keepaliveMs: number;
  readonly probeMs: number;
  /** Silence of a peer that cannot be asked, three times the interval at which a live one reports. */
  readonly silenceMs: number;
}

export const DEFAULT_DEADLINES: ConversationDeadlines = Object.freeze({
  firstBytesMs: 5_000,
  frameMs: 10_000,
  idleMs: 30_000,
  handshakeMs: 5_000,
  keepaliveMs: 15_000,
  probeMs: 10_000,
  silenceMs: 90_000,
});
