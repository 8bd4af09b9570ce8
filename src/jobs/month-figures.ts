import { type Blocker, type BlockerCounts, listBlockers } from '../db/blockers.ts';
import type { Queries } from '../db/database.ts';
import {
  type Abandoned,
  abandonedIn,
  countDisagreements,
  type Disagreement,
  type DisagreementCount,
  listDisagreements,
} from '../db/month-figures.ts';
import { chargesOf, type PeriodClose, periodCloses } from '../db/period-closes.ts';
import type { Behind } from '../db/replica.ts';
import { attemptGroups, type OpenItems, openItems } from '../db/report-rows.ts';
import { withSnapshot } from '../db/snapshot.ts';
import { monthBounds, type Span } from '../domain/billing-month.ts';
import type { PriceList } from '../domain/prices.ts';
import { type ReportLines, reportLines } from '../domain/report-lines.ts';
import { errorCode, LedgerError } from '../errors.ts';
import { checkBooks } from './closed-months.ts';
import type { Context } from './context.ts';
import { hasBlockers, type Obstacle, obstacleList, obstaclesTo } from './obstacles.ts';
import { outstandingLooks } from './recheck-settled.ts';
import { closedPriceList, closedSource, openSource, present, type ReportSource } from './report-source.ts';
import { readForPage } from './reading.ts';
import { openTotals } from './report-totals.ts';
import { sameDays, type SameDays } from './same-days.ts';

/** How many blockers and disagreements are listed rather than counted. */
export const listed = 25;

/** What a month's report says, for people. */
export type MonthFigures = {
  readonly period: string;
  readonly month: Span;
  readonly timeZone: string;
  /** `null` = the month is open. */
  readonly close: PeriodClose | null;
  /** The instant that these figures are of. */
  readonly readAt: Date;
  /** How old they may be, where they are from a standby. */
  readonly behind?: Behind | null;
  readonly prices: Pick<PriceList, 'version' | 'currency' | 'minorDigits'> | null;
  readonly lines: ReportLines;
  /** `undefined` = the month is not running; `null` = there is nothing to compare it with. */
  readonly sameDays: SameDays | null | undefined;
  readonly abandoned: Abandoned;
  readonly disagreements: { readonly counts: readonly DisagreementCount[]; readonly first: readonly Disagreement[] };
  /** What stands between an open month and its close. */
  readonly open: {
    readonly counts: BlockerCounts;
    /** The same with what no force helps against, in words. */
    readonly obstacles: readonly Obstacle[];
    readonly first: readonly Blocker[];
    readonly items: OpenItems;
    /** How many settled transactions are still to be asked for again. */
    readonly outstandingLooks: number;
    /** Why a report cannot be written at all; `null` = it can. */
    readonly refusal: string | null;
  } | null;
};

/**
 * Reads a month from one moment of the books: the same lines and sums as its report has, from the same SQL. Writes
 * nothing, so a rule table that is new since the last report has not decided anything here yet.
 */
export function readMonth(context: Context, period: string): Promise<MonthFigures> {
  return withSnapshot(context.db, async ({ queries }) => {
    const closes = await periodCloses(queries);
    const close = closes.find((one) => one.period === period);
    return close ? readClosed(context, queries, close) : readOpen(context, queries, period, closes);
  });
}

/** Reads a month for a page: from the standby, if there is one. */
export async function readMonthForPage(context: Context, period: string): Promise<MonthFigures> {
  const { value, behind } = await readForPage(context, (on) => readMonth(on, period));
  return { ...value, behind };
}

async function readOpen(
  context: Context,
  queries: Queries,
  period: string,
  closes: readonly PeriodClose[],
): Promise<MonthFigures> {
  const { billingTimeZone: timeZone } = context.config;
  const priceList = context.prices?.content;
  const month = monthBounds(period, timeZone);
  const source = await openSource(context, queries, period, closes);
  const { lines } = await openTotals(queries, source, period, priceList, timeZone);
  const obstacles = await obstaclesTo(context, queries, period, closes, { ofLines: source.lines });
  const readAt = context.now();
  return {
    ...{ period, month, timeZone, close: null, readAt, prices: priceList ?? null, lines },
    sameDays: await sameDays(context, queries, { period, month, lines, readAt }, closes),
    ...(await besides(queries, source)),
    open: {
      counts: obstacles.counts,
      obstacles: obstacleList(obstacles),
      first: obstacles.scope && hasBlockers(obstacles) ? await listBlockers(queries, obstacles.scope, listed) : [],
      items: await openItems(queries, month, present),
      outstandingLooks: await outstandingLooks(context, queries, period),
      refusal: await refusalOf(context, queries, closes),
    },
  };
}

async function readClosed(context: Context, queries: Queries, close: PeriodClose): Promise<MonthFigures> {
  const { period, start, end, timeZone } = close;
  const source = closedSource(period);
  const priceList = await closedPriceList(queries, close);
  const charges = await chargesOf(queries, period);
  const groups = await attemptGroups(queries, source.lines);
  const lines = reportLines(groups, { minorDigits: priceList?.minorDigits, charges });
  return {
    ...{ period, month: { start, end }, timeZone, close, readAt: context.now(), prices: priceList ?? null, lines },
    ...(await besides(queries, source)),
    sameDays: undefined,
    open: null,
  };
}

async function besides(queries: Queries, { lines, disagreements }: ReportSource) {
  const counts = await countDisagreements(queries, disagreements);
  return {
    abandoned: await abandonedIn(queries, lines),
    disagreements: { counts, first: counts.length > 0 ? await listDisagreements(queries, disagreements, listed) : [] },
  };
}

/** Whether the report of an open month would be refused: its figures can be looked at all the same. */
async function refusalOf(context: Context, queries: Queries, closes: readonly PeriodClose[]): Promise<string | null> {
  try {
    await checkBooks(context, queries, closes);
    return null;
  } catch (error) {
    if (!(error instanceof LedgerError) || errorCode(error) === 'database_unavailable') throw error;
    return error.message;
  }
}
