import { type DateProblem, type Effective, effectiveDateProblems, inForceAt } from './effective-dates.ts';
import { type Micros } from './money.ts';

/** A price tier: from the unit after the previous tier's last one up to and including `upTo` (`null` = no end). */
type Tier = { readonly upTo: bigint | null; readonly unitPrice: Micros };

/**
 * How the units of a month are priced:
 * - `flat`: all units at one price.
 * - `graduated`: each unit at the price of the tier that its own number falls in.
 * - `volume`: all units at the price of the tier that the month's total falls in.
 */
export type PriceModel =
  | { readonly model: 'flat'; readonly unitPrice: Micros }
  | { readonly model: 'graduated' | 'volume'; readonly tiers: readonly Tier[] };

/**
 * The price of invoiced attempts. `level` `null` = every level without a price of its own. Each entry has its own count
 * of units, which restarts every month. The first `freeAllowance` units are free and do not count towards tiers.
 */
export type Price = Effective &
  PriceModel & { readonly taskType: string; readonly level: string | null; readonly freeAllowance: bigint };

/** The minimum charge of a month. The one in force at the month's start applies. */
type MonthlyMinimum = Effective & { readonly amount: Micros };

/** Contracted prices in one currency. */
export type PriceList = {
  readonly version: string;
  readonly currency: string;
  readonly minorDigits: number;
  readonly source: string;
  readonly prices: readonly Price[];
  readonly monthlyMinimums: readonly MonthlyMinimum[];
};

/**
 * A unit price for the units from number `from` to the next band's `from`. Units are numbered from 1 in order of time.
 */
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
 * @param units the month's number of units, which selects the tier of a `volume` price.
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

/** Whether a unit's cost depends on the number of units. */
export const isCounted = (price: Price): boolean => price.model !== 'flat' || price.freeAllowance > 0n;

/** The minimum charge of the month that begins at `monthStart`; `undefined` = none. */
export function monthlyMinimumAt(list: PriceList, monthStart: Date, timeZone: string): Micros | undefined {
  return inForceAt(list.monthlyMinimums, monthStart, timeZone)?.amount;
}
