import type { Queries } from '../../db/database.ts';
import { chargedFor } from '../../db/period-closes.ts';
import { attemptGroups, bookedGroups } from '../../db/report-rows.ts';
import { monthBounds, previousPeriod } from '../../domain/billing-month.ts';
import { monthlyMinimumAt } from '../../domain/prices.ts';
import { type AttemptGroup, type Charge, type ReportLines, reportLines, shortfall } from '../../domain/report-lines.ts';
import type { CorrectedMonth, OpenLines, OpenScope } from './open-lines.ts';

/**
 * The totals of a month, the charges that raise it and the months it corrects to their minimum, and its own minimum.
 */
export type MonthSums = {
  readonly lines: ReportLines;
  readonly charges: readonly Charge[];
  readonly minimum: bigint | undefined;
};

/** Sums up the lines of an open month, with the charges that raise it and the months it corrects to their minimum. */
export async function openTotals(
  queries: Queries,
  source: Pick<OpenLines, 'counted' | 'uncounted' | 'corrected'>,
  { period, timeZone, priceList: list }: Pick<OpenScope, 'period' | 'timeZone' | 'priceList'>,
): Promise<MonthSums> {
  const groups = [
    ...source.counted,
    ...(source.uncounted === null ? [] : await attemptGroups(queries, source.uncounted)),
  ];
  const minorDigits = list?.minorDigits;
  const plain = reportLines(groups, { minorDigits });
  const minimum = list && monthlyMinimumAt(list, monthBounds(period, timeZone).start, timeZone);
  const charges: Charge[] = [];
  if (minimum !== undefined) {
    const amount = shortfall(plain.summary, minimum);
    if (amount !== null && amount > 0n) charges.push({ correctsPeriod: null, amount });
  }
  for (const month of source.corrected)
    charges.push(...(await correctedCharge(queries, month, groups, timeZone, previousPeriod(period))));
  return { lines: charges.length > 0 ? reportLines(groups, { minorDigits, charges }) : plain, charges, minimum };
}

/** What a closed month's minimum requires now, less what was booked for it. */
async function correctedCharge(
  queries: Queries,
  { period, list, isPricedFirst }: CorrectedMonth,
  groups: readonly AttemptGroup[],
  timeZone: string,
  upTo: string,
): Promise<Charge[]> {
  const minimum = list && monthlyMinimumAt(list, monthBounds(period, timeZone).start, timeZone);
  const corrections = groups.filter(({ correctsPeriod }) => correctsPeriod === period);
  if (minimum === undefined || (corrections.length === 0 && !isPricedFirst)) return [];
  const reports = [...(await bookedGroups(queries, period, upTo)), corrections];
  // A later report may have taken back all that was booked without a price.
  const unpriced = reports.flat().reduce((sum, group) => sum + (group.unitPrice === null ? group.invoiced : 0n), 0n);
  if (unpriced > 0n) return [];
  const lines = reports.flatMap((booked) => {
    const priced = booked.map((group) => ({ ...group, unpriced: 0n }));
    return reportLines(priced, { minorDigits: list?.minorDigits }).summary;
  });
  const now = shortfall(
    lines.map((line) => ({ ...line, correctsPeriod: null })),
    minimum,
  );
  if (now === null) return [];
  const amount = now - (await chargedFor(queries, period, upTo));
  return amount === 0n ? [] : [{ correctsPeriod: period, amount }];
}
