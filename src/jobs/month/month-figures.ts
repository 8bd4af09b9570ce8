import { attemptTotal, linesWith } from '../../db/attempt-list.ts';
import { type Blocker, type BlockerCounts, listBlockers } from '../../db/blockers.ts';
import { countPossiblyCreatedIn } from '../../db/creations.ts';
import type { Queries } from '../../db/database.ts';
import {
  type Abandoned,
  abandonedIn,
  countDisagreements,
  type Disagreement,
  type DisagreementCount,
  listDisagreements,
} from '../../db/month-figures.ts';
import { type PeriodClose, periodCloses } from '../../db/period-closes.ts';
import type { Behind } from '../../db/replica.ts';
import type { OpenItems } from '../../db/report-rows.ts';
import { withSnapshot } from '../../db/snapshot.ts';
import type { Span } from '../../domain/billing-month.ts';
import type { PriceList } from '../../domain/prices.ts';
import type { ReportLines } from '../../domain/report-lines.ts';
import { errorCode, LedgerError } from '../../errors.ts';
import { checkBooks } from './closed-months.ts';
import type { Context } from '../context.ts';
import { hasBlockers, type Obstacle, obstacleList, obstaclesTo } from './obstacles.ts';
import { outstandingRechecks } from '../fetch/recheck-settled.ts';
import { type Month, monthOf } from './month.ts';
import { readForPage } from '../reading.ts';
import { sameDays, type SameDays } from './same-days.ts';

/** How many blockers and disagreements are listed; the rest are only counted. */
export const listed = 25;

/** A month's report as figures for pages and messages. */
export type MonthFigures = {
  readonly period: string;
  readonly month: Span;
  readonly timeZone: string;
  /** `null` = the month is open. */
  readonly close: PeriodClose | null;
  /** The instant of these figures. */
  readonly readAt: Date;
  /** How far behind they may be; `null` = they are from the primary. */
  readonly behind?: Behind | null;
  readonly prices: Pick<PriceList, 'version' | 'currency' | 'minorDigits'> | null;
  readonly lines: ReportLines;
  /** `undefined` = the month is not running; `null` = there is nothing to compare it with. */
  readonly sameDays: SameDays | null | undefined;
  readonly abandoned: Abandoned;
  /** Creations without an answer whose transaction, if there is one, may belong to the month. */
  readonly possiblyCreated: number;
  readonly disagreements: {
    readonly counts: readonly DisagreementCount[];
    readonly first: readonly Disagreement[];
    /** The attempts of tasks whose counter of invoiced attempts differs. */
    readonly attempts: bigint;
  };
  /** What stands between an open month and its close. */
  readonly open: {
    readonly counts: BlockerCounts;
    /** The refusals and the counts, in words. */
    readonly obstacles: readonly Obstacle[];
    readonly first: readonly Blocker[];
    readonly items: OpenItems;
    /** How many settled transactions are still to be fetched again. */
    readonly outstandingRechecks: number;
    /** Why a report cannot be written at all; `null` = it can. */
    readonly refusal: string | null;
  } | null;
};

/**
 * Reads a month in one snapshot. The lines and sums come from the same SQL as those of its report. Writes nothing, so a
 * rule table that is newer than the last report has no effect here yet.
 */
export function readMonth(context: Context, period: string): Promise<MonthFigures> {
  return withSnapshot(context.db, async ({ queries }) => {
    const month = await monthOf(context, queries, period);
    const { lines } = await month.totals();
    const counts = await countDisagreements(queries, month.sql.disagreements);
    const first = counts.length > 0 ? await listDisagreements(queries, month.sql.disagreements, listed) : [];
    const miscounted = linesWith(month.sql.lines, { counter: 'mismatch' }, month.timeZone);
    const { attempts } = counts.length > 0 ? await attemptTotal(queries, miscounted) : { attempts: 0n };
    const readAt = context.now();
    return {
      period,
      month: month.span,
      timeZone: month.timeZone,
      close: month.close,
      readAt,
      prices: month.head.priceList ?? null,
      lines,
      abandoned: await abandonedIn(queries, month.sql.lines),
      possiblyCreated: await countPossiblyCreatedIn(queries, month.span),
      disagreements: { counts, first, attempts },
      sameDays: month.close ? undefined : await sameDays(context, queries, month, readAt),
      open: month.close ? null : await openFigures(context, queries, month),
    };
  });
}

/** Reads a month for a page, from the standby if there is one. */
export async function readMonthForPage(context: Context, period: string): Promise<MonthFigures> {
  const { value, behind } = await readForPage(context, (on) => readMonth(on, period));
  return { ...value, behind };
}

async function openFigures(context: Context, queries: Queries, month: Month): Promise<MonthFigures['open']> {
  const { period } = month.head;
  const closes = await periodCloses(queries);
  const obstacles = await obstaclesTo(context, queries, period, closes, { month });
  return {
    counts: obstacles.counts,
    obstacles: obstacleList(obstacles),
    first: obstacles.scope && hasBlockers(obstacles) ? await listBlockers(queries, obstacles.scope, listed) : [],
    items: await month.openItems(),
    outstandingRechecks: await outstandingRechecks(context, queries, period),
    refusal: await refusalOf(context, queries, closes),
  };
}

/** Why the report of an open month would be refused. Its figures can still be shown. */
async function refusalOf(context: Context, queries: Queries, closes: readonly PeriodClose[]): Promise<string | null> {
  try {
    await checkBooks(context, queries, closes);
    return null;
  } catch (error) {
    if (!(error instanceof LedgerError) || errorCode(error) === 'database_unavailable') throw error;
    return error.message;
  }
}
