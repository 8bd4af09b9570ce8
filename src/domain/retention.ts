import type { TransactionFacts } from './facts.ts';

const dayMs = 86_400_000;

/**
 * Whether a transaction's files may still be kept. Retention counts from its end: its completion, else its expiry.
 *
 * @param days how long they are kept; `undefined` = until they are erased.
 */
export function isKept(
  { completedAt, expiresAt }: Pick<TransactionFacts, 'completedAt' | 'expiresAt'>,
  days: number | undefined,
  now: Date,
): boolean {
  const endedAt = completedAt ?? expiresAt;
  return days === undefined || !endedAt || now.getTime() - endedAt.getTime() < days * dayMs;
}
