import { describe, expect, test } from 'vitest';
import {
  monthlyMinimumAt,
  type Price,
  priceAt as priceInListAt,
  type PriceList,
  priceProblems,
} from '../../src/domain/prices.ts';

function price(level: string | null, unitPrice: bigint, from = '2026-01-01', to: string | null = null): Price {
  const dates = { effectiveFrom: from, effectiveTo: to };
  return { taskType: 'document_scan', level, ...dates, freeAllowance: 0n, model: 'flat', unitPrice };
}

function list(...prices: Price[]): PriceList {
  return { version: 'v1', currency: 'EUR', minorDigits: 2, source: 'a test', prices, monthlyMinimums: [] };
}

const noon = new Date('2026-06-15T12:00:00Z');
const priceAt = (prices: PriceList, level: string | null, instant = noon, taskType = 'document_scan') => {
  const found = priceInListAt(prices, taskType, level, instant, 'Europe/Amsterdam');
  return found?.model === 'flat' ? found.unitPrice : undefined;
};

describe('the price of a level', () => {
  const both = list(price(null, 1n), price('advanced', 2n));

  test.each([
    ['advanced', 2n],
    ['basic', 1n],
    ['Advanced', 1n],
    ['advanced ', 1n],
    ['', 1n],
    [null, 1n],
  ])('level %j: its own price goes before the one of any level, whatever their order', (level, expected) => {
    expect(priceAt(both, level)).toBe(expected);
    expect(priceAt(list(...both.prices.toReversed()), level)).toBe(expected);
  });

  test('without a price of its own and of any level is not known, never guessed from another level', () => {
    expect(priceAt(list(price('advanced', 2n)), 'basic')).toBeUndefined();
    expect(priceAt(list(price('advanced', 2n)), null)).toBeUndefined();
  });

  test('of another task type does not count', () => {
    expect(priceAt(both, 'advanced', noon, 'face_match')).toBeUndefined();
    expect(priceAt(both, null, noon, 'Document_Scan')).toBeUndefined();
  });

  test('of zero is a price', () => {
    expect(priceAt(list(price(null, 1n), price('free', 0n)), 'free')).toBe(0n);
  });
});

describe('the price of a day', () => {
  const changing = list(
    price(null, 9n),
    price('advanced', 1n, '2026-01-01', '2026-03-29'),
    price('advanced', 2n, '2026-03-29', '2026-10-26'),
  );

  test.each([
    ['the last millisecond of the day before', '2026-03-28T22:59:59.999Z', 1n],
    ['the first millisecond of the day on which the clock is put forward', '2026-03-28T23:00:00.000Z', 2n],
    ['the last millisecond of the day on which the clock is put back', '2026-10-25T22:59:59.999Z', 2n],
    ['once it has ended, the price of any level', '2026-10-25T23:00:00.000Z', 9n],
    ['before it begins, the price of any level', '2025-12-31T23:00:00.000Z', 1n],
    ['before anything begins, none', '2025-12-31T22:59:59.999Z', undefined],
  ])('%s: %s', (_, instant, expected) => {
    expect(priceAt(changing, 'advanced', new Date(instant))).toBe(expected);
  });
});

describe('gaps and overlaps', () => {
  test('are looked for among prices of the same task type and level alone', () => {
    const prices = [
      price(null, 1n, '2026-01-01', '2026-02-01'),
      price('advanced', 1n, '2026-01-15', null),
      price('null', 1n, '2026-05-01', null),
      { ...price(null, 1n, '2026-06-01'), taskType: 'face_match' },
    ];
    expect(priceProblems(prices)).toEqual([]);
  });

  test('are named with task type, level and dates', () => {
    const problems = priceProblems([
      price('advanced', 1n, '2026-01-01', '2026-02-01'),
      price(null, 1n, '2026-01-01', '2026-03-01'),
      price('advanced', 1n, '2026-02-02', null),
      price(null, 1n, '2026-02-01', null),
    ]);
    expect(problems).toHaveLength(2);
    const [gap, overlap] = problems;
    for (const word of ['document_scan', 'level advanced', 'gap', '2026-02-01', '2026-02-02'])
      expect(gap?.message).toContain(word);
    for (const word of ['document_scan', 'any level', 'overlap', '2026-02-01', '2026-03-01'])
      expect(overlap?.message).toContain(word);
  });
});

test.each([
  ['before the first', '2025-12-31T23:00:00Z', 'UTC', undefined],
  ['from its first day on', '2026-01-01T00:00:00Z', 'UTC', 500n],
  ['of the month’s own start, when another begins within it', '2026-06-01T00:00:00Z', 'UTC', 500n],
  ['of the next month, then', '2026-07-01T00:00:00Z', 'UTC', 800n],
  ['in the zone of the months', '2026-05-31T22:00:00Z', 'Europe/Amsterdam', 500n],
  ['none, once the last has ended', '2027-01-01T00:00:00Z', 'UTC', undefined],
])('a monthly minimum: %s', (_, start, zone, expected) => {
  const monthlyMinimums = [
    { effectiveFrom: '2026-01-01', effectiveTo: '2026-06-15', amount: 500n },
    { effectiveFrom: '2026-06-15', effectiveTo: '2027-01-01', amount: 800n },
  ];
  expect(monthlyMinimumAt({ ...list(), monthlyMinimums }, new Date(start), zone)).toBe(expected);
});
