import { describe, expect, test } from 'vitest';
import { imbalances, ownTotals, shortfall } from '../../src/domain/report-lines.ts';
import { group, listOf, prices, report } from './support-report-lines.ts';

describe('corrections of a closed month', () => {
  const list = listOf(prices(['document_scan', null, 333_300n]));

  test('stand behind the month’s own lines, are rounded by themselves, and reversals count less than nothing', () => {
    const { summary, codes, totals } = report(
      [
        group(2, 2),
        group(-3, -3, { correctsPeriod: '2026-09', notInvoiced: 0n }),
        group(1, 0, { correctsPeriod: '2026-09', code: 'processing' }),
        group(4, 4, { correctsPeriod: '2026-08' }),
      ],
      list,
    );
    expect(summary.map((one) => [one.correctsPeriod, one.attempts, one.invoiced, one.notInvoiced, one.amount])).toEqual(
      [
        [null, 2n, 2n, 0n, 670_000n],
        ['2026-08', 4n, 4n, 0n, 1_330_000n],
        ['2026-09', -2n, -3n, 1n, -1_000_000n],
      ],
    );
    expect(codes.map((one) => [one.correctsPeriod, one.code, one.attempts, one.amount])).toEqual([
      [null, null, 2n, 666_600n],
      ['2026-08', null, 4n, 1_333_200n],
      ['2026-09', null, -3n, -999_900n],
      ['2026-09', 'processing', 1n, 0n],
    ]);
    expect(totals).toMatchObject({ attempts: 4n, invoiced: 3n, amount: 1_000_000n, unroundedAmount: 999_900n });
    expect(imbalances(summary, totals)).toEqual([]);
  });

  test('and what tops months up are lines of their own, each behind its month’s', () => {
    const charges = [
      { correctsPeriod: '2026-09', amount: -5_000_000n },
      { correctsPeriod: null, amount: 9_330_000n },
    ];
    const { summary, totals } = report([group(2, 2), group(1, 1, { correctsPeriod: '2026-09' })], list, charges);
    expect(summary.map((one) => [one.correctsPeriod, one.taskType, one.attempts, one.amount])).toEqual([
      [null, 'document_scan', 2n, 670_000n],
      [null, 'monthly_minimum', 0n, 9_330_000n],
      ['2026-09', 'document_scan', 1n, 330_000n],
      ['2026-09', 'monthly_minimum', 0n, -5_000_000n],
    ]);
    expect(totals).toMatchObject({ amount: 5_330_000n, unroundedAmount: 999_900n, attempts: 3n });
  });

  test('are rows of the detail file like others, and counted apart', () => {
    const groups = [
      group(2, 2),
      group(3, 3, { correctsPeriod: '2026-09' }),
      group(4, 4, { correctsPeriod: '2026-08' }),
    ];
    expect(report(groups, list).totals).toMatchObject({ lines: 9n, corrections: 7n });
    expect(report([group(2, 2)], list).totals).toMatchObject({ lines: 2n, corrections: 0n });
  });

  test('and what tops it up are no part of what a month’s own attempts come to', () => {
    const groups = [group(2, 2), group(1, 0, { code: 'x' }), group(9, 9, { correctsPeriod: '2026-09' })];
    const charges = [
      { correctsPeriod: null, amount: 9_330_000n },
      { correctsPeriod: '2026-09', amount: 1_000_000n },
    ];
    expect(ownTotals(report(groups, list, charges))).toEqual({ attempts: 3n, amount: 670_000n });
    expect(ownTotals(report([], list))).toEqual({ attempts: 0n, amount: 0n });
    expect(ownTotals(report(groups, undefined))).toEqual({ attempts: 3n, amount: null });
  });

  test.each([
    [1_000_000n, 330_000n],
    [670_001n, 1n],
    [670_000n, 0n],
    [669_999n, 0n],
  ])('a minimum of %s is missed by %s, corrections aside', (minimum, missing) => {
    const { summary } = report([group(2, 2), group(9, 9, { correctsPeriod: '2026-09' })], list);
    expect(shortfall(summary, minimum)).toBe(missing);
  });

  test('where an amount is unknown, so is what is missing', () => {
    const { summary } = report([group(2, 2, { taskType: 'face_match' })], list);
    expect(shortfall(summary, 1n)).toBeNull();
  });
});
