import { describe, expect, it } from 'vitest';
import { formatMinor, roundedProduct } from '../../src/simulator/amounts.ts';
import { charge } from '../../src/simulator/invoice.ts';
import type { InvoicePrices } from '../../src/simulator/invoice.ts';
import { monthBounds } from '../../src/simulator/month.ts';

const amount = (quantity: number, unitPrice: string, digits = 2): string =>
  formatMinor(roundedProduct(quantity, unitPrice, digits), digits);

describe('amounts', () => {
  it.each([
    [1234, '0.3333', 2, '411.29'],
    [1, '0.005', 2, '0.01'],
    [1, '0.004999', 2, '0.00'],
    [3, '0.015', 2, '0.05'],
    [1, '-0.005', 2, '-0.01'],
    [1, '-0.004', 2, '0.00'],
    [0, '0.35', 2, '0.00'],
    [7, '2', 2, '14.00'],
    [9_007_199_254_740_991, '0.000001', 2, '9007199254.74'],
    [3, '0.5', 0, '2'],
    [3, '0.0125', 3, '0.038'],
  ])('%i × %s with %i digits is %s', (quantity, unitPrice, digits, expected) => {
    expect(amount(quantity, unitPrice, digits)).toBe(expected);
  });

  it.each(['', '.5', '1.', '1e3', '1,5', ' 1', '+1', 'NaN'])('refuses the unit price "%s"', (unitPrice) => {
    expect(() => amount(1, unitPrice)).toThrow(RangeError);
  });
});

describe('charging', () => {
  const line = (taskType: 'document_scan' | 'face_match', level: string | null, invoiced: boolean | null) => ({
    taskType,
    level,
    invoiced,
  });
  const lines = [
    ...Array.from({ length: 3 }, () => line('document_scan', 'advanced', true)),
    line('face_match', null, true),
    line('document_scan', null, true),
    line('document_scan', null, false),
    line('document_scan', 'advanced', null),
  ];
  const prices: InvoicePrices = {
    currency: 'EUR',
    units: [
      { taskType: 'document_scan', level: 'advanced', unitPrice: '0.335' },
      { taskType: 'document_scan', level: null, unitPrice: '0.005' },
      { taskType: 'face_match', level: null, unitPrice: '0.1' },
    ],
  };

  it('rounds once per task type and level, and sums what it rounded', () => {
    expect(charge(lines, prices)).toEqual({
      groups: [
        { taskType: 'document_scan', level: null, quantity: 1, unitPrice: '0.005', amount: '0.01' },
        { taskType: 'document_scan', level: 'advanced', quantity: 3, unitPrice: '0.335', amount: '1.01' },
        { taskType: 'face_match', level: null, quantity: 1, unitPrice: '0.1', amount: '0.10' },
      ],
      currency: 'EUR',
      totalAmount: '1.12',
    });
  });

  it('has quantities but no amounts without prices', () => {
    const charged = charge(lines);
    expect(charged.totalAmount).toBeNull();
    expect(charged.groups.map(({ quantity, amount: none }) => [quantity, none])).toEqual([
      [1, null],
      [3, null],
      [1, null],
    ]);
  });

  it('refuses a price list that lacks what is charged', () => {
    expect(() => charge(lines, { ...prices, units: prices.units.slice(1) })).toThrow('document_scan, level advanced');
  });
});

describe('month bounds', () => {
  it.each([
    ['2026-10', 'UTC', '2026-10-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z'],
    ['2026-10', 'Europe/Amsterdam', '2026-09-30T22:00:00.000Z', '2026-10-31T23:00:00.000Z'],
    ['2026-12', 'America/New_York', '2026-12-01T05:00:00.000Z', '2027-01-01T05:00:00.000Z'],
    ['2024-02', 'Pacific/Kiritimati', '2024-01-31T10:00:00.000Z', '2024-02-29T10:00:00.000Z'],
    ['2026-03', 'Asia/Kathmandu', '2026-02-28T18:15:00.000Z', '2026-03-31T18:15:00.000Z'],
  ])('%s in %s', (month, timeZone, from, to) => {
    const { fromMs, toMs } = monthBounds(month, timeZone);
    expect([new Date(fromMs).toISOString(), new Date(toMs).toISOString()]).toEqual([from, to]);
  });

  it.each(['2026-13', '2026-1', '26-10', '2026-10-01'])('refuses the month "%s"', (month) => {
    expect(() => monthBounds(month, 'UTC')).toThrow(RangeError);
  });
});
