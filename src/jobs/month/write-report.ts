import path from 'node:path';
import type { Queries } from '../../db/database.ts';
import { periodCloses } from '../../db/period-closes.ts';
import { finishReport, withNamedLock, withReportLock } from '../../db/report-runs.ts';
import { monthBounds } from '../../domain/billing-month.ts';
import { LedgerError } from '../../errors.ts';
import { publishDrafts, removeStaleDrafts } from '../../reports/publish.ts';
import type { Context } from '../context.ts';
import { withReportSnapshot } from '../reading.ts';
import { checkBooks, expectNotPassedOver, noteUses, reviewClosedMonths } from './closed-months.ts';
import { monthOf } from './month.ts';
import { redecideSpan } from './redecide.ts';
import { writeFiles, type WrittenReport } from './write-files.ts';

export type ReportOptions = {
  /** The request that this run fulfils; `null` = none. */
  readonly generation?: number | null;
  /**
   * Writes the report as of an earlier instant: with what was known, decided and in use then. Its files go to a folder
   * of their own.
   */
  readonly asOf?: Date | null;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Writes all files of a month. For an open month, decides attempts anew where the rules changed, then reads one
 * snapshot. For a closed month, the bytes are the same as at its close. No file gets its final name before everything
 * balances.
 *
 * @throws LedgerError `report_busy`, `report_unbalanced`, `closed_month_differs`, `reference_changed`,
 * `billing_time_zone_changed`, `period_out_of_order`, `storage_full`, `storage_failed`, `database_unavailable`,
 * `replica_behind`; `usage_invalid` for a future instant, or one at which the month was closed
 */
export async function writeReport(
  context: Context,
  period: string,
  { generation = null, asOf = null, signal }: ReportOptions = {},
): Promise<WrittenReport> {
  const { directory, lock } = asOf ? earlierReport(context, period, asOf) : presentReport(context, period);
  const report = await lock(async (queries) => {
    await removeStaleDrafts(directory);
    await (asOf ? expectOpenAt(queries, period, asOf) : decideAnew(context, queries, period));
    const written = await withReportSnapshot(context, async (snapshot) =>
      writeFiles(snapshot, await monthOf(context, snapshot.queries, period, { asOf }), { directory, signal }),
    );
    await publishDrafts(directory, [...written.files, written.manifest]);
    if (!asOf) await finishReport(context.db.kysely, period, generation, written.manifest.sha256);
    return written;
  });
  if (report) return report;
  throw new LedgerError('report_busy', `Another process is writing the report of ${period}.`, {
    fields: { period },
    hint: 'Wait for it to end, or run the command again to get a newer one.',
  });
}

type Locked = <T>(work: (queries: Queries) => Promise<T>) => Promise<T | undefined>;
type Place = { readonly directory: string; readonly lock: Locked };

const presentReport = ({ config, db }: Context, period: string): Place => ({
  directory: path.join(config.reportsDir, period),
  lock: (work) => withReportLock(db, period, work),
});

function earlierReport({ config, db, now }: Context, period: string, asOf: Date): Place {
  if (asOf > now())
    throw new LedgerError('usage_invalid', `${asOf.toISOString()} is still to come.`, {
      hint: 'Give an instant that has passed, or omit --as-of.',
    });
  const stamp = asOf.toISOString().replaceAll(/[-:]/g, '').replace('.000Z', 'Z');
  return {
    directory: path.join(config.reportsDir, 'as-of', stamp, period),
    lock: (work) => withNamedLock(db, `report ${period} as of ${stamp}`, work),
  };
}

async function expectOpenAt(queries: Queries, period: string, asOf: Date): Promise<void> {
  const closes = await periodCloses(queries, asOf);
  const close = closes.find((one) => one.period === period);
  if (close)
    throw new LedgerError(
      'usage_invalid',
      `${period} was closed on ${close.closedAt.toISOString()}, before ${asOf.toISOString()}: it has not moved since.`,
      { hint: `Its files: idscan-ledger report ${period}` },
    );
  expectNotPassedOver(closes, period);
}

/** Brings the decisions of an open month up to date. Those of a closed month are final. */
async function decideAnew(context: Context, queries: Queries, period: string): Promise<void> {
  const closes = await periodCloses(queries);
  if (closes.some((close) => close.period === period)) return;
  await checkBooks(context, queries, closes);
  expectNotPassedOver(closes, period);
  await noteUses(context);
  await reviewClosedMonths(context, queries, closes, period);
  await redecideSpan(context, queries, monthBounds(period, context.config.billingTimeZone));
}
