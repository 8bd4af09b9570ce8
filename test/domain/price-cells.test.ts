import { describe, expect, test } from 'vitest';
import {
  type AttemptCount,
  priceCells,
  pricedCounts,
  type PricedMonth,
  stretchesOf,
  unitCounts,
} from '../../src/domain/price-cells.ts';
import type { Price, PriceList } from '../../src/domain/prices.ts';
import { listOf, prices } from './support-report-lines.ts';

const zone = 'Europe/Amsterdam';
const flat = prices(['document_scan', null, 850_000n], ['face_match', 'basic', 250_000n]);
const tiered: Price = {
  taskType: 'document_scan',
  level: null,
  model: 'graduated',
  tiers: [
    { upTo: 10n, unitPrice: 900_000n },
    { upTo: null, unitPrice: 700_000n },
  ],
  freeAllowance: 0n,
  effectiveFrom: '2026-01-01',
  effectiveTo: null,
};
const october = (...lists: PriceList[]): PricedMonth[] => [{ period: '2026-10', lists }];

const count = (invoiced: bigint, overrides: Partial<AttemptCount> = {}): AttemptCount => ({
  taskType: 'document_scan',
  level: null,
  stretch: 1,
  code: null,
  ruleTableVersion: 'r1',
  attempts: 5n,
  invoiced,
  notInvoiced: 5n - invoiced,
  unclassified: 0n,
  vendorCounter: null,
  counted: 0n,
  countedInvoiced: 0n,
  differing: 0n,
  ...overrides,
});

describe('a month is divided where a price begins or ends:', () => {
  const bounds = (months: readonly PricedMonth[]) =>
    stretchesOf(months, zone).map(({ period, start }) => [period, start.toISOString()]);

  test('nowhere where none does, nor where one does at its ends', () => {
    expect(bounds(october(listOf(flat)))).toEqual([['2026-10', '2026-09-30T22:00:00.000Z']]);
    const months = prices(
      ['document_scan', null, 1n, '2026-10-01', '2026-11-01'],
      ['document_scan', null, 2n, '2026-11-01'],
    );
    expect(bounds(october(listOf(months)))).toHaveLength(1);
  });

  test('at the day’s start in the billing time zone, of any list, months one behind the other', () => {
    const [one, other] = [
      listOf(prices(['document_scan', null, 1n, '2026-10-26'])),
      listOf(prices(['face_match', null, 1n, '2026-01-01', '2026-10-05'])),
    ];
    const both = [...october(one, other), { period: '2026-11', lists: [one] }];
    expect(bounds(both)).toEqual([
      ['2026-10', '2026-09-30T22:00:00.000Z'],
      ['2026-10', '2026-10-04T22:00:00.000Z'],
      ['2026-10', '2026-10-25T23:00:00.000Z'],
      ['2026-11', '2026-10-31T23:00:00.000Z'],
    ]);
    expect(stretchesOf(both, zone).map(({ lists }) => lists.length)).toEqual([2, 2, 2, 1]);
  });
});

test('towards tiers counts what is invoiced, whatever its code, by task type, level and stretch', () => {
  const counts = [
    count(3n),
    count(2n, { code: 'x' }),
    count(0n, { code: 'y' }),
    count(4n, { stretch: 2 }),
    count(1n, { level: 'basic' }),
    count(5n, { taskType: 'face_match' }),
  ];
  expect(unitCounts(counts)).toEqual([
    { taskType: 'document_scan', level: null, stretch: 1, units: 5n },
    { taskType: 'document_scan', level: null, stretch: 2, units: 4n },
    { taskType: 'document_scan', level: 'basic', stretch: 1, units: 1n },
    { taskType: 'face_match', level: null, stretch: 1, units: 5n },
  ]);
  expect(unitCounts([])).toEqual([]);
});

describe('the price of what is counted', () => {
  const cellsOf = (counts: readonly AttemptCount[], months: readonly PricedMonth[]) =>
    priceCells(unitCounts(counts), stretchesOf(months, zone), zone);

  test('is that of the first list that has one', () => {
    const [first, second] = [listOf(prices(['face_match', null, 1n])), { ...listOf(flat), version: 'p2' }];
    const cells = cellsOf([count(2n), count(1n, { taskType: 'face_match', level: 'basic' })], october(first, second));
    expect(cells.map(({ taskType, list, bands }) => [taskType, list.version, bands[0]?.unitPrice])).toEqual([
      ['document_scan', 'p2', 850_000n],
      ['face_match', 'p1', 1n],
    ]);
    expect(cells.map(({ isCounted }) => isCounted)).toEqual([false, false]);
  });

  test('is none where no list has one, or where there is no such stretch', () => {
    const months = october(listOf(flat));
    expect(cellsOf([count(2n, { taskType: 'nfc_read' }), count(2n, { stretch: 2 })], months)).toEqual([]);
    expect(cellsOf([count(2n)], october())).toEqual([]);
  });

  test('is that of its own stretch', () => {
    const changing = listOf(
      prices(['document_scan', null, 1n, '2026-01-01', '2026-10-10'], ['document_scan', null, 2n, '2026-10-10']),
    );
    const cells = cellsOf([count(2n, { stretch: 2 }), count(2n)], october(changing));
    expect(cells.map(({ stretch, bands }) => [stretch, bands[0]?.unitPrice])).toEqual([
      [2, 2n],
      [1, 1n],
    ]);
  });

  test('counts units of one entry of a list together in a month, also over stretches and levels, and no others', () => {
    const volume: Price = { ...tiered, model: 'volume' };
    const list = listOf([volume, { ...volume, taskType: 'face_match' }, ...prices(['x', null, 1n, '2026-10-10'])]);
    const months = [...october(list), { period: '2026-11', lists: [list] }];
    const counts = [
      count(5n),
      count(3n, { level: 'basic' }),
      count(3n, { stretch: 2 }),
      count(5n, { stretch: 3 }),
      count(5n, { taskType: 'face_match' }),
    ];
    const cells = cellsOf(counts, months);
    expect(cells.map(({ scope, isCounted, bands }) => [scope, isCounted, bands[0]?.unitPrice])).toEqual([
      [0, true, 700_000n],
      [0, true, 700_000n],
      [0, true, 700_000n],
      [1, true, 900_000n],
      [2, true, 900_000n],
    ]);
  });
});

describe('what a month’s counts cost', () => {
  const stretches = (lists: PriceList[]) => stretchesOf(october(...lists), zone);
  const priced = (counts: readonly AttemptCount[], ...lists: PriceList[]) =>
    pricedCounts(counts, priceCells(unitCounts(counts), stretches(lists), zone), stretches(lists));

  test('is known by counts alone where no price changes with their number', () => {
    expect(priced([count(3n, { code: 'x', vendorCounter: 2n })], listOf(flat))).toEqual([
      {
        correctsPeriod: null,
        taskType: 'document_scan',
        level: null,
        code: 'x',
        ruleTableVersion: 'r1',
        attempts: 5n,
        invoiced: 3n,
        notInvoiced: 2n,
        unclassified: 0n,
        vendorCounter: 2n,
        counted: 0n,
        countedInvoiced: 0n,
        differing: 0n,
        unitPrice: 850_000n,
        priceListVersion: 'p1',
        lines: 5n,
        unpriced: 0n,
      },
    ]);
  });

  test('is not where one does: each attempt has to be looked at', () => {
    expect(priced([count(3n)], listOf([tiered]))).toBeUndefined();
    expect(priced([count(3n), count(2n, { taskType: 'face_match', level: 'basic' })], listOf([tiered, ...flat]))).toBe(
      undefined,
    );
    expect(priced([count(3n, { taskType: 'face_match', level: 'basic' })], listOf([tiered, ...flat]))).toHaveLength(1);
  });

  test('is unknown for what has no price: all that is invoiced of it is unpriced, by the list that lacks it', () => {
    const unknown = count(3n, { taskType: 'nfc_read' });
    expect(priced([unknown, count(2n)], listOf(flat), { ...listOf([]), version: 'p2' })).toMatchObject([
      { unitPrice: null, unpriced: 3n, priceListVersion: 'p1' },
      { unitPrice: 850_000n, unpriced: 0n, priceListVersion: 'p1' },
    ]);
    expect(priced([unknown])).toMatchObject([{ unitPrice: null, unpriced: 3n, priceListVersion: null }]);
    expect(pricedCounts([unknown], [], [])).toMatchObject([{ unitPrice: null, priceListVersion: null }]);
  });

  test('names the list that has the price, not the first one', () => {
    const lists = [listOf([]), { ...listOf(flat), version: 'p2' }];
    expect(priced([count(2n)], ...lists)).toMatchObject([{ unitPrice: 850_000n, priceListVersion: 'p2' }]);
  });
});
