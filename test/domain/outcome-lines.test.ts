import { describe, expect, test } from 'vitest';
import { outcomeParts } from '../../src/domain/outcome-lines.ts';
import { group, listOf, prices, report } from './support-report-lines.ts';

const list = listOf(prices(['document_scan', null, 333_300n], ['face_match', null, 250_000n]));
const correction = { correctsPeriod: '2026-09' };

describe('a month by task and outcome', () => {
  test('adds up to the month: own outcomes, others, corrections, minimum, rounding', () => {
    const groups = [
      group(100, 100),
      group(7, 0, { code: 'processing' }),
      group(2, 2, { taskType: 'face_match' }),
      group(1, 1, { taskType: 'face_match', code: 'x' }),
      group(-1, -1, correction),
      group(3, 3, { ...correction, taskType: 'face_match' }),
    ];
    const charges = [
      { correctsPeriod: null, amount: 5_000_000n },
      { correctsPeriod: '2026-09', amount: -100_000n },
    ];
    const lines = report(groups, list, charges);
    const parts = outcomeParts(lines, 2);
    expect(parts.own.map(({ taskType, code, amount }) => [taskType, code, amount])).toEqual([
      ['document_scan', null, 33_330_000n],
      ['face_match', null, 500_000n],
    ]);
    expect(parts.others).toMatchObject({ lines: 2, attempts: 8n, notInvoiced: 7n, amount: 250_000n });
    expect(parts.corrections).toMatchObject({ attempts: 2n, invoiced: 2n, amount: 316_700n });
    expect([parts.minimum, parts.rounding]).toEqual([5_000_000n, 3_300n]);
    expect(parts.total.amount).toBe(lines.totals.amount);
    expect(33_330_000n + 500_000n + 250_000n + 316_700n + 5_000_000n + 3_300n).toBe(lines.totals.amount);
  });

  test('has no lines for what there is nothing of', () => {
    expect(outcomeParts(report([group(2, 2, { taskType: 'face_match' })], list), 2)).toMatchObject({
      others: null,
      corrections: null,
      minimum: null,
      rounding: null,
    });
    expect(outcomeParts(report([], list), 2)).toMatchObject({ own: [], total: { attempts: 0n, amount: 0n } });
  });

  test('states no amount where something unclassified is in it, the total neither', () => {
    const unclassified = group(2, 1, { code: 'new', notInvoiced: 0n, unclassified: 1n });
    const { own, total, rounding } = outcomeParts(report([group(1, 1), unclassified], list), 9);
    expect(own.map(({ code, amount }) => [code, amount])).toEqual([
      [null, 333_300n],
      ['new', null],
    ]);
    expect([total.amount, rounding]).toEqual([null, null]);
  });

  test('has no amounts without prices, and nothing that rounding adds; most invoiced first', () => {
    const groups = [group(1, 1, { code: 'a' }), group(3, 3, { code: 'b' }), group(2, 2, { code: 'c' })];
    const { own, total, rounding } = outcomeParts(report(groups, undefined), 9);
    expect(own.map(({ code, amount }) => [code, amount])).toEqual([
      ['b', null],
      ['c', null],
      ['a', null],
    ]);
    expect([total.amount, rounding]).toEqual([null, null]);
  });

  test('has what costs the same in the order of what is invoiced, and unknown amounts behind those that are known', () => {
    const free = listOf(prices(['document_scan', null, 0n], ['face_match', null, 250_000n]));
    const groups = [
      group(1, 1, { code: 'a' }),
      group(5, 5, { code: 'b' }),
      group(9, 8, { code: 'c', notInvoiced: 0n, unclassified: 1n }),
      group(1, 1, { taskType: 'face_match' }),
    ];
    expect(outcomeParts(report(groups, free), 9).own.map(({ code }) => code)).toEqual([null, 'c', 'b', 'a']);
  });

  test('has corrections that are a closed month’s minimum alone', () => {
    const charges = [{ correctsPeriod: '2026-09', amount: -100_000n }];
    expect(outcomeParts(report([group(1, 1)], list, charges), 9).corrections).toEqual({
      attempts: 0n,
      invoiced: 0n,
      notInvoiced: 0n,
      unclassified: 0n,
      amount: -100_000n,
    });
    const both = [group(1, 1), group(1, 1, correction)];
    expect(outcomeParts(report(both, list, charges), 9).corrections?.amount).toBe(233_300n);
  });

  test('that does not add up is not shown', () => {
    const lines = report([group(1, 1)], list);
    const totals = { ...lines.totals, invoiced: 2n };
    expect(() => outcomeParts({ ...lines, totals }, 9)).toThrow(RangeError);
  });
});
