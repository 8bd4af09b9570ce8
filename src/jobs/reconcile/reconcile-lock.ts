import type { Database } from '../../db/database.ts';
import { withNamedLock } from '../../db/report-runs.ts';
import type { Dedicated } from '../../db/snapshot.ts';
import { LedgerError } from '../../errors.ts';

/**
 * Runs `work` while nobody else reconciles a month, or decides about it.
 *
 * @throws LedgerError `report_busy`
 */
export async function withReconcileLock<T extends object>(
  db: Database,
  period: string,
  work: (connection: Dedicated) => Promise<T>,
): Promise<T> {
  const done = await withNamedLock(db, `reconcile ${period}`, work);
  if (done) return done;
  throw new LedgerError('report_busy', `Another process is reconciling ${period}.`, {
    fields: { period },
    hint: 'Wait for it to end, then try again.',
  });
}
