import type { Attempt, Evidence } from './attempts.ts';
import type { Decision } from './classify.ts';
import type { KnownAttempt, KnownTask, KnownTransaction } from './known-transaction.ts';

const pending = 'pending';
const completed = 'completed';

type WithoutTasks = Omit<KnownTransaction, 'tasks'>;

/** Puts in what no list says: executed tasks, and what stands in for scans that are counted and not listed. */
export function withUnlisted(
  transaction: WithoutTasks,
  tasks: readonly KnownTask[],
  decide: (attempt: Attempt) => Decision,
): KnownTask[] {
  const time = unlistedTime(transaction, tasks);
  return tasks.map((task) => {
    const listed = task.known.filter(({ evidence }) => evidence === 'scan_list');
    const places = task.known.filter(({ evidence }) => evidence !== 'scan_list');
    const evidences = task.isListMissing
      ? standIns(task, listed)
      : task.type !== 'document_scan' && listed.length === 0 && task.state !== pending
        ? [executed(transaction)]
        : [];
    let last = task.known.reduce((most, { ordinal }) => Math.max(most, ordinal), 0);
    const code = task.isListMissing ? '(not listed)' : task.state === completed ? null : (task.state ?? '(missing)');
    const unlisted = givenTo(places, evidences).map(({ place, evidence }): KnownAttempt => {
      const ordinal = place?.ordinal ?? (last += 1);
      const attempt = { taskType: task.type, ordinal, linked: null, captureSource: null, evidence, code, ...time };
      return { ...attempt, ...decide(attempt), formerTimes: [], fence: task.fence };
    });
    return { ...task, known: inOrder([...listed, ...unlisted]) };
  });
}

export const inOrder = (attempts: readonly KnownAttempt[]): KnownAttempt[] =>
  [...attempts].sort((a, b) => a.ordinal - b.ordinal);

/** Once the transaction is completed every task was executed (DOC), before that only its state tells. */
const executed = ({ state }: Pick<KnownTransaction, 'state'>): Evidence =>
  state === completed ? 'task_completed_transaction' : 'task_open_transaction';

/**
 * Gives each piece of evidence to an attempt that is known for it, where there is one, else to any, else to a new one.
 * What is one too many is the last: ordinals have no holes.
 */
function givenTo(
  places: readonly KnownAttempt[],
  evidences: readonly Evidence[],
): { place: KnownAttempt | undefined; evidence: Evidence }[] {
  const free = places.slice(0, evidences.length);
  const take = (isMeant: (place: KnownAttempt) => boolean): KnownAttempt | undefined => {
    const index = free.findIndex(isMeant);
    return index < 0 ? undefined : free.splice(index, 1)[0];
  };
  return evidences
    .map((evidence) => ({ evidence, place: take((place) => place.evidence === evidence) }))
    .map(({ evidence, place }) => ({ evidence, place: place ?? take(() => true) }));
}

/**
 * What stands in for the scans that are not listed: as many as the vendor counts beside those that are, and as many of
 * them invoiced as its counter says in total.
 */
function standIns(task: KnownTask, listed: readonly KnownAttempt[]): Evidence[] {
  const { attempts, attemptsInvoiced, state } = task;
  const atLeastOne = attempts === null && state === completed ? 1 : 0;
  // Once as many were listed as the vendor counts, a larger count of invoiced ones is a difference, not an attempt.
  const isListed = attempts !== null && listed.length > 0 && listed.length >= attempts;
  const total = Math.max(attempts ?? 0, isListed ? 0 : (attemptsInvoiced ?? 0), atLeastOne);
  const extra = Math.max(0, total - listed.length);
  const isUndecided = listed.some(({ invoiced, code }) => invoiced === null || code === 'processing');
  const extraInvoiced =
    attemptsInvoiced === null ? null : attemptsInvoiced - listed.filter(({ invoiced }) => invoiced).length;
  const isTold =
    attempts !== null && extraInvoiced !== null && !isUndecided && extraInvoiced >= 0 && extraInvoiced <= extra;
  return Array.from({ length: extra }, (_, index) =>
    !isTold ? 'count_only' : index < extraInvoiced ? 'counter_invoiced' : 'counter_not_invoiced',
  );
}

/**
 * The time of an attempt that has none of its own: the transaction's `completed`; where that never came, the last scan
 * (face tasks follow it within minutes), else the transaction's start. The basis is kept, so the reader sees which.
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
