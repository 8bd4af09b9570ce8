import type { Queries } from '../db/database.ts';
import { type PeriodClose } from '../db/period-closes.ts';
import { attemptGroups, ownLinesBefore } from '../db/report-rows.ts';
import { monthBounds, previousPeriod, type Span } from '../domain/billing-month.ts';
import type { Micros } from '../domain/money.ts';
import { ownTotals, type ReportLines, reportLines } from '../domain/report-lines.ts';
import type { Context } from './context.ts';
import { closedPriceList, closedSource, openSource } from './report-source.ts';

/** What months are compared by. `amount` `null` = there are no prices, or one is missing. */
export type Compared = { readonly attempts: bigint; readonly amount: Micros | null; readonly currency: string | null };

/** A running month beside the same days of the month before: own attempts alone, without corrections and minimums. */
export type SameDays = { readonly now: Compared; readonly before: Compared };

/**
 * Reads what the month before had cost when it was as old as a running month is now; a shorter one, as a whole.
 *
 * @returns `undefined` = the month is not running; `null` = the month before has nothing to compare with.
 */
export async function sameDays(
  context: Context,
  queries: Queries,
  running: { readonly period: string; readonly month: Span; readonly lines: ReportLines; readonly readAt: Date },
  closes: readonly PeriodClose[],
): Promise<SameDays | null | undefined> {
  const { period, month, lines, readAt } = running;
  if (readAt < month.start || readAt >= month.end) return undefined;
  const previous = previousPeriod(period);
  const close = closes.find((one) => one.period === previous);
  const list = close ? await closedPriceList(queries, close) : context.prices?.content;
  const { start, end } = close ?? monthBounds(previous, context.config.billingTimeZone);
  const sameAge = new Date(Math.min(end.getTime(), start.getTime() + readAt.getTime() - month.start.getTime()));
  const source = close ? closedSource(previous) : await openSource(context, queries, previous, closes);
  const groups = await attemptGroups(queries, ownLinesBefore(source.lines, sameAge));
  if (groups.length === 0) return null;
  const { totals } = reportLines(groups, { minorDigits: list?.minorDigits });
  return {
    now: { ...ownTotals(lines), currency: context.prices?.content.currency ?? null },
    before: { attempts: totals.attempts, amount: totals.amount, currency: list?.currency ?? null },
  };
}
