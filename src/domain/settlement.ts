import type { TransactionFacts } from './facts.ts';

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

/** When a transaction's books are final, or when to look again. */
export type Settlement = { readonly settled: true } | { readonly settled: false; readonly nextFetchAt: Date };

/**
 * Decides whether anything about a transaction can still change.
 *
 * @param fetchedAt when the request for these facts began.
 */
export function settlementOf(facts: TransactionFacts, fetchedAt: Date): Settlement {
  const expiresMs = facts.expiresAt?.getTime() ?? facts.createdAt.getTime() + longestLifeMs;
  const finalMs = expiresMs + expiryGraceMs;
  const nowMs = fetchedAt.getTime();
  if (nowMs >= finalMs) return { settled: true };
  const isProcessing = facts.tasks.some((task) => task.scans?.some((scan) => scan.code === 'processing'));
  if (facts.state === 'completed' && !isProcessing) return { settled: true };
  const leadMs = expiresMs - expiryLeadMs;
  const nextMs = nowMs < leadMs ? leadMs : finalMs;
  return { settled: false, nextFetchAt: new Date(isProcessing ? Math.min(nowMs + processingPollMs, nextMs) : nextMs) };
}
