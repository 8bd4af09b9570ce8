import path from 'node:path';
import { bookedTwice } from '../db/attempt-nets.ts';
import { type BlockerCounts, noBlockers } from '../db/blockers.ts';
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
import { databaseNow } from '../db/unfetched.ts';
import { fixVersions } from '../db/reference.ts';
import { noteChangesBefore } from '../db/late-changes.ts';
import { attemptsBefore, openItems } from '../db/report-rows.ts';
import { finishReport, withNamedLock, withReportLock } from '../db/report-runs.ts';
import { type Snapshot, withBooking } from '../db/snapshot.ts';
import { monthBounds, type Span } from '../domain/billing-month.ts';
import { presentLayout } from '../domain/report-columns.ts';
import { errorCode, LedgerError } from '../errors.ts';
import { manifestOf } from '../reports/manifest.ts';
import { discardDrafts, publishDrafts, removeStaleDrafts } from '../reports/publish.ts';
import { noteUses, reviewClosedMonths, versionsInUse } from './closed-months.ts';
import type { Context } from './context.ts';
import { hasBlockers, type Obstacles, obstaclesTo, refusalsOf } from './obstacles.ts';
import { redecideSpan } from './redecide.ts';
import { draftFiles, expectNets } from './report-files.ts';
import { closedSource, openSource, present } from './report-source.ts';
import { openTotals } from './report-totals.ts';
import { untilFetched } from './until-fetched.ts';
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

/**
 * Closes a month: freezes its lines, totals, rules and prices in one transaction and publishes its files as version 1.
 * Whatever was registered until now is waited for, as long as workers are fetching it.
 *
 * @returns the published report, or what blocks the close.
 * @throws LedgerError `period_not_ended`, `period_closed`, `period_out_of_order`, `close_busy`, `report_busy`,
 * `currency_changed`, and all that `writeReport` throws.
 */
export async function closeMonth(context: Context, asked: CloseRequest): Promise<WrittenReport | Obstacles> {
  const { period } = asked;
  const registeredUntil = await databaseNow(context.db.kysely);
  await untilFetched(context.db, registeredUntil, asked.signal);
  const request = { ...asked, registeredUntil };
  const closed = await withNamedLock(context.db, 'close', async (queries) => {
    const closes = await periodCloses(queries);
    await expectNoRefusal(context, queries, request, closes);
    checkBeginning(request, closes);
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

/** The books begin once. */
function checkBeginning({ period, beginReason = null }: CloseRequest, closes: readonly PeriodClose[]): void {
  if (!closes[0] || beginReason === null) return;
  throw new LedgerError('period_out_of_order', `The books have begun with ${closes[0].period}.`, {
    fields: { period },
    hint: 'Leave --begin-books away: it is for the first close.',
  });
}

/** @throws LedgerError the first of what no force helps against. */
async function expectNoRefusal(
  context: Context,
  queries: Queries,
  { period, beginReason = null }: CloseRequest,
  closes: readonly PeriodClose[],
): Promise<void> {
  const [first] = await refusalsOf(context, queries, period, closes, beginReason !== null);
  if (first) throw first;
}

/** @property registeredUntil IDs that came in later keep no month from being closed. */
type Closing = CloseRequest & { readonly registeredUntil: Date };

async function closeLocked(
  context: Context,
  queries: Queries,
  request: Closing,
  closes: readonly PeriodClose[],
): Promise<WrittenReport | Obstacles> {
  const { period, forcedReason } = request;
  const { config, rules, db } = context;
  const month = monthBounds(period, config.billingTimeZone);
  const directory = path.join(config.reportsDir, period);
  await removeStaleDrafts(directory);
  await noteUses(context);
  await reviewClosedMonths(context, queries, closes, period);
  await redecideSpan(context, queries, month);
  const blocked = await blockersOf(context, queries, request, closes);
  if (blocked && forcedReason === null) return blocked;
  await moveHorizon(db.kysely, month.end);
  const written = await withBooking(db, async (booking) => {
    // Once more, in the very snapshot that is frozen.
    await expectNoRefusal(context, booking.queries, request, closes);
    const stillBlocked = await blockersOf(context, booking.queries, request, closes);
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
  { period, beginReason = null, registeredUntil }: Closing,
  closes: readonly PeriodClose[],
): Promise<Obstacles | undefined> {
  const obstacles = await obstaclesTo(context, queries, period, closes, {
    begins: beginReason !== null,
    registeredUntil,
  });
  return hasBlockers(obstacles) ? obstacles : undefined;
}

type Booking = Closing & {
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
  const items = await openItems(queries, month, present, close.registeredUntil);
  const head = { period, status: 'closed' as const, priceList, layout: presentLayout };
  const draft = await draftFiles(booking, {
    ...{ head, month, timeZone, asOf: null, directory, lines, openItems: items, source, signal },
  });
  const forced = forcedPast && { blockers: forcedPast };
  const manifest = manifestOf({ ...draft, rules, prices, minimum, forced });
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
