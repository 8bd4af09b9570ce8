import path from 'node:path';
import { bookedTwice } from '../db/attempt-nets.ts';
import { type BlockerCounts, countBlockers, noBlockers } from '../db/blockers.ts';
import type { Queries } from '../db/database.ts';
import {
  bookCharges,
  bookDisagreements,
  bookLines,
  moveHorizon,
  noteRulesBelowHorizon,
  type PeriodClose,
  periodCloses,
  recordClose,
} from '../db/period-closes.ts';
import { fixVersions } from '../db/reference.ts';
import { noteChangesBefore } from '../db/late-changes.ts';
import { attemptsBefore } from '../db/report-rows.ts';
import { finishReport, withNamedLock, withReportLock } from '../db/report-runs.ts';
import { type Snapshot, withBooking } from '../db/snapshot.ts';
import { monthBounds, nextPeriod, periodOf, type Span } from '../domain/billing-month.ts';
import { presentLayout } from '../domain/report-columns.ts';
import { errorCode, LedgerError } from '../errors.ts';
import { manifestOf } from '../reports/manifest.ts';
import { discardDrafts, publishDrafts, removeStaleDrafts } from '../reports/publish.ts';
import { checkBooks, noteUses, reviewClosedMonths, versionsInUse } from './closed-months.ts';
import type { Context } from './context.ts';
import { redecideSpan } from './redecide.ts';
import { draftFiles, expectNets } from './report-files.ts';
import { closedSource, openSource } from './report-source.ts';
import { openTotals } from './report-totals.ts';
import { withManifest, type WrittenReport } from './write-report.ts';

export type CloseRequest = {
  readonly period: string;
  readonly closedBy: string;
  /** Why the month is closed although something blocks it; `null` = then it is not. */
  readonly forcedReason: string | null;
  /**
   * Why the books begin with this month although there are attempts before it, which become corrections in the month
   * behind it; `null` = then it is not closed.
   */
  readonly beginReason?: string | null;
  readonly signal?: AbortSignal;
};

/** What stands in the way of a close, with the query of the lines it was found in. */
export type Blocked = { readonly counts: BlockerCounts; readonly month: Span; readonly lines: string };

/**
 * Closes a month: freezes its lines, totals, rules and prices in one transaction and publishes its files as version 1.
 *
 * @returns the published report, or what blocks the close.
 * @throws LedgerError `period_not_ended`, `period_closed`, `period_out_of_order`, `close_busy`, `report_busy`,
 * `currency_changed`, and all that `writeReport` throws.
 */
export async function closeMonth(context: Context, request: CloseRequest): Promise<WrittenReport | Blocked> {
  const { period } = request;
  const closed = await withNamedLock(context.db, 'close', async (queries) => {
    const closes = await periodCloses(queries);
    checkOrder(context, period, closes);
    await checkBeginning(context, queries, request, closes);
    await checkBooks(context, queries, closes);
    const written = await withReportLock(context.db, period, () => closeLocked(context, queries, request, closes));
    if (written) return written;
    throw new LedgerError('report_busy', `Another process is writing the report of ${period}.`, {
      hint: 'Wait for it to end, then close the month.',
    });
  });
  if (closed) return closed;
  throw new LedgerError('close_busy', `Another process is closing a month, so ${period} was not closed here.`, {
    fields: { period },
    hint: 'Wait for it to end; if it closed this month, there is nothing left to do.',
  });
}

function checkOrder({ config, now }: Context, period: string, closes: readonly PeriodClose[]): void {
  const { billingTimeZone: timeZone } = config;
  const { end } = monthBounds(period, timeZone);
  const refuse = (code: 'period_not_ended' | 'period_closed' | 'period_out_of_order', what: string, hint: string) =>
    new LedgerError(code, what, { fields: { period }, hint });
  if (now() < end)
    throw refuse(
      'period_not_ended',
      `${period} has not ended: it does on ${end.toISOString()} (${timeZone}).`,
      'Close it then.',
    );
  const own = closes.find((close) => close.period === period);
  if (own)
    throw refuse(
      'period_closed',
      `${period} is closed already, since ${own.closedAt.toISOString()} by ${own.closedBy}.`,
      `What arrived since then is in the corrections of the next open month. To write its files again: idscan-ledger report ${period}`,
    );
  const last = closes.at(-1);
  if (last && period < last.period)
    throw refuse(
      'period_out_of_order',
      `${period} lies before ${last.period}, which is closed.`,
      'What belongs to it is booked as corrections in the next open month.',
    );
  if (last && nextPeriod(last.period) !== period)
    throw refuse(
      'period_out_of_order',
      `${period} cannot be closed before ${nextPeriod(last.period)}, which follows ${last.period}.`,
      `Close ${nextPeriod(last.period)} first, also if nothing happened in it: corrections are booked there.`,
    );
}

/** The first month that is closed has nothing before it: what came before would have no month of its own. */
async function checkBeginning(
  { config }: Context,
  queries: Queries,
  { period, beginReason = null }: CloseRequest,
  closes: readonly PeriodClose[],
): Promise<void> {
  if (closes[0] && beginReason !== null)
    throw new LedgerError('period_out_of_order', `The books have begun with ${closes[0].period}.`, {
      fields: { period },
      hint: 'Leave --begin-books away: it is for the first close.',
    });
  if (closes[0] || beginReason !== null) return;
  const { billingTimeZone: timeZone } = config;
  const { start } = monthBounds(period, timeZone);
  const { first, attempts } = await attemptsBefore(queries, start);
  if (!first) return;
  const earliest = periodOf(first, timeZone);
  throw new LedgerError(
    'period_out_of_order',
    `${period} cannot be closed before ${earliest}, which is open: before ${start.toISOString()} lie attempts, ${attempts} in number.`,
    {
      fields: { period, attempts },
      hint: `Close ${earliest} first, then the months behind it in order. If the books are to begin with ${period}, close it with --begin-books --reason: what lies before it is charged in full as corrections in the month behind it.`,
    },
  );
}

async function closeLocked(
  context: Context,
  queries: Queries,
  request: CloseRequest,
  closes: readonly PeriodClose[],
): Promise<WrittenReport | Blocked> {
  const { period, forcedReason } = request;
  const { config, rules, db } = context;
  const month = monthBounds(period, config.billingTimeZone);
  const directory = path.join(config.reportsDir, period);
  await removeStaleDrafts(directory);
  await noteUses(context);
  await reviewClosedMonths(context, queries, closes, period);
  await redecideSpan(context, queries, month);
  const blocked = await blockersOf(context, queries, period, closes);
  if (blocked && forcedReason === null) return blocked;
  await moveHorizon(db.kysely, month.end);
  const written = await withBooking(db, async (booking) => {
    // Once more, in the very snapshot that is frozen.
    await checkBeginning(context, booking.queries, request, closes);
    const stillBlocked = await blockersOf(context, booking.queries, period, closes);
    if (stillBlocked && forcedReason === null) return stillBlocked;
    return book(context, booking, { ...request, closes, directory, month, counts: stillBlocked?.counts });
  });
  if ('counts' in written) return written;
  try {
    await noteRulesBelowHorizon(db.kysely, rules.sha256);
    await publishDrafts(directory, [...written.files, written.manifest]);
    await finishReport(db.kysely, period, null, written.manifest.sha256);
    return written;
  } catch (error) {
    throw new LedgerError(
      errorCode(error),
      `${period} is closed, but its files were not published: ${messageOf(error)}`,
      {
        hint: `Do not close it again. Remove the cause, then: idscan-ledger report ${period}`,
        cause: error,
      },
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function blockersOf(
  context: Context,
  queries: Queries,
  period: string,
  closes: readonly PeriodClose[],
): Promise<Blocked | undefined> {
  const month = monthBounds(period, context.config.billingTimeZone);
  const { lines } = await openSource(context, queries, period, closes);
  const counts = await countBlockers(queries, month, lines);
  return Object.values(counts).some((count) => count > 0) ? { counts, month, lines } : undefined;
}

type Booking = CloseRequest & {
  readonly closes: readonly PeriodClose[];
  readonly directory: string;
  readonly month: Span;
  /** Blockers that the close is forced past. */
  readonly counts: BlockerCounts | undefined;
};

async function book(context: Context, booking: Snapshot, close: Booking): Promise<WrittenReport> {
  const { prices, rules, config } = context;
  const { queries } = booking;
  const { period, closes, month, directory, signal } = close;
  const { billingTimeZone: timeZone } = config;
  const priceList = prices?.content;
  const earlier = closes.length === 0 ? (await attemptsBefore(queries, month.start)).attempts : 0;
  const forcedPast = close.counts || earlier > 0 ? { ...(close.counts ?? noBlockers), earlier } : undefined;
  const forcedReason = (close.counts && close.forcedReason) ?? close.beginReason ?? null;
  const open = await openSource(context, queries, period, closes);
  await bookLines(queries, period, open.lines);
  expectNets(period, await bookedTwice(queries, period));
  await bookDisagreements(queries, period, open.disagreements);
  // From here on everything is read from what is frozen: the files are those that a later report writes again.
  const source = { ...closedSource(period), corrected: open.corrected };
  const { lines, charges, minimum } = await openTotals(queries, source, period, priceList, timeZone);
  await bookCharges(queries, period, charges, priceList?.minorDigits ?? 2);
  await fixVersions(queries, versionsInUse(context, month.end));
  const openItems = {
    unsettledTransactions: (forcedPast?.unsettled ?? 0) + (forcedPast?.failed ?? 0),
    unfetchedTransactions: 0,
  };
  const head = { period, status: 'closed' as const, priceList, layout: presentLayout };
  const draft = await draftFiles(booking, { head, month, directory, lines, openItems, source, signal });
  const forced = forcedPast && { blockers: forcedPast };
  const manifest = manifestOf({ ...draft, timeZone, rules, prices, minimum, forced });
  const written = await withManifest(draft, manifest, signal);
  try {
    await recordClose(queries, {
      ...{ period, start: month.start, end: month.end, timeZone, currency: priceList?.currency ?? null },
      ...{ rulesSha256: rules.sha256, pricesSha256: prices?.sha256 ?? null, closedBy: close.closedBy },
      ...{ forcedReason: forcedPast ? forcedReason : null, blockers: { ...forcedPast } },
      ...{ manifest: manifest.toString(), manifestSha256: written.manifest.sha256 },
    });
    if (closes.length === 0) await noteChangesBefore(queries, month.start);
    return written;
  } catch (error) {
    await discardDrafts([...written.files, written.manifest]);
    throw error;
  }
}
