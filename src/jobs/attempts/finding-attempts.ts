import type { Queries } from '../../db/database.ts';
import { type FindingAttempt, keepFindingAttempts } from '../../db/finding-attempts.ts';
import { periodCloses } from '../../db/period-closes.ts';
import type { Dedicated } from '../../db/snapshot.ts';
import { LedgerError } from '../../errors.ts';
import type { ReportStore } from '../../reports/report-store.ts';
import type { Context } from '../context.ts';
import { type Month, monthOf } from '../month/month.ts';
import { restatedMonth } from '../month/restated-month.ts';
import { evidenceOf } from '../reconcile/published-evidence.ts';
import { publishedMonth } from '../reconcile/published-month.ts';

/** A finding whose attempts can be listed. */
export type FindingToList = {
  /** Puts its attempts where queries on this connection find them. */
  readonly keep: (connection: Dedicated) => Promise<void>;
  /** The month that was reconciled. */
  readonly month: (queries: Queries) => Promise<Month>;
};

/** @throws LedgerError `not_found`, `reconciliation_changed` */
export async function findingToList(context: Context, period: string, id: string): Promise<FindingToList> {
  const published = await publishedMonth(context, period);
  if (!published?.findings.some((one) => one.id === id)) throw noFinding(period);
  const { manifestSha256, basis } = published;
  const attempts = () => attemptsOf(context.reports, period, manifestSha256, id);
  return {
    keep: (connection) => keepFindingAttempts(connection, attempts()),
    month: async (queries) => {
      const isClosed = (await periodCloses(queries)).some((close) => close.period === period);
      return isClosed && basis === 'restated'
        ? restatedMonth(context, queries, period)
        : monthOf(context, queries, period);
    },
  };
}

export const noFinding = (period: string): LedgerError =>
  new LedgerError('not_found', 'The month has no such finding.', { hint: `All findings: /reports/${period}/invoice` });

async function* attemptsOf(
  reports: ReportStore,
  period: string,
  manifestSha256: string,
  finding: string,
): AsyncGenerator<FindingAttempt> {
  for await (const row of evidenceOf(reports, period, manifestSha256, finding)) {
    const { transactionId, taskType, attempt, attemptedAt, outcomeCode, ownInvoiced, note } = row;
    if (attemptedAt === null) throw new RangeError('evidence without a time');
    yield {
      transactionId,
      taskType,
      ordinal: note === 'not_in_books' ? null : Number(attempt),
      attemptedAt,
      code: outcomeCode === '' ? null : outcomeCode,
      ownInvoiced,
    };
  }
}
