import { type Price, priceAt, type PriceList } from '../../src/domain/prices.ts';
import { type AttemptGroup, type Charge, reportLines } from '../../src/domain/report-lines.ts';
import { deepFrozen } from './support.ts';

export const prices = (
  ...entries: [taskType: string, level: string | null, unitPrice: bigint, from?: string, to?: string][]
) =>
  entries.map(([taskType, level, unitPrice, effectiveFrom = '2026-01-01', effectiveTo = null]): Price => ({
    taskType,
    level,
    model: 'flat',
    unitPrice,
    freeAllowance: 0n,
    effectiveFrom,
    effectiveTo,
  }));
export const listOf = (entries: Price[], minorDigits = 2): PriceList => ({
  version: 'p1',
  currency: 'EUR',
  minorDigits,
  source: 'a test',
  prices: entries,
  monthlyMinimums: [],
});

/** What the database counts, with the time by which these tests look up the price. */
type Counted = Omit<AttemptGroup, 'unitPrice' | 'lines' | 'unpriced'> & { readonly pricedAt: Date };

export function group(attempts: number, invoiced: number, overrides: Partial<Counted> = {}): Counted {
  const notInvoiced = overrides.unclassified === undefined ? BigInt(attempts - invoiced) : 0n;
  return {
    correctsPeriod: null,
    taskType: 'document_scan',
    level: null,
    code: null,
    priceListVersion: 'p1',
    pricedAt: new Date('2026-10-01T00:00:00Z'),
    ruleTableVersion: 'r1',
    attempts: BigInt(attempts),
    invoiced: BigInt(invoiced),
    notInvoiced,
    unclassified: 0n,
    vendorCounter: null,
    counted: 0n,
    countedInvoiced: 0n,
    differing: 0n,
    ...overrides,
  };
}

const priced = (groups: readonly Counted[], list: PriceList | undefined): AttemptGroup[] =>
  groups.map(({ pricedAt, ...one }) => {
    const price = list && priceAt(list, one.taskType, one.level, pricedAt, 'UTC');
    const unitPrice = price?.model === 'flat' ? price.unitPrice : null;
    const unpriced = unitPrice === null && one.invoiced > 0n ? one.invoiced : 0n;
    return { ...one, unitPrice, lines: one.attempts, unpriced };
  });

export const report = (groups: readonly Counted[], list: PriceList | undefined, charges: Charge[] = []) =>
  reportLines(deepFrozen(priced(groups, list)), { minorDigits: list?.minorDigits, charges });
