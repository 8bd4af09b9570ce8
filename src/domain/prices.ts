import { type DateProblem, type Effective, effectiveDateProblems, inForceAt } from './effective-dates.ts';
import { type Micros } from './money.ts';

/** Units from the one after the previous tier's last up to and including `upTo` (`null` = no end). */
export type Tier = { readonly upTo: bigint | null; readonly unitPrice: Micros };

/**
 * How units of a month are priced.
 * - `flat`: each alike.
 * - `graduated`: each at the price of the tier that its own number falls in.
 * - `volume`: all at the price of the tier that the month's number of units falls in.
 */
export type PriceModel =
  | { readonly model: 'flat'; readonly unitPrice: Micros }
  | { readonly model: 'graduated' | 'volume'; readonly tiers: readonly Tier[] };

/**
 * The price of invoiced attempts. `level` `null` = every level that has no price of its own. Each entry counts its own
 * units, anew every month; the first `freeAllowance` of them cost nothing and are not counted by the tiers.
 */
export type Price = Effective &
  PriceModel & { readonly taskType: string; readonly level: string | null; readonly freeAllowance: bigint };

/** What a month costs at least; the one in force at its start counts. */
export type MonthlyMinimum = Effective & { readonly amount: Micros };

/** Contracted prices in one currency. */
export type PriceList = {
  readonly version: string;
  readonly currency: string;
  readonly minorDigits: number;
  readonly source: string;
  readonly prices: readonly Price[];
  readonly monthlyMinimums: readonly MonthlyMinimum[];
};

/** Units `from` to the next band's `from` (counted from 1 in order of time) cost `unitPrice` each. */
export type PriceBand = { readonly from: bigint; readonly unitPrice: Micros; readonly tier: string };

/** Gaps and overlaps between prices of the same task type and level. Empty = none. */
export function priceProblems<T extends Pick<Price, 'taskType' | 'level' | keyof Effective>>(
  prices: readonly T[],
): DateProblem<T>[] {
  const byKey = Map.groupBy(prices, ({ taskType, level }) => JSON.stringify([taskType, level]));
  return [...byKey.values()].flatMap((same) => {
    const { taskType, level } = same[0] ?? { taskType: '', level: null };
    return effectiveDateProblems(same, `${taskType}, ${level === null ? 'any level' : `level ${level}`}`);
  });
}

/** The price in force for a task type and level at an instant; `undefined` = the list has none. */
export function priceAt(
  list: PriceList,
  taskType: string,
  level: string | null,
  instant: Date,
  timeZone: string,
): Price | undefined {
  const ofType = list.prices.filter((price) => price.taskType === taskType);
  const ofLevel = ofType.filter((price) => price.level !== null && price.level === level);
  const anyLevel = ofType.filter((price) => price.level === null);
  return inForceAt(ofLevel, instant, timeZone) ?? inForceAt(anyLevel, instant, timeZone);
}

/**
 * The prices of a month's units by their number. The first band begins at 1; the last one has no end.
 *
 * @param units how many units the month has: the tier of a `volume` price depends on it.
 */
export function priceBands(price: Price, units: bigint): PriceBand[] {
  const { freeAllowance } = price;
  const free: PriceBand[] = freeAllowance > 0n ? [{ from: 1n, unitPrice: 0n, tier: `free to ${freeAllowance}` }] : [];
  const first = freeAllowance + 1n;
  switch (price.model) {
    case 'flat':
      return [...free, { from: first, unitPrice: price.unitPrice, tier: 'flat' }];
    case 'graduated':
      return [...free, ...tierBands(price.tiers, freeAllowance)];
    case 'volume': {
      const counted = units > freeAllowance ? units - freeAllowance : 1n;
      const reached = tierBands(price.tiers, 0n).findLast(({ from }) => from <= counted);
      return reached ? [...free, { ...reached, from: first }] : free;
    }
    default:
      return price satisfies never;
  }
}

function tierBands(tiers: readonly Tier[], before: bigint): PriceBand[] {
  return tiers.map(({ upTo, unitPrice }, index) => {
    const from = (tiers[index - 1]?.upTo ?? 0n) + 1n;
    return { from: before + from, unitPrice, tier: upTo === null ? `from ${from}` : `${from} to ${upTo}` };
  });
}

/** Whether what a unit costs depends on how many there are. */
export const isCounted = (price: Price): boolean => price.model !== 'flat' || price.freeAllowance > 0n;

/** What the month that begins at an instant costs at least; `undefined` = no minimum. */
export function monthlyMinimumAt(list: PriceList, monthStart: Date, timeZone: string): Micros | undefined {
  return inForceAt(list.monthlyMinimums, monthStart, timeZone)?.amount;
}
