import { monthBounds } from './billing-month.ts';
import { boundariesWithin } from './effective-dates.ts';
import { isCounted, priceAt, priceBands, type PriceBand, type PriceList } from './prices.ts';
import type { AttemptGroup, Quantities } from './report-lines.ts';
import type { VendorCounts } from './vendor-counts.ts';

/** A month and its price lists. The first list that has a price for an attempt applies. */
export type PricedMonth = { readonly period: string; readonly lists: readonly PriceList[] };

/** A span within one month during which no price changes. It ends where the next one starts. */
export type Stretch = PricedMonth & { readonly start: Date };

/** A task type and level in a stretch. Stretches are numbered from 1, as by SQL's `width_bucket`. */
type CellKey = { readonly taskType: string; readonly level: string | null; readonly stretch: number };

/** The number of invoiced attempts of a cell. */
export type UnitCount = CellKey & { readonly units: bigint };

/** Attempts of a stretch that are equal in everything their cost depends on, except their rank for tiers. */
export type AttemptCount = CellKey & Quantities & VendorCounts & Pick<AttemptGroup, 'code' | 'ruleTableVersion'>;

/**
 * The prices of a task type and level in a stretch. Cells with the same `scope` share one count for tiers and
 * allowances.
 */
export type PriceCell = CellKey & {
  readonly scope: number;
  readonly isCounted: boolean;
  readonly list: Pick<PriceList, 'version' | 'minorDigits'>;
  readonly bands: readonly PriceBand[];
};

/** Divides consecutive months into stretches. */
export function stretchesOf(months: readonly PricedMonth[], timeZone: string): Stretch[] {
  return months.flatMap(({ period, lists }) => {
    const { start, end } = monthBounds(period, timeZone);
    const prices = lists.flatMap((list) => list.prices);
    const changes = boundariesWithin(prices, start, end, timeZone);
    return [start, ...changes].map((from) => ({ period, lists, start: from }));
  });
}

/** Counts the attempts that count towards tiers and allowances. */
export function unitCounts(counts: readonly AttemptCount[]): UnitCount[] {
  return [...Map.groupBy(counts, cellKey).values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const { taskType, level, stretch } = first;
    return [{ taskType, level, stretch, units: same.reduce((sum, { invoiced }) => sum + invoiced, 0n) }];
  });
}

/**
 * Prices a month's own attempts by their counts.
 *
 * @returns `undefined` if a price depends on an attempt's rank, so that each attempt must be priced on its own.
 */
export function pricedCounts(
  counts: readonly AttemptCount[],
  cells: readonly PriceCell[],
  stretches: readonly Stretch[],
): AttemptGroup[] | undefined {
  if (cells.some(({ bands }) => bands.length > 1)) return undefined;
  const byKey = new Map(cells.map((cell) => [cellKey(cell), cell]));
  return counts.map(({ stretch, ...count }) => {
    const cell = byKey.get(cellKey({ ...count, stretch }));
    const unitPrice = cell?.bands[0]?.unitPrice ?? null;
    return {
      ...count,
      correctsPeriod: null,
      unitPrice,
      lines: count.attempts,
      unpriced: unitPrice === null ? count.invoiced : 0n,
      priceListVersion: cell?.list.version ?? stretches[stretch - 1]?.lists[0]?.version ?? null,
    };
  });
}

const cellKey = ({ taskType, level, stretch }: CellKey): string => JSON.stringify([taskType, level, stretch]);

/** Finds the price of every count. A count without a price gets no cell. */
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
    taskType,
    level,
    stretch,
    list,
    scope: numbers.indexOf(scope),
    isCounted: isCounted(price),
    bands: priceBands(price, units.get(scope) ?? 0n),
  }));
}
