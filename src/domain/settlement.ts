import type { TransactionFacts } from './facts.ts';
import type { KnownTransaction } from './known-transaction.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** After `expires` the vendor may still be finishing what the user began; nothing is settled before this has passed. */
export const expiryGraceMs = 15 * minuteMs;
/** How long before `expires` an open transaction is fetched once more: after it the vendor drops the attempts' files. */
export const expiryLeadMs = 5 * minuteMs;
/** How soon a scan that the vendor is still working on is asked for again. */
export const processingPollMs = 2 * minuteMs;
/** The longest life of a transaction (DOC: `expiresIn` is 3600 to 86400 seconds), for answers without `expires`. */
export const longestLifeMs = 24 * hourMs;

/**
 * How long after nothing can change any more a transaction is asked for again whose answers contradict themselves. After
 * the last of them the vendor is taken at its word, and the difference reported.
 */
export const secondFetchesMs: readonly number[] = [hourMs, 24 * hourMs, 7 * 24 * hourMs];

/** When a settled transaction that contradicts itself is asked for again; `null` = no more. */
export function secondFetchAt(createdAt: Date, expiresAt: Date | null, fetchedAt: Date): Date | null {
  const finalMs = settledFrom(createdAt, expiresAt).getTime();
  const nextMs = secondFetchesMs.map((afterMs) => finalMs + afterMs).find((ms) => ms > fetchedAt.getTime());
  return nextMs === undefined ? null : new Date(nextMs);
}

/**
 * Whether a transaction is worth asking for again: the answer lists fewer scans than it counts itself, or what is known
 * contradicts itself.
 */
export const isWorthAnotherFetch = (facts: TransactionFacts, merged: KnownTransaction): boolean =>
  isContradictory(merged) ||
  facts.tasks.some(
    ({ type, scans, attempts, attemptsInvoiced }) =>
      type === 'document_scan' && (scans?.length ?? 0) < (attempts ?? attemptsInvoiced ?? 0),
  );

/**
 * Whether what the vendor said of a transaction contradicts itself, fewer scans listed
 * than counted, or a face task that is still pending in a completed transaction.
 */
function isContradictory({ state, tasks }: KnownTransaction): boolean {
  return tasks.some(({ type, known, listedTwice, ...task }) => {
    if (type !== 'document_scan') return state === 'completed' && task.state === 'pending';
    const listed = known.filter(({ evidence }) => evidence === 'scan_list').length;
    const counted = task.attempts ?? task.attemptsInvoiced ?? (task.state === 'completed' ? 1 : 0);
    return listed < counted || listedTwice > 0;
  });
}

/** When a transaction's books are final, or when to fetch again. */
export type Settlement = { readonly settled: true } | { readonly settled: false; readonly nextFetchAt: Date };

/**
 * Decides whether anything about a transaction can still change. A scan that an answer leaves out is still known, and may
 * still be decided.
 *
 * @param facts the last answer.
 * @param merged what is known with it.
 * @param fetchedAt when the request for these facts began.
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
 * Why a transaction is settled, or not yet:
 * - `not_fetched`: nothing is known of it.
 * - `completed`: settled; completed, and the vendor works on none of its scans.
 * - `expired`: settled; fetched when it could not change any more.
 * - `scan_processing`: not settled; the vendor still works on a scan.
 * - `not_completed`: not settled; its user may still go on, until it expires.
 * - `to_be_confirmed`: not settled; completed, but the last answer did not say so.
 */
export const settlementReasons = [
  'not_fetched',
  'completed',
  'expired',
  'scan_processing',
  'not_completed',
  'to_be_confirmed',
] as const;
export type SettlementReason = (typeof settlementReasons)[number];

/** Why the books call a transaction settled, or do not. The counterpart of {@link settlementOf}, on what was stored. */
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

/** From when on one fetch settles a transaction, whatever its state. */
export function settledFrom(createdAt: Date, expiresAt: Date | null): Date {
  return new Date((expiresAt?.getTime() ?? createdAt.getTime() + longestLifeMs) + expiryGraceMs);
}
