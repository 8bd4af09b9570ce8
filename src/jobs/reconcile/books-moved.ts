import { lastRun } from '../../db/reconciliations.ts';
import type { Micros } from '../../domain/money.ts';
import type { Context } from '../context.ts';
import type { WrittenReport } from '../month/write-files.ts';

/** What the books came to when the month was reconciled, and what they come to now. */
export type Moved = { readonly before: Micros; readonly now: Micros };

/**
 * Whether the books of a report moved since its month was reconciled.
 *
 * @returns `undefined` if they did not, were never reconciled, or were on another basis.
 */
export async function movedSinceReconciled(
  { db }: Context,
  { head, lines, asOf }: Pick<WrittenReport, 'head' | 'lines' | 'asOf'>,
): Promise<Moved | undefined> {
  const run = await lastRun(db.kysely, head.period);
  if (!run || asOf !== null || run.currency !== head.priceList?.currency) return undefined;
  if (!run.isProvisional && run.basis !== (head.status === 'restated' ? 'restated' : 'closed')) return undefined;
  const now = lines.summary.reduce(
    (sum, { correctsPeriod, amount }) => (correctsPeriod === null ? sum + (amount ?? 0n) : sum),
    0n,
  );
  return now === run.ownAmount ? undefined : { before: run.ownAmount, now };
}
