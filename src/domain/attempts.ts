import type { ScanFacts, TaskFacts, TransactionFacts } from './facts.ts';

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
  /** 1-based, in order of the vendor's `created`. */
  readonly ordinal: number;
  readonly attemptedAt: Date;
  readonly timeBasis: TimeBasis;
  readonly evidence: Evidence;
  /** `null` = success. For a task without scan list: its state where that is not `completed`. */
  readonly code: string | null;
  readonly linked: boolean | null;
  readonly captureSource: string | null;
};

/** What earlier answers said of one task's scans, for the case that a later answer lists none. */
export type KnownScans = {
  readonly listed: number;
  /** Of those that were listed. */
  readonly invoiced: number;
  readonly unclassified: number;
  /** The vendor's own counts, the greatest so far. */
  readonly attempts?: number | null;
  readonly attemptsInvoiced?: number | null;
};

const pending = 'pending';
const completed = 'completed';

/** Whether an answer about a document scan came without the list that its counters, or else its state, promise. */
export function isScanListMissing(task: TaskFacts): boolean {
  if (task.type !== 'document_scan') return false;
  if (task.scans === null) return true;
  if (task.scans.length > 0) return false;
  const counted = task.attempts ?? task.attemptsInvoiced;
  return counted === null ? task.state === completed : counted > 0;
}

/**
 * All attempts that a transaction's details prove, in order of task and ordinal.
 *
 * @param known per task type what was listed before; needed only where {@link isScanListMissing}.
 */
export function attemptsOf(facts: TransactionFacts, known: ReadonlyMap<string, KnownScans> = new Map()): Attempt[] {
  return facts.tasks.flatMap((task) => {
    if (isScanListMissing(task)) return countedAttempts(facts, task, known.get(task.type));
    if (task.scans !== null && (task.type === 'document_scan' || task.scans.length > 0)) return listedAttempts(task);
    return executedTask(facts, task);
  });
}

function listedAttempts(task: TaskFacts): Attempt[] {
  return (task.scans ?? []).map((scan: ScanFacts, index) => ({
    taskType: task.type,
    ordinal: index + 1,
    attemptedAt: scan.createdAt,
    timeBasis: 'scan_created',
    evidence: 'scan_list',
    code: scan.code,
    linked: scan.linked,
    captureSource: scan.source,
  }));
}

/** A face task is one attempt once it was executed; a task still `pending` was not (INF). */
function executedTask(facts: TransactionFacts, task: TaskFacts): Attempt[] {
  if (task.state === pending) return [];
  const isCompleted = facts.state === completed;
  return [
    {
      ...unlisted(facts, task, 1),
      evidence: isCompleted ? 'task_completed_transaction' : 'task_open_transaction',
      code: task.state === completed ? null : (task.state ?? '(missing)'),
    },
  ];
}

/**
 * Falls back on the counter where the scans themselves are not listed. Scans listed earlier keep their ordinals and
 * are not repeated here; the rest of the counter is spread over the ordinals after them.
 */
function countedAttempts(facts: TransactionFacts, task: TaskFacts, known: KnownScans = nothingKnown): Attempt[] {
  const { listed, invoiced, unclassified } = known;
  const { attempts, attemptsInvoiced } = greatestCounters(task, known);
  const atLeastOne = task.state === completed ? 1 : 0;
  // Once as many were listed as the vendor counts, a larger count of invoiced ones is a difference, not an attempt.
  const isListed = attempts !== null && listed > 0 && listed >= attempts;
  const total = Math.max(attempts ?? 0, isListed ? 0 : (attemptsInvoiced ?? 0), atLeastOne);
  const extra = Math.max(0, total - listed);
  const extraInvoiced = attemptsInvoiced === null ? null : attemptsInvoiced - invoiced;
  const isTold =
    attempts !== null && extraInvoiced !== null && unclassified === 0 && extraInvoiced >= 0 && extraInvoiced <= extra;
  return Array.from({ length: extra }, (_, index) => ({
    ...unlisted(facts, task, listed + index + 1),
    evidence: !isTold ? 'count_only' : index < extraInvoiced ? 'counter_invoiced' : 'counter_not_invoiced',
    code: '(not listed)',
  }));
}

const nothingKnown: KnownScans = { listed: 0, invoiced: 0, unclassified: 0 };

/** An answer may come from a copy that lags behind: counts that were larger before still hold. */
function greatestCounters(task: TaskFacts, known: KnownScans): Pick<TaskFacts, 'attempts' | 'attemptsInvoiced'> {
  if (task.attempts === null && task.attemptsInvoiced === null)
    return { attempts: known.attempts ?? null, attemptsInvoiced: known.attemptsInvoiced ?? null };
  const greatest = (now: number | null, before: number | null | undefined) =>
    now === null ? null : Math.max(now, before ?? 0);
  return {
    attempts: greatest(task.attempts, known.attempts),
    attemptsInvoiced: greatest(task.attemptsInvoiced, known.attemptsInvoiced),
  };
}

function unlisted(facts: TransactionFacts, task: TaskFacts, ordinal: number): Omit<Attempt, 'evidence' | 'code'> {
  return { taskType: task.type, ordinal, linked: null, captureSource: null, ...unlistedTime(facts) };
}

/**
 * The time of an attempt that has none of its own: the transaction's `completed`; where that never came, the last scan
 * (face tasks follow it within minutes), else the transaction's start. The basis is kept, so the reader sees which.
 */
function unlistedTime(facts: TransactionFacts): Pick<Attempt, 'attemptedAt' | 'timeBasis'> {
  if (facts.completedAt) return { attemptedAt: facts.completedAt, timeBasis: 'transaction_completed' };
  const scanTimes = facts.tasks.flatMap((task) => task.scans ?? []).map((scan) => scan.createdAt.getTime());
  if (scanTimes.length > 0)
    return {
      attemptedAt: new Date(scanTimes.reduce((a, b) => Math.max(a, b))),
      timeBasis: 'last_scan_created',
    };
  return { attemptedAt: facts.createdAt, timeBasis: 'transaction_created' };
}
