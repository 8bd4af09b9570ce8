import type { Attempt, Evidence } from './attempts.ts';
import type { Decision } from './classify.ts';
import type { KnownAttempt, KnownTask, KnownTransaction } from './known-transaction.ts';

const pending = 'pending';
const completed = 'completed';

type WithoutTasks = Omit<KnownTransaction, 'tasks'>;

/**
 * Adds the attempts that no list contains: executed tasks, and substitutes for scans that are counted but not listed.
 */
export function withUnlisted(
  transaction: WithoutTasks,
  tasks: readonly KnownTask[],
  decide: (attempt: Attempt) => Decision,
): KnownTask[] {
  const time = unlistedTime(transaction, tasks);
  return tasks.map((task) => {
    const listed = task.known.filter(({ evidence }) => evidence === 'scan_list');
    const knownUnlisted = task.known.filter(({ evidence }) => evidence !== 'scan_list');
    const evidences = task.isListMissing
      ? unlistedEvidences(task, listed)
      : task.type !== 'document_scan' && listed.length === 0 && task.state !== pending
        ? [executed(transaction)]
        : [];
    let last = task.known.reduce((most, { ordinal }) => Math.max(most, ordinal), 0);
    const code = task.isListMissing ? '(not listed)' : task.state === completed ? null : (task.state ?? '(missing)');
    const unlisted = assigned(knownUnlisted, evidences).map(({ known, evidence }): KnownAttempt => {
      const ordinal = known?.ordinal ?? (last += 1);
      const attempt = { taskType: task.type, ordinal, linked: null, captureSource: null, evidence, code, ...time };
      return { ...attempt, ...decide(attempt), formerTimes: [], fence: task.fence };
    });
    return { ...task, known: inOrder([...listed, ...unlisted]) };
  });
}

export const inOrder = (attempts: readonly KnownAttempt[]): KnownAttempt[] =>
  [...attempts].sort((a, b) => a.ordinal - b.ordinal);

/** In a completed transaction every task was executed (DOC). In any other, only the task's state says so. */
const executed = ({ state }: Pick<KnownTransaction, 'state'>): Evidence =>
  state === completed ? 'task_completed_transaction' : 'task_open_transaction';

/**
 * Assigns each piece of evidence to a known attempt: one with that evidence if there is one, else any other, else a new
 * one. Surplus attempts are dropped from the end, so that ordinals have no gaps.
 */
function assigned(
  knownUnlisted: readonly KnownAttempt[],
  evidences: readonly Evidence[],
): { known: KnownAttempt | undefined; evidence: Evidence }[] {
  const free = knownUnlisted.slice(0, evidences.length);
  const take = (matches: (known: KnownAttempt) => boolean): KnownAttempt | undefined => {
    const index = free.findIndex(matches);
    return index < 0 ? undefined : free.splice(index, 1)[0];
  };
  return evidences
    .map((evidence) => ({ evidence, known: take((known) => known.evidence === evidence) }))
    .map(({ evidence, known }) => ({ evidence, known: known ?? take(() => true) }));
}

/**
 * The evidence of the scans that are not listed: one for each scan that the vendor counts beyond the listed ones, and
 * as many of them invoiced as its counter of invoiced scans requires.
 */
function unlistedEvidences(task: KnownTask, listed: readonly KnownAttempt[]): Evidence[] {
  const { attempts, attemptsInvoiced, state } = task;
  const atLeastOne = attempts === null && state === completed ? 1 : 0;
  // Once all counted scans are listed, a larger count of invoiced ones is a difference, not another attempt.
  const isListed = attempts !== null && listed.length > 0 && listed.length >= attempts;
  const total = Math.max(attempts ?? 0, isListed ? 0 : (attemptsInvoiced ?? 0), atLeastOne);
  const extra = Math.max(0, total - listed.length);
  const isUndecided = listed.some(({ invoiced, code }) => invoiced === null || code === 'processing');
  const extraInvoiced =
    attemptsInvoiced === null ? null : attemptsInvoiced - listed.filter(({ invoiced }) => invoiced).length;
  const isCounterUsable =
    attempts !== null && extraInvoiced !== null && !isUndecided && extraInvoiced >= 0 && extraInvoiced <= extra;
  return Array.from({ length: extra }, (_, index) =>
    !isCounterUsable ? 'count_only' : index < extraInvoiced ? 'counter_invoiced' : 'counter_not_invoiced',
  );
}

/**
 * The time of an attempt that has none of its own: the transaction's `completed`, else the last scan (face tasks follow
 * it within minutes), else the transaction's `created`. `timeBasis` records which one it is.
 */
function unlistedTime(
  { completedAt, createdAt }: WithoutTasks,
  tasks: readonly KnownTask[],
): Pick<Attempt, 'attemptedAt' | 'timeBasis'> {
  if (completedAt) return { attemptedAt: completedAt, timeBasis: 'transaction_completed' };
  const scans = tasks.flatMap(({ known }) => known).filter(({ timeBasis }) => timeBasis === 'scan_created');
  if (scans.length > 0)
    return {
      attemptedAt: new Date(scans.reduce((latest, { attemptedAt }) => Math.max(latest, attemptedAt.getTime()), 0)),
      timeBasis: 'last_scan_created',
    };
  return { attemptedAt: createdAt ?? new Date(0), timeBasis: 'transaction_created' };
}
