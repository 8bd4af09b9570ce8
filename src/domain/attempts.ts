/**
 * How an attempt is known:
 * - `scan_list`: an entry of `documentScans[]`. Its code decides it.
 * - `task_completed_transaction`: a task without a scan list in a completed transaction. Every task of a completed
 *   transaction was executed (DOC).
 * - `task_open_transaction`: a task without a scan list that has left `pending` in a transaction that is not completed.
 *   Only its state says whether it was executed.
 * - `counter_invoiced`, `counter_not_invoiced`: the scan list is missing; the vendor's counter says how many are
 *   invoiced.
 * - `count_only`: the scan list is missing; nothing says whether the attempt is invoiced.
 */
export const evidences = [
  'scan_list',
  'task_completed_transaction',
  'task_open_transaction',
  'counter_invoiced',
  'counter_not_invoiced',
  'count_only',
] as const;
export type Evidence = (typeof evidences)[number];

/**
 * Which of the vendor's times an attempt's time is. The last two are substitutes until the vendor gives a `completed`.
 */
export const timeBases = ['scan_created', 'transaction_completed', 'last_scan_created', 'transaction_created'] as const;
export type TimeBasis = (typeof timeBases)[number];

/** One chargeable event. Its key is (transaction, task type, ordinal). */
export type Attempt = {
  readonly taskType: string;
  /**
   * Counts a task's attempts from 1, in the order in which they became known; within one answer, by the vendor's
   * `created`. Never changes.
   */
  readonly ordinal: number;
  readonly attemptedAt: Date;
  readonly timeBasis: TimeBasis;
  readonly evidence: Evidence;
  /** `null` = success. For a task without a scan list: its state, or `null` if that is `completed`. */
  readonly code: string | null;
  readonly linked: boolean | null;
  readonly captureSource: string | null;
};
