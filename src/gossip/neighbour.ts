/**
 * A neighbour: a member that we have a session with.
 */

export interface Neighbour {
  readonly sinceMs: number;
  /** When it last said anything: in a sealed session that proves that it lives. */
  heardMs: number;
  /** How many sessions it has, as it said last. */
  degree: number;
  /** Whether the session is about to end because one side has enough of them. */
  isParting: boolean;
  /** When it last passed on a record that its member did not sign; none of its news is checked for a while. */
  forgedMs: number;
}
