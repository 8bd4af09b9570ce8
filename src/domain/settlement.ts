import type { TransactionFacts } from './facts.ts';
import type { KnownTransaction } from './known-transaction.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/**
 * After `expires` the vendor may still be finishing what the user began. A transaction is not settled by expiry before
 * this has passed.
 */
export const expiryGraceMs = 15 * minuteMs;
/**
 * An open transaction is fetched once more this long before `expires`, because the vendor drops attempts' files then.
 */
export const expiryLeadMs = 5 * minuteMs;
/** A transaction with a scan in `processing` is fetched again after this long. */
export const processingPollMs = 2 * minuteMs;
/**
 * The longest life of a transaction (DOC: `expiresIn` is 3600 to 86400 seconds), used if an answer has no `expires`.
 */
export const longestLifeMs = 24 * hourMs;

/**
 * When to fetch a settled transaction with contradictory answers again, counted from the time at which it became final.
 * After the last fetch the vendor's answer is accepted and the difference is reported.
 */
const secondFetchesMs: readonly number[] = [hourMs, 24 * hourMs, 7 * 24 * hourMs];

/** When to fetch a settled transaction with contradictory answers again; `null` = never. */
export function secondFetchAt(createdAt: Date, expiresAt: Date | null, fetchedAt: Date): Date | null {
  const finalMs = settledFrom(createdAt, expiresAt).getTime();
  const nextMs = secondFetchesMs.map((afterMs) => finalMs + afterMs).find((ms) => ms > fetchedAt.getTime());
  return nextMs === undefined ? null : new Date(nextMs);
}

/** Whether another fetch may help: the answer lists fewer scans than it counts, or what is known is contradictory. */
export const isWorthAnotherFetch = (facts: TransactionFacts, merged: KnownTransaction): boolean =>
  isContradictory(merged) ||
  facts.tasks.some(
    ({ type, scans, attempts, attemptsInvoiced }) =>
      type === 'document_scan' && (scans?.length ?? 0) < (attempts ?? attemptsInvoiced ?? 0),
  );

/**
 * Whether the vendor's statements contradict each other: fewer scans listed than counted, entries listed twice, or a
 * face task that is still `pending` in a completed transaction.
 */
function isContradictory({ state, tasks }: KnownTransaction): boolean {
  return tasks.some(({ type, known, listedTwice, ...task }) => {
    if (type !== 'document_scan') return state === 'completed' && task.state === 'pending';
    const listed = known.filter(({ evidence }) => evidence === 'scan_list').length;
    const counted = task.attempts ?? task.attemptsInvoiced ?? (task.state === 'completed' ? 1 : 0);
    return listed < counted || listedTwice > 0;
  });
}

/** Whether a transaction is settled; if not, when to fetch it again. */
export type Settlement = { readonly settled: true } | { readonly settled: false; readonly nextFetchAt: Date };

/**
 * Decides whether anything about a transaction can still change. A scan that the last answer omits is still known and
 * may still be decided.
 *
 * @param facts the last answer.
 * @param merged what is known, including that answer.
 * @param fetchedAt when the request for `facts` began.
 */
export function settlementOf(facts: TransactionFacts, merged: KnownTransaction, fetchedAt: Date): Settlement {
  const finalMs = settledFrom(merged.createdAt ?? facts.createdAt, merged.expiresAt).getTime();
  const nowMs = fetchedAt.getTime();
  if (nowMs >= finalMs) return { settled: true };
  const isProcessing = merged.tasks.some(({ known }) => known.some(({ code }) => code === 'processing'));
  if (facts.state === 'completed' && !isProcessing) return { settled: true };
  const leadMs = finalMs - expiryGraceMs - expiryLeadMs;
  const nextMs = nowMs < leadMs ? leadMs : finalMs;
  return { settled: false, nextFetchAt: new Date(isProcessing ? Math.min(nowMs + processingPollMs, nextMs) : nextMs) };
}

/**
 * Why a transaction is settled or not:
 * - `not_fetched`: not settled; no answer was stored yet.
 * - `completed`: settled; it is completed and none of its scans is in `processing`.
 * - `expired`: settled; it was fetched after it could not change any more.
 * - `scan_processing`: not settled; the vendor is still processing a scan.
 * - `not_completed`: not settled; its user may go on until it expires.
 * - `to_be_confirmed`: not settled; it is completed, but the last answer did not say so.
 */
export type SettlementReason =
  | 'not_fetched'
  | 'completed'
  | 'expired'
  | 'scan_processing'
  | 'not_completed'
  | 'to_be_confirmed';

/** Why a stored transaction is settled or not. The counterpart of {@link settlementOf}. */
export function settlementReason(stored: {
  readonly state: string | null;
  readonly settled: boolean;
  readonly isProcessing: boolean;
}): SettlementReason {
  if (stored.state === null) return 'not_fetched';
  const isCompleted = stored.state === 'completed';
  if (stored.settled) return isCompleted && !stored.isProcessing ? 'completed' : 'expired';
  if (stored.isProcessing) return 'scan_processing';
  return isCompleted ? 'to_be_confirmed' : 'not_completed';
}

/** The time from which one fetch settles a transaction, whatever its state. */
export function settledFrom(createdAt: Date, expiresAt: Date | null): Date {
  return new Date((expiresAt?.getTime() ?? createdAt.getTime() + longestLifeMs) + expiryGraceMs);
}
