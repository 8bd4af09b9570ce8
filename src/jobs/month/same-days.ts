import type { Queries } from '../../db/database.ts';
import { attemptGroups, ownLinesBefore } from '../../db/report-rows.ts';
import { previousPeriod } from '../../domain/billing-month.ts';
import type { Micros } from '../../domain/money.ts';
import { ownTotals, reportLines } from '../../domain/report-lines.ts';
import type { Context } from '../context.ts';
import { type Month, monthOf } from './month.ts';

/** Figures that months are compared by. `amount` is `null` if there are no prices, or one is missing. */
export type Compared = { readonly attempts: bigint; readonly amount: Micros | null; readonly currency: string | null };

/** A running month and the same days of the month before: own attempts only, no corrections or minimums. */
export type SameDays = { readonly now: Compared; readonly before: Compared };

/**
 * Reads what the month before had cost when it was as old as the running month is now. If it is shorter than that, it
 * counts as a whole.
 *
 * @returns `undefined` = the month is not running; `null` = the month before has nothing to compare with.
 */
export async function sameDays(
  context: Context,
  queries: Queries,
  running: Month,
  readAt: Date,
): Promise<SameDays | null | undefined> {
  const { span, head } = running;
  if (readAt < span.start || readAt >= span.end) return undefined;
  const before = await monthOf(context, queries, previousPeriod(head.period));
  const { start, end } = before.span;
  const sameAge = new Date(Math.min(end.getTime(), start.getTime() + readAt.getTime() - span.start.getTime()));
  const groups = await attemptGroups(queries, ownLinesBefore(before.sql.lines, sameAge));
  if (groups.length === 0) return null;
  const { priceList: list } = before.head;
  const { totals } = reportLines(groups, { minorDigits: list?.minorDigits });
  const { lines } = await running.totals();
  return {
    now: { ...ownTotals(lines), currency: head.priceList?.currency ?? null },
    before: { attempts: totals.attempts, amount: totals.amount, currency: list?.currency ?? null },
  };
}
