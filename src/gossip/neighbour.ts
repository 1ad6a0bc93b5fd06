/**
 * A neighbour: a member that we have a session with.
 */

export interface Neighbour {
  readonly sinceMs: number;
  /** When it last said anything: in a sealed session that proves that it lives. */
  heardMs: number;
  /**
   * When one of us last probed the other. What it tells everybody is no probe: all its neighbours hear that at one moment,
   * and if they counted from it, all would wait for their next turn while it is dead.
   */
  probedMs: number;
  /** The ping that it has not answered yet, and when it left. */
  ping?: { readonly seq: number; readonly sentMs: number } | undefined;
  /** How many sessions it has, as it said last. */
  degree: number;
  /** Whether the session is about to end because one side has enough of them. */
  isParting: boolean;
  /** When it last passed on a record that its member did not sign; none of its news is checked for a while. */
  forgedMs: number;
}
