/**
 * What an attempt rests on:
 * - `scan_list`: an entry of `documentScans[]`; decided by its code.
 * - `task_completed_transaction`, `task_open_transaction`: a task without a scan list that is no longer pending;
 *   once the transaction is completed every task was executed (DOC), before that only its state tells.
 * - `counter_invoiced`, `counter_not_invoiced`: the list is missing and the vendor's counter says how many.
 * - `count_only`: the list is missing and nothing says whether the attempt is invoiced.
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

/** Which of the vendor's times an attempt's own time is. The last two stand in where the vendor gives none. */
export const timeBases = ['scan_created', 'transaction_completed', 'last_scan_created', 'transaction_created'] as const;
export type TimeBasis = (typeof timeBases)[number];

/** One chargeable event. Its key is (transaction, task type, ordinal). */
export type Attempt = {
  readonly taskType: string;
  /**
   * Counts the attempts of a task from 1, in the order in which they became known, by the vendor's `created` within one
   * answer. Once given it stays.
   */
  readonly ordinal: number;
  readonly attemptedAt: Date;
  readonly timeBasis: TimeBasis;
  readonly evidence: Evidence;
  /** `null` = success. For a task without scan list: its state where that is not `completed`. */
  readonly code: string | null;
  readonly linked: boolean | null;
  readonly captureSource: string | null;
};
