import path from 'node:path';
import type { Queries } from '../db/database.ts';
import { chargedTwice } from '../db/attempt-nets.ts';
import { chargesOf, type PeriodClose, periodCloses } from '../db/period-closes.ts';
import { attemptGroups, type OpenItems, openItems } from '../db/report-rows.ts';
import { finishReport, withReportLock } from '../db/report-runs.ts';
import type { Snapshot } from '../db/snapshot.ts';
import { monthBounds, nextPeriod } from '../domain/billing-month.ts';
import { presentLayout } from '../domain/report-columns.ts';
import { reportLines } from '../domain/report-lines.ts';
import { LedgerError } from '../errors.ts';
import { manifestOf } from '../reports/manifest.ts';
import { discardDrafts, type DraftFile, publishDrafts, removeStaleDrafts, writeDraft } from '../reports/publish.ts';
import { checkBooks, expectNotPassedOver, noteUses, reviewClosedMonths } from './closed-months.ts';
import type { Context } from './context.ts';
import { withReportSnapshot } from './reading.ts';
import { redecideSpan } from './redecide.ts';
import { draftFiles, type DraftReport, expectNets } from './report-files.ts';
import { closedPriceList, closedSource, type Moment, openSource, present } from './report-source.ts';
import { openTotals } from './report-totals.ts';

export type WrittenReport = DraftReport & { readonly manifest: DraftFile };

/**
 * Writes all files of a month. Of an open one: decides its attempts anew where the rules changed, reads one snapshot
 * and checks that every file balances. Of a closed one: the same bytes as when it was closed. Only then they are
 * published; until then nothing carries a final name.
 *
 * @param generation the request that this run answers; `null` = none.
 * @throws LedgerError `report_busy`, `report_unbalanced`, `closed_month_differs`, `reference_changed`,
 * `billing_time_zone_changed`, `storage_full`, `storage_failed`, `database_unavailable`, `replica_behind`
 */
export async function writeReport(
  context: Context,
  period: string,
  generation: number | null,
  signal?: AbortSignal,
): Promise<WrittenReport> {
  const report = await withReportLock(context.db, period, async (queries) => {
    const directory = path.join(context.config.reportsDir, period);
    await removeStaleDrafts(directory);
    const closes = await periodCloses(queries);
    const close = closes.find((one) => one.period === period);
    const written = close
      ? await rewriteClosed(context, close, directory, signal)
      : await writeOpen(context, queries, { period, closes, directory, signal });
    await publishDrafts(directory, [...written.files, written.manifest]);
    await finishReport(context.db.kysely, period, generation, written.manifest.sha256);
    return written;
  });
  if (report) return report;
  throw new LedgerError('report_busy', `Another process is writing the report of ${period}.`, {
    fields: { period },
    hint: 'Wait for it to end, or run the command again to get a newer one.',
  });
}

export type OpenReport = {
  readonly period: string;
  readonly closes: readonly PeriodClose[];
  readonly directory: string;
  readonly signal: AbortSignal | undefined;
};

async function writeOpen(context: Context, queries: Queries, report: OpenReport): Promise<WrittenReport> {
  const { closes, period } = report;
  await checkBooks(context, queries, closes);
  expectNotPassedOver(closes, period);
  await noteUses(context);
  await reviewClosedMonths(context, queries, closes, period);
  await redecideSpan(context, queries, monthBounds(period, context.config.billingTimeZone));
  return withReportSnapshot(context, (snapshot) => draftOpen(context, snapshot, report));
}

/** Drafts the files of an open month, as it is or as it was. */
export async function draftOpen(
  context: Context,
  snapshot: Snapshot,
  { period, closes, directory, signal }: OpenReport,
  moment: Moment = present,
): Promise<WrittenReport> {
  const { prices, rules, config } = context;
  const { queries } = snapshot;
  const { billingTimeZone: timeZone } = config;
  const month = monthBounds(period, timeZone);
  const source = await openSource(context, queries, period, closes, moment);
  const last = closes.at(-1);
  // The months behind that one have no corrections: what has moved there from a closed month is reversed before them.
  if (last && nextPeriod(last.period) === period)
    expectNets(period, await chargedTwice(queries, source.lines, last.period));
  const { lines, minimum } = await openTotals(queries, source, period, prices?.content, timeZone);
  const head = { period, status: 'provisional' as const, priceList: prices?.content, layout: presentLayout };
  const items = await openItems(queries, month, moment);
  const draft = await draftFiles(snapshot, {
    ...{ head, month, timeZone, asOf: moment.asOf, directory, lines, openItems: items, source, signal },
  });
  return withManifest(draft, manifestOf({ ...draft, rules, prices, minimum }), signal);
}

/** Adds the manifest; if that fails, no draft is left. */
export async function withManifest(draft: DraftReport, manifest: Buffer, signal?: AbortSignal): Promise<WrittenReport> {
  try {
    return { ...draft, manifest: await writeDraft(draft.directory, 'manifest.json', [manifest], signal) };
  } catch (error) {
    await discardDrafts(draft.files);
    throw error;
  }
}

/** The files of a closed month from the frozen lines, held against the hashes that it was closed with. */
function rewriteClosed(
  context: Context,
  close: PeriodClose,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<WrittenReport> {
  return withReportSnapshot(context, async (snapshot) => {
    const { queries } = snapshot;
    const { period } = close;
    const source = closedSource(period);
    const priceList = await closedPriceList(queries, close);
    const charges = await chargesOf(queries, period);
    const lines = reportLines(await attemptGroups(queries, source.lines), {
      ...{ minorDigits: priceList?.minorDigits, charges },
    });
    const draft = await draftFiles(snapshot, {
      ...{
        head: { period, status: 'closed', priceList, layout: layoutOf(close) },
        month: { start: close.start, end: close.end },
      },
      ...{ timeZone: close.timeZone, asOf: null, directory, lines, source, signal, openItems: openItemsOf(close) },
    });
    await expectSameBytes(draft, close);
    return withManifest(draft, Buffer.from(close.manifest), signal);
  });
}

/** What a month was closed in spite of. */
function openItemsOf({ manifest }: PeriodClose): OpenItems {
  const { control_totals: totals } = JSON.parse(manifest) as { control_totals: Record<string, number | undefined> };
  return {
    unsettledTransactions: totals['unsettled_transactions'] ?? 0,
    unfetchedTransactions: totals['unfetched_transactions'] ?? 0,
  };
}

/** The layout that a month was closed with. */
const layoutOf = ({ manifest }: PeriodClose): number => (JSON.parse(manifest) as { layout?: number }).layout ?? 1;

async function expectSameBytes({ files }: DraftReport, { period, manifest }: PeriodClose): Promise<void> {
  const closed = (JSON.parse(manifest) as { files: { name: string; sha256: string }[] }).files;
  const differing = closed.filter(({ name, sha256 }) => files.find((file) => file.name === name)?.sha256 !== sha256);
  if (differing.length === 0 && closed.length === files.length) return;
  await discardDrafts(files);
  throw new LedgerError(
    'closed_month_differs',
    `The files of ${period} are not those it was closed with: ${differing.map(({ name }) => name).join(', ')}.`,
    {
      fields: { period, files: differing.length },
      hint: 'Nothing was published. The rows of a closed month were changed in the database, or this is a fault of the program: restore them from a backup, or report it with this message.',
    },
  );
}
