import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { monthlyMinimumAt, priceAt, priceBands } from '../../src/domain/prices.ts';
import { parsePriceList, readPriceList } from '../../src/reference-data/price-list.ts';
import { bandsTotal } from '../domain/price-oracle.ts';
import { dataFile, placesOf, problemsOf } from './support.ts';

const example = fileURLToPath(new URL('../../examples/prices-tiers.json', import.meta.url));

const entry = (overrides: Record<string, unknown>) => ({
  task_type: 'document_scan',
  level: null,
  effective_from: '2026-01-01',
  effective_to: null,
  ...overrides,
});
const list = (prices: unknown[], overrides: Record<string, unknown> = {}) => ({
  version: 'v1',
  currency: 'EUR',
  source: 'the contract',
  prices,
  ...overrides,
});
const flat = { unit_price: '0.5' };
const tiered = (...ends: unknown[]) => ({
  model: 'graduated',
  tiers: ends.map((up_to) => ({ up_to, unit_price: '0.5' })),
});
const places = (overrides: Record<string, unknown>) => placesOf(readPriceList, list([entry(overrides)]));
const minimums = (monthly_minimum: unknown, currency = 'EUR') =>
  problemsOf(readPriceList, dataFile(list([entry(flat)], { monthly_minimum, currency })));
const minimum = (overrides: Record<string, unknown> = {}) => ({
  effective_from: '2026-01-01',
  effective_to: null,
  amount: '500.00',
  ...overrides,
});

describe('the shipped example of models', () => {
  const { content, bytes, sha256 } = readPriceList(example);
  const cost = (taskType: string, level: string | null, day: string, units: bigint) => {
    const price = priceAt(content, taskType, level, new Date(`${day}T12:00:00Z`), 'UTC')!;
    return bandsTotal(priceBands(price, units), units);
  };

  test.each([
    // 100 free, 1,000 at 0.85, 9,000 at 0.70, the rest at 0.625
    ['document_scan', 'advanced', '2026-03-01', 100n, 0n],
    ['document_scan', 'advanced', '2026-03-01', 101n, 850_000n],
    ['document_scan', 'advanced', '2026-03-01', 1_100n, 850_000_000n],
    ['document_scan', 'advanced', '2026-03-01', 1_101n, 850_700_000n],
    ['document_scan', 'advanced', '2026-03-01', 10_101n, 7_150_625_000n],
    ['document_scan', 'basic', '2026-06-30', 51n, 31_875_000n],
    ['document_scan', 'basic', '2026-07-01', 51n, 600_000n],
    // all at 0.3333 up to 500, all at 0.25 from 501 on
    ['face_liveness', null, '2026-03-01', 500n, 166_650_000n],
    ['face_liveness', null, '2026-03-01', 501n, 125_250_000n],
    ['face_match', null, '2026-03-01', 3n, 750_000n],
  ])('%s, %s on %s: %d units cost %d micros', (taskType, level, day, units, expected) => {
    expect(cost(taskType, level, day, units)).toBe(expected);
  });

  test('has minimums with dates', () => {
    expect(monthlyMinimumAt(content, new Date('2026-06-01T00:00:00Z'), 'UTC')).toBe(250_000_000n);
    expect(monthlyMinimumAt(content, new Date('2026-07-01T00:00:00Z'), 'UTC')).toBe(500_000_000n);
  });

  test('is the same when read from a copy of its bytes', () => {
    const copy = parsePriceList(Buffer.from(bytes), 'the copy in the database');
    expect(copy).toEqual({ path: 'the copy in the database', sha256, bytes, content });
  });
});

describe('a price model is refused', () => {
  test.each<[string, Record<string, unknown>, string[]]>([
    ['an unknown one', { model: 'package', ...flat }, ['prices.0.model']],
    ['null', { model: null, ...flat }, ['prices.0.model']],
    ['flat without unit_price', { model: 'flat' }, ['prices.0.unit_price']],
    ['flat with tiers', { ...flat, tiers: tiered(null).tiers }, ['prices.0.tiers']],
    ['tiers without a model', { tiers: tiered(null).tiers }, ['prices.0.tiers', 'prices.0.unit_price']],
    ['graduated without tiers', { model: 'graduated' }, ['prices.0.tiers']],
    ['volume with unit_price alone', { model: 'volume', ...flat }, ['prices.0.tiers', 'prices.0.unit_price']],
    ['both prices', { ...tiered(null), ...flat }, ['prices.0.unit_price']],
    ['no tier', tiered(), ['prices.0.tiers']],
    ['tiers that are no list', { model: 'volume', tiers: {} }, ['prices.0.tiers']],
    ['a tier that is no object', { model: 'volume', tiers: [1] }, ['prices.0.tiers.0']],
    ['an end of the last tier', tiered(10, 20), ['prices.0.tiers.1.up_to']],
    ['no end of an earlier tier', tiered(null, 20, null), ['prices.0.tiers.0.up_to']],
    ['the same end twice', tiered(10, 10, null), ['prices.0.tiers.1.up_to']],
    ['falling ends', tiered(10, 9, null), ['prices.0.tiers.1.up_to']],
    ['zero', tiered(0, null), ['prices.0.tiers.0.up_to']],
    ['a negative end', tiered(-1, null), ['prices.0.tiers.0.up_to']],
    ['half a unit', tiered(1.5, null), ['prices.0.tiers.0.up_to']],
    ['an end in quotes', tiered('10', 5, null), ['prices.0.tiers.0.up_to']],
    ['an end beyond 10^12', tiered(10 ** 12 + 1, null), ['prices.0.tiers.0.up_to']],
    [
      'a tier without end and price',
      { model: 'volume', tiers: [{}] },
      ['prices.0.tiers.0.unit_price', 'prices.0.tiers.0.up_to'],
    ],
    ['a negative allowance', { ...flat, free_allowance: -1 }, ['prices.0.free_allowance']],
    ['an allowance in quotes', { ...flat, free_allowance: '1' }, ['prices.0.free_allowance']],
    ['an allowance of null', { ...flat, free_allowance: null }, ['prices.0.free_allowance']],
    ['an allowance beyond 10^12', { ...flat, free_allowance: 10 ** 12 + 1 }, ['prices.0.free_allowance']],
  ])('for %s', (_, overrides, expected) => {
    expect(places(overrides)).toEqual(expected);
  });

  test.each(['1e3', '1000.0', '1.0e3', '-0', '1000.00000000000000001', '1E0'])(
    'for the quantity %s: digits alone',
    (text) => {
      const file = JSON.stringify(list([entry({ ...flat, free_allowance: 4711 })])).replace('4711', text);
      expect(problemsOf(readPriceList, dataFile(file))).toEqual([expect.stringContaining('prices.0.free_allowance')]);
    },
  );

  test('but not at its bounds', () => {
    const prices = [
      entry({ ...tiered(1, 10 ** 12, null), free_allowance: 0 }),
      entry({ ...tiered(null), level: 'x', free_allowance: 10 ** 12 }),
      entry({ ...flat, level: 'y', model: 'flat' }),
    ];
    expect(readPriceList(dataFile(list(prices))).content.prices).toMatchObject([
      { freeAllowance: 0n, model: 'graduated', tiers: [{ upTo: 1n }, { upTo: 10n ** 12n }, { upTo: null }] },
      { freeAllowance: 10n ** 12n, model: 'graduated', tiers: [{ upTo: null, unitPrice: 500_000n }] },
      { freeAllowance: 0n, model: 'flat', unitPrice: 500_000n },
    ]);
  });
});

describe('a monthly minimum is refused', () => {
  test.each([
    ['EUR', '500.001', 2],
    ['EUR', '500.000', 2],
    ['JPY', '500.0', 0],
    ['KWD', '500.0001', 3],
  ])('in %s, of %s: at most %d decimals', (currency, amount, digits) => {
    expect(minimums([minimum({ amount })], currency)).toEqual([
      expect.stringMatching(
        new RegExp(`monthly_minimum\\.0\\.amount: must have at most ${digits} decimals.*"${amount}"`),
      ),
    ]);
  });

  test.each(['-1', '-1.234', '1e3', '1,000.00', '1.2345678', 500, 0.125, 'NaN', null])(
    'for the amount %s',
    (amount) => {
      expect(minimums([minimum({ amount })])).toEqual([expect.stringContaining('monthly_minimum.0.amount: must')]);
    },
  );

  test('for gaps, overlaps and spans turned round', () => {
    const found = minimums([
      minimum({ effective_to: '2026-02-01' }),
      minimum({ effective_from: '2026-03-01', effective_to: '2026-06-01' }),
      minimum({ effective_from: '2026-05-01' }),
    ]);
    expect(found).toEqual([
      expect.stringMatching(/: monthly_minimum\.1: monthly_minimum: gap from 2026-02-01 to 2026-03-01/),
      expect.stringMatching(/: monthly_minimum\.2: monthly_minimum: overlap from 2026-05-01/),
    ]);
  });

  test.each(['EURO', 'xEUR', ['EUR']])(
    'in the currency %j, which has no decimals: for the currency alone',
    (currency) => {
      const monthly_minimum = [minimum({ amount: '500.001' })];
      expect(placesOf(readPriceList, list([entry(flat)], { monthly_minimum, currency }))).toEqual(['currency']);
    },
  );

  test('not for a gap that one with a malformed date may fill', () => {
    const between = minimum({ effective_from: '2026-02-01', effective_to: '2026-02-30' });
    const found = minimums([
      minimum({ effective_to: '2026-02-01' }),
      between,
      minimum({ effective_from: '2026-03-01' }),
    ]);
    expect(found).toEqual([expect.stringContaining('monthly_minimum.1.effective_to: must be a day')]);
  });

  test('that is no list', () => {
    expect(minimums({ amount: '1' })).toEqual([expect.stringContaining('monthly_minimum: must be a list')]);
  });

  test('but not with the currency’s own digits, or none', () => {
    for (const [currency, amount] of [
      ['EUR', '500.00'],
      ['EUR', '500'],
      ['JPY', '500'],
      ['KWD', '0.125'],
    ] as const) {
      const file = dataFile(list([entry(flat)], { currency, monthly_minimum: [minimum({ amount })] }));
      expect(readPriceList(file).content.monthlyMinimums).toHaveLength(1);
    }
    expect(readPriceList(dataFile(list([entry(flat)], { monthly_minimum: [] }))).content.monthlyMinimums).toEqual([]);
  });
});
