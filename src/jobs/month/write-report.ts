import type { Queries } from '../../db/database.ts';
import { periodCloses } from '../../db/period-closes.ts';
import { finishReport, withNamedLock, withReportLock } from '../../db/report-runs.ts';
import type { Dedicated, Snapshot } from '../../db/snapshot.ts';
import { monthBounds, nextPeriod, previousPeriod } from '../../domain/billing-month.ts';
import { errorCode, LedgerError } from '../../errors.ts';
import { manifestName, restatedFolder } from '../../reports/names.ts';
import { removeStaleDrafts } from '../../reports/publish.ts';
import type { ReportFolder } from '../../reports/report-store.ts';
import type { Context } from '../context.ts';
import { withReportSnapshot } from '../reading.ts';
import { checkBooks, expectNotPassedOver, noteUses, reviewClosedMonths } from './closed-months.ts';
import { monthOf } from './month.ts';
import { redecideSpan } from './redecide.ts';
import { restatedMonth } from './restated-month.ts';
import { writeFiles, type WrittenReport } from './write-files.ts';

export type ReportOptions = {
  /** The request that this run fulfils; `null` = none. */
  readonly generation?: number | null;
  /**
   * Writes the report as of an earlier instant: with what was known, decided and in use then. Its files go to a folder
   * of their own.
   */
  readonly asOf?: Date | null;
  /** A closed month with all its corrections. Its files go to a folder of their own. */
  readonly isRestated?: boolean;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Writes all files of a month. For an open month, decides attempts anew where the rules changed, then reads one
 * snapshot. For a closed month, the bytes are the same as at its close, unless it is to be restated. No file gets its
 * final name before everything balances.
 *
 * @throws LedgerError `report_busy`, `report_unbalanced`, `closed_month_differs`, `reference_changed`,
 * `billing_time_zone_changed`, `period_out_of_order`, `storage_full`, `storage_failed`, `database_unavailable`,
 * `replica_behind`; `usage_invalid` for a future instant, or one at which the month was closed, and for an open month
 * that is to be restated
 */
export async function writeReport(
  context: Context,
  period: string,
  { generation = null, asOf = null, isRestated = false, signal }: ReportOptions = {},
): Promise<WrittenReport> {
  const { folder, lock } = placeOf(context, period, { asOf, isRestated });
  const report = await lock(async (connection) => {
    const { queries } = connection;
    await removeStaleDrafts(folder.drafts);
    if (asOf) await expectOpenAt(queries, period, asOf);
    else if (isRestated) await expectClosed(queries, period);
    if (!asOf) await (isRestated ? bringUpToDate(context, queries, period) : decideAnew(context, queries, period));
    const read = async (snapshot: Snapshot) => {
      const { queries: at } = snapshot;
      const month = isRestated ? restatedMonth(context, at, period) : monthOf(context, at, period, { asOf });
      return writeFiles(snapshot, await month, { folder, signal });
    };
    const written = await withReportSnapshot(context, read, { on: connection });
    await folder.publish([...written.files, written.manifest]);
    if (!asOf && !isRestated) await finishReport(context.db.kysely, period, generation, written.manifest.sha256);
    return written;
  });
  if (report && !asOf && !isRestated && context.config.reports) await tidyEarlier(context, period);
  if (report) return report;
  throw new LedgerError('report_busy', `Another process is writing the report of ${period}.`, {
    fields: { period },
    hint: 'Wait for it to end, or run the command again to get a newer one.',
  });
}

/** Nobody writes a closed month again by himself: a report of the next one removes what the close replaced in S3. */
async function tidyEarlier({ db, reports, log }: Context, period: string): Promise<void> {
  const earlier = previousPeriod(period);
  try {
    await withReportLock(db, earlier, () => reports.folder(earlier).tidy(manifestName));
  } catch (error) {
    log.warn(
      { err: error, code: errorCode(error), period: earlier },
      'files that were replaced are left for the next report',
    );
  }
}

type Locked = <T>(work: (connection: Dedicated) => Promise<T>) => Promise<T | undefined>;
type Place = { readonly folder: ReportFolder; readonly lock: Locked };

function placeOf(
  context: Context,
  period: string,
  { asOf, isRestated }: { readonly asOf: Date | null; readonly isRestated: boolean },
): Place {
  if (asOf) return earlierReport(context, period, asOf);
  return isRestated ? restatedReport(context, period) : presentReport(context, period);
}

const restatedReport = ({ reports, db }: Context, period: string): Place => ({
  folder: reports.folder(restatedFolder(period)),
  lock: (work) => withNamedLock(db, `report ${period} restated`, work),
});

const presentReport = ({ reports, db }: Context, period: string): Place => ({
  folder: reports.folder(period),
  lock: (work) => withReportLock(db, period, work),
});

function earlierReport({ reports, db, now }: Context, period: string, asOf: Date): Place {
  if (asOf > now())
    throw new LedgerError('usage_invalid', `${asOf.toISOString()} is still to come.`, {
      hint: 'Give an instant that has passed, or omit --as-of.',
    });
  const stamp = asOf.toISOString().replaceAll(/[-:]/g, '').replace('.000Z', 'Z');
  return {
    folder: reports.folder(`as-of/${stamp}/${period}`),
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

/** @throws LedgerError `usage_invalid` */
async function expectClosed(queries: Queries, period: string): Promise<void> {
  if ((await periodCloses(queries)).some((close) => close.period === period)) return;
  throw new LedgerError('usage_invalid', `${period} is not closed: there is nothing to restate.`, {
    hint: `Its report is what it is now: npx idscan-ledger report ${period}`,
  });
}

/** Brings all decisions that a month as it stands now rests on up to date: of a closed one, those of its corrections. */
export async function bringUpToDate(context: Context, queries: Queries, period: string): Promise<void> {
  const closes = await periodCloses(queries);
  const last = closes.at(-1);
  const isClosed = closes.some((close) => close.period === period);
  await decideAnew(context, queries, isClosed && last ? nextPeriod(last.period) : period);
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
