import { type Effective, effectiveDateProblems, inForceAt } from './effective-dates.ts';
import { type Micros } from './money.ts';

/** The price of one invoiced attempt. `level` `null` = every level that has no price of its own. */
export type Price = Effective & {
  readonly taskType: string;
  readonly level: string | null;
  readonly unitPrice: Micros;
};

/** Contracted prices in one currency. */
export type PriceList = {
  readonly version: string;
  readonly currency: string;
  readonly minorDigits: number;
  readonly source: string;
  readonly prices: readonly Price[];
};

/** Gaps and overlaps between prices of the same task type and level. Empty = none. */
export function priceProblems(prices: readonly Price[]): string[] {
  const byKey = Map.groupBy(prices, ({ taskType, level }) => JSON.stringify([taskType, level]));
  return [...byKey.values()].flatMap((same) => {
    const { taskType, level } = same[0] ?? { taskType: '', level: null };
    return effectiveDateProblems(same, `${taskType}, ${level === null ? 'any level' : `level ${level}`}`);
  });
}

/** The unit price in force for a task type and level at an instant; `undefined` = the list has none. */
export function unitPriceAt(
  list: PriceList,
  taskType: string,
  level: string | null,
  instant: Date,
  timeZone: string,
): Micros | undefined {
  const ofType = list.prices.filter((price) => price.taskType === taskType);
  const ofLevel = ofType.filter((price) => price.level !== null && price.level === level);
  const anyLevel = ofType.filter((price) => price.level === null);
  return (inForceAt(ofLevel, instant, timeZone) ?? inForceAt(anyLevel, instant, timeZone))?.unitPrice;
}
