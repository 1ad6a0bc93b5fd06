/**
 * What is counted of files that come and go, for the owner's metrics.
 */

export interface TransferCounters {
  /** Whole, verified and kept. */
  completed: number;
  /** Refused, broken off or damaged; one that is resumed and then ends well counts as one of each. */
  failed: number;
  /** Sizes of the completed files, those that were there already included. */
  completedBytes: number;
  /** Under way now. */
  active: number;
}

export function newTransferCounters(): TransferCounters {
  return { completed: 0, failed: 0, completedBytes: 0, active: 0 };
}
