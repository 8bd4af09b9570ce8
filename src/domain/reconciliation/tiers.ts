import { previousPeriod } from '../billing-month.ts';
import { type Price, type PriceBand, priceBands } from '../prices.ts';
import type { TierCount } from './readings.ts';

/** The first month that tiers are counted from; `undefined` = none before the month itself. */
export function firstCounted(period: string, tiers: TierCount): string | undefined {
  const year = period.slice(0, 4);
  const month = Number(period.slice(5));
  switch (tiers) {
    case 'month':
      return undefined;
    case 'month_before_alone':
    case 'from_month_before':
      return previousPeriod(period);
    case 'from_quarter':
      return `${year}-${String(month - ((month - 1) % 3)).padStart(2, '0')}`;
    case 'from_year':
      return `${year}-01`;
    default:
      return tiers satisfies never;
  }
}

/** The prices of a month's units by their number, where tiers may have been counted before the month began. */
export function bandsFrom(price: Price, units: bigint, earlier: bigint, tiers: TierCount): PriceBand[] {
  if (price.model === 'flat' || earlier === 0n) return priceBands(price, units);
  const { freeAllowance } = price;
  const free = priceBands(price, units).filter(({ from }) => from <= freeAllowance);
  const first = freeAllowance + 1n;
  const withoutFree: Price = { ...price, freeAllowance: 0n };
  const byNumber = (number: bigint): PriceBand[] =>
    priceBands({ ...withoutFree, model: 'volume' }, number).map((band) => ({ ...band, from: first }));
  if (tiers === 'month_before_alone') return [...free, ...byNumber(earlier)];
  const counted = units > freeAllowance ? units - freeAllowance : 1n;
  if (price.model === 'volume') return [...free, ...byNumber(earlier + counted)];
  const moved = priceBands(withoutFree, units).map((band) => ({ ...band, from: band.from - earlier + freeAllowance }));
  const reached = moved.findLastIndex(({ from }) => from <= first);
  return [...free, ...moved.slice(reached).map((band) => ({ ...band, from: band.from < first ? first : band.from }))];
}
