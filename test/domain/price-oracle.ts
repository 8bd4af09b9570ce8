import type { PriceBand } from '../../src/domain/prices.ts';

/** An exact fraction: `numerator / denominator`. */
export type Rational = { readonly numerator: bigint; readonly denominator: bigint };

/** A decimal as it is written, as a fraction. */
export function rational(text: string): Rational {
  const [whole = '', decimals = ''] = text.split('.');
  return { numerator: BigInt(whole + decimals), denominator: 10n ** BigInt(decimals.length) };
}

export function plus(a: Rational, b: Rational): Rational {
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}

export const isSame = (a: Rational, b: Rational): boolean =>
  a.numerator * b.denominator === b.numerator * a.denominator;

/** A contract in words that have nothing to do with the code under test. */
export type Contract = {
  readonly model: 'flat' | 'graduated' | 'volume';
  readonly free: number;
  /** How many units each step holds, and what one of them costs; the last one holds any number. */
  readonly steps: readonly { readonly size: number; readonly price: string }[];
};

/** What each unit of a month costs, one by one, in order: the price list read aloud. */
export function pricesOneByOne({ model, free, steps }: Contract, units: number): Rational[] {
  const ofNth = (nth: number): string => {
    let left = nth;
    for (const [index, { size, price }] of steps.entries()) {
      if (index === steps.length - 1 || left <= size) return price;
      left -= size;
    }
    throw new Error('a contract has a last step');
  };
  return Array.from({ length: units }, (_, index) => {
    const nth = index + 1;
    if (nth <= free) return rational('0');
    if (model === 'flat') return rational(steps[0]!.price);
    return rational(ofNth(model === 'graduated' ? nth - free : units - free));
  });
}

/** What units cost by their bands, each from its first unit to the one before the next band's. In micro-units. */
export function bandsTotal(bands: readonly PriceBand[], units: bigint): bigint {
  let total = 0n;
  for (const [index, { from, unitPrice }] of bands.entries()) {
    const next = bands[index + 1]?.from ?? units + 1n;
    const last = next - 1n < units ? next - 1n : units;
    if (last >= from) total += (last - from + 1n) * unitPrice;
  }
  return total;
}
