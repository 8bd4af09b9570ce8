import { describe, expect, test } from 'vitest';
import { formatAmount, parsePrice, roundToMinorUnit } from '../../src/domain/money.ts';
import { isCounted, type Price, priceBands, type PriceModel } from '../../src/domain/prices.ts';
import { bandsTotal } from './price-oracle.ts';

const price = (model: PriceModel, freeAllowance = 0n): Price => ({
  taskType: 'document_scan',
  level: null,
  effectiveFrom: '2026-01-01',
  effectiveTo: null,
  freeAllowance,
  ...model,
});
const tiers = (...steps: [upTo: bigint | null, unitPrice: string][]) =>
  steps.map(([upTo, text]) => ({ upTo, unitPrice: parsePrice(text)! }));

const flat: PriceModel = { model: 'flat', unitPrice: parsePrice('0.85')! };
const steps = tiers([10n, '1'], [20n, '0.8'], [null, '0.5']);
const graduated: PriceModel = { model: 'graduated', tiers: steps };
const volume: PriceModel = { model: 'volume', tiers: steps };

const models: [name: string, price: Price, totals: [units: bigint, total: string][]][] = [
  [
    'flat',
    price(flat),
    [
      [0n, '0.00'],
      [1n, '0.85'],
      [2n, '1.70'],
      [1_000_000n, '850000.00'],
    ],
  ],
  [
    'flat, 5 free',
    price(flat, 5n),
    [
      [0n, '0.00'],
      [1n, '0.00'],
      [4n, '0.00'],
      [5n, '0.00'],
      [6n, '0.85'],
      [7n, '1.70'],
    ],
  ],
  [
    'graduated: 10 at 1, 10 at 0.8, then 0.5',
    price(graduated),
    [
      [0n, '0.00'],
      [1n, '1.00'],
      [9n, '9.00'],
      [10n, '10.00'],
      [11n, '10.80'],
      [19n, '17.20'],
      [20n, '18.00'],
      [21n, '18.50'],
      [1_020n, '518.00'],
    ],
  ],
  [
    'graduated, 5 free: the tiers begin behind them',
    price(graduated, 5n),
    [
      [0n, '0.00'],
      [1n, '0.00'],
      [4n, '0.00'],
      [5n, '0.00'],
      [6n, '1.00'],
      [14n, '9.00'],
      [15n, '10.00'],
      [16n, '10.80'],
      [24n, '17.20'],
      [25n, '18.00'],
      [26n, '18.50'],
    ],
  ],
  [
    'graduated, 15 free, more than the first tier holds: no tier is lost',
    price(graduated, 15n),
    [
      [0n, '0.00'],
      [14n, '0.00'],
      [15n, '0.00'],
      [16n, '1.00'],
      [24n, '9.00'],
      [25n, '10.00'],
      [26n, '10.80'],
      [34n, '17.20'],
      [35n, '18.00'],
      [36n, '18.50'],
    ],
  ],
  [
    'volume: all at 1 up to 10, all at 0.8 up to 20, then all at 0.5',
    price(volume),
    [
      [0n, '0.00'],
      [1n, '1.00'],
      [9n, '9.00'],
      [10n, '10.00'],
      [11n, '8.80'],
      [19n, '15.20'],
      [20n, '16.00'],
      [21n, '10.50'],
      [1_000n, '500.00'],
    ],
  ],
  [
    'volume, 5 free: the others alone tell the tier',
    price(volume, 5n),
    [
      [0n, '0.00'],
      [1n, '0.00'],
      [4n, '0.00'],
      [5n, '0.00'],
      [6n, '1.00'],
      [14n, '9.00'],
      [15n, '10.00'],
      [16n, '8.80'],
      [24n, '15.20'],
      [25n, '16.00'],
      [26n, '10.50'],
    ],
  ],
  [
    'volume, 25 free, more than two tiers hold',
    price(volume, 25n),
    [
      [0n, '0.00'],
      [24n, '0.00'],
      [25n, '0.00'],
      [26n, '1.00'],
      [35n, '10.00'],
      [36n, '8.80'],
      [45n, '16.00'],
      [46n, '10.50'],
    ],
  ],
  [
    'graduated in a single tier: as flat',
    price({ model: 'graduated', tiers: tiers([null, '0.3333']) }),
    [
      [0n, '0.00'],
      [1n, '0.3333'],
      [2n, '0.6666'],
      [1_234n, '411.2922'],
    ],
  ],
  [
    'volume in a single tier: as flat',
    price({ model: 'volume', tiers: tiers([null, '0.3333']) }),
    [
      [0n, '0.00'],
      [1n, '0.3333'],
      [1_234n, '411.2922'],
    ],
  ],
  [
    'graduated, a first tier of one unit that is free, and a dearer last one',
    price({ model: 'graduated', tiers: tiers([1n, '0'], [2n, '0.000001'], [null, '2']) }),
    [
      [0n, '0.00'],
      [1n, '0.00'],
      [2n, '0.000001'],
      [3n, '2.000001'],
      [4n, '4.000001'],
    ],
  ],
  [
    'graduated, at the largest quantity',
    price({ model: 'graduated', tiers: tiers([10n ** 12n, '0.000001'], [null, '1']) }),
    [
      [10n ** 12n - 1n, '999999.999999'],
      [10n ** 12n, '1000000.00'],
      [10n ** 12n + 1n, '1000001.00'],
    ],
  ],
];

describe.each(models)('%s', (_, model, totals) => {
  test.each(totals)('%d units cost %s', (units, total) => {
    expect(formatAmount(bandsTotal(priceBands(model, units), units), 2)).toBe(total);
  });
});

describe('bands', () => {
  const shape = (of: Price, units: bigint) => priceBands(of, units).map(({ from, tier }) => [from, tier]);

  test('say where they begin and which tier they are', () => {
    expect(shape(price(flat), 0n)).toEqual([[1n, 'flat']]);
    expect(shape(price(flat, 5n), 0n)).toEqual([
      [1n, 'free to 5'],
      [6n, 'flat'],
    ]);
    expect(shape(price(graduated, 5n), 0n)).toEqual([
      [1n, 'free to 5'],
      [6n, '1 to 10'],
      [16n, '11 to 20'],
      [26n, 'from 21'],
    ]);
  });

  test.each([
    [0n, '1 to 10'],
    [5n, '1 to 10'],
    [15n, '1 to 10'],
    [16n, '11 to 20'],
    [25n, '11 to 20'],
    [26n, 'from 21'],
  ])('of a volume price with 5 free: of %d units, all are in the tier %s', (units, tier) => {
    expect(shape(price(volume, 5n), units)).toEqual([
      [1n, 'free to 5'],
      [6n, tier],
    ]);
  });

  test('depend on the number of units for all but flat prices without allowance', () => {
    expect([price(flat), price(flat, 1n), price(graduated), price(volume)].map(isCounted)).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });
});

test('1,234 × 0.3333 are 411.29, never 407.22, which is 1,234 × 0.33', () => {
  const exact = bandsTotal(priceBands(price({ model: 'flat', unitPrice: parsePrice('0.3333')! }), 1_234n), 1_234n);
  expect(formatAmount(roundToMinorUnit(exact, 2), 2)).toBe('411.29');
  expect(formatAmount(1_234n * parsePrice('0.33')!, 2)).toBe('407.22');
});
