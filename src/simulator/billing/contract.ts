import type { TaskType } from '../transaction.ts';
import { type Micros, parseMicros } from './micros.ts';

/** The price of a task type and level. `level` `null` = of every level without a price of its own. */
export type Price = {
  readonly taskType: TaskType;
  readonly level: string | null;
  readonly model: 'flat' | 'graduated' | 'volume';
  readonly free: number;
  readonly tiers: readonly { readonly upTo: number; readonly unitPrice: Micros }[];
};

/** What the vendor and its customer agreed on for a month. */
export type Contract = {
  readonly currency: string;
  readonly minorDigits: number;
  readonly prices: readonly Price[];
  readonly minimum: Micros;
};

type Dated = { readonly effective_from: string; readonly effective_to: string | null };
type PriceList = {
  readonly currency: string;
  readonly prices: readonly (Dated & {
    readonly task_type: TaskType;
    readonly level: string | null;
    readonly model?: Price['model'];
    readonly unit_price?: string;
    readonly tiers?: readonly { readonly up_to: number | null; readonly unit_price: string }[];
    readonly free_allowance?: number;
  })[];
  readonly monthly_minimum?: readonly (Dated & { readonly amount: string })[];
};

/**
 * Reads what a price list in the form of `examples/prices.json` says of a month. The file is the contract that both
 * sides have; it is read here a second time on purpose, and taken to be as its form demands.
 */
export function contractOf(content: string, month: string): Contract {
  const list = JSON.parse(content) as PriceList;
  const { maximumFractionDigits = 2 } = new Intl.NumberFormat('en', {
    style: 'currency',
    currency: list.currency,
  }).resolvedOptions();
  const [minimum] = inForce(list.monthly_minimum ?? [], month);
  return {
    currency: list.currency,
    minorDigits: maximumFractionDigits,
    prices: inForce(list.prices, month).map((price) => ({
      taskType: price.task_type,
      level: price.level,
      model: price.model ?? 'flat',
      free: price.free_allowance ?? 0,
      tiers: (price.tiers ?? [{ up_to: null, unit_price: price.unit_price ?? '' }]).map((tier) => ({
        upTo: tier.up_to ?? Infinity,
        unitPrice: parseMicros(tier.unit_price),
      })),
    })),
    minimum: minimum ? parseMicros(minimum.amount) : 0n,
  };
}

function inForce<T extends Dated>(dated: readonly T[], month: string): T[] {
  const [first, next] = [`${month}-01`, firstDayAfter(month)];
  return dated.filter((one) => {
    const ends = one.effective_to ?? '9999-12-31';
    if (one.effective_from >= next || ends <= first) return false;
    if (one.effective_from <= first && ends >= next) return true;
    throw new RangeError(`The simulated vendor knows one price a month, and one changes within ${month}.`);
  });
}

/** The first day of the month after. */
export function firstDayAfter(month: string): string {
  const [year, number] = month.split('-').map(Number) as [number, number];
  return number === 12 ? `${year + 1}-01-01` : `${year}-${String(number + 1).padStart(2, '0')}-01`;
}
