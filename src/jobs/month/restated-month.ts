import type { Queries } from '../../db/database.ts';
import { ordinaryDisagreements } from '../../db/disagreements.ts';
import { currentTables } from '../../db/tables-as-of.ts';
import { periodCloses } from '../../db/period-closes.ts';
import { restatedLines } from '../../db/restated-lines.ts';
import { nextPeriod } from '../../domain/billing-month.ts';
import { stretchesOf } from '../../domain/price-cells.ts';
import { presentLayout } from '../../domain/report-columns.ts';
import { LedgerError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { closedMonth, type Month, openMonth } from './month.ts';
import { pricedCloses, listsOf } from './open-lines.ts';
import { once } from './once.ts';
import { closedPriceFile } from './references.ts';
import { openTotals } from './totals.ts';

/**
 * A closed month as it stands by now: what was booked for it, with every correction that was booked since or is about to
 * be booked in the next open month. The closed month itself does not move.
 *
 * @throws LedgerError `usage_invalid` where the month is not closed.
 */
export async function restatedMonth(context: Context, queries: Queries, period: string): Promise<Month> {
  const closes = await periodCloses(queries);
  const close = closes.find((one) => one.period === period);
  const last = closes.at(-1);
  if (!close || !last) throw new LedgerError('usage_invalid', `${period} is not closed: there is nothing to restate.`);
  const { end, timeZone } = close;
  const closed = await closedMonth(context, queries, close);
  const lists = listsOf(period, await pricedCloses(queries, closes), context.prices?.content);
  const firstPriced = closes.find((one) => one.period >= period && one.pricesSha256 !== null);
  const prices = firstPriced ? await closedPriceFile(queries, firstPriced) : context.prices;
  const priceList = prices?.content;
  const next = await openMonth(context, queries, nextPeriod(last.period), closes);
  const lines = restatedLines(period, next.corrected.length > 0 ? next.sql.lines : null);
  const stretches = stretchesOf([{ period, lists }], timeZone);
  return {
    ...closed,
    head: { period, status: 'restated', priceList, layout: presentLayout },
    close: null,
    references: { rules: context.rules, prices },
    sql: { lines, disagreements: ordinaryDisagreements({ tables: currentTables, stretches, end }) },
    totals: once(() =>
      openTotals(queries, { counted: [], uncounted: lines, corrected: [] }, { period, priceList, timeZone }),
    ),
  };
}
