import { monthBounds } from './billing-month.ts';
import { boundariesWithin } from './effective-dates.ts';
import { isCounted, priceAt, priceBands, type PriceBand, type PriceList } from './prices.ts';

/** A month and the price lists that it is priced by: the first one that has a price for something is the one. */
export type PricedMonth = { readonly period: string; readonly lists: readonly PriceList[] };

/** A stretch of time within one month during which no price changes. Ends where the next one starts. */
export type Stretch = PricedMonth & { readonly start: Date };

/** Invoiced attempts of a task type and level in a stretch, numbered from 1 as SQL's `width_bucket` does. */
export type UnitCount = {
  readonly taskType: string;
  readonly level: string | null;
  readonly stretch: number;
  readonly units: bigint;
};

/** What attempts of a task type and level cost in a stretch. Those of one `scope` are counted together. */
export type PriceCell = {
  readonly taskType: string;
  readonly level: string | null;
  readonly stretch: number;
  readonly scope: number;
  readonly isCounted: boolean;
  readonly list: Pick<PriceList, 'version' | 'minorDigits'>;
  readonly bands: readonly PriceBand[];
};

/** Divides months that follow one another into stretches. */
export function stretchesOf(months: readonly PricedMonth[], timeZone: string): Stretch[] {
  return months.flatMap(({ period, lists }) => {
    const { start, end } = monthBounds(period, timeZone);
    const prices = lists.flatMap((list) => list.prices);
    const changes = boundariesWithin(prices, start, end, timeZone);
    return [start, ...changes].map((from) => ({ period, lists, start: from }));
  });
}

/** Finds the price of everything that was counted; what has none gets no cell. */
export function priceCells(counts: readonly UnitCount[], stretches: readonly Stretch[], timeZone: string): PriceCell[] {
  const priced = counts.flatMap((count) => {
    const stretch = stretches[count.stretch - 1];
    if (!stretch) return [];
    for (const [position, list] of stretch.lists.entries()) {
      const price = priceAt(list, count.taskType, count.level, stretch.start, timeZone);
      if (price) return [{ count, price, list, scope: `${stretch.period} ${position} ${list.prices.indexOf(price)}` }];
    }
    return [];
  });
  const units = new Map<string, bigint>();
  for (const { scope, count } of priced) units.set(scope, (units.get(scope) ?? 0n) + count.units);
  const numbers = [...units.keys()];
  return priced.map(({ count: { taskType, level, stretch }, price, list, scope }) => ({
    ...{ taskType, level, stretch, list },
    scope: numbers.indexOf(scope),
    isCounted: isCounted(price),
    bands: priceBands(price, units.get(scope) ?? 0n),
  }));
}
