import { describe, expect, test } from 'vitest';
import { imbalances, type Quantities, statedAmount } from '../../src/domain/report-lines.ts';
import { hidesDifferences, isPartial } from '../../src/domain/vendor-counts.ts';
import { group, listOf, prices, report } from './support-report-lines.ts';

describe('summary lines', () => {
  const list = listOf(
    prices(
      ['document_scan', null, 600_000n, '2026-01-01', '2026-10-15'],
      ['document_scan', null, 700_000n, '2026-10-15'],
      ['document_scan', 'advanced', 850_000n],
      ['face_match', null, 250_000n],
    ),
  );

  test('gather what has the same task type, level, unit price and rule version, whatever its code', () => {
    const later = new Date('2026-10-15T00:00:00Z');
    const { summary } = report(
      [
        group(3, 2, { code: 'unknown_type_front' }),
        group(4, 4),
        group(1, 1, { pricedAt: later }),
        group(1, 1, { level: 'advanced' }),
        group(1, 1, { level: 'advanced', pricedAt: later }),
        group(1, 1, { ruleTableVersion: 'r2' }),
        group(5, 5, { taskType: 'face_match' }),
      ],
      list,
    );
    expect(
      summary.map((one) => [one.taskType, one.level, one.unitPrice, one.ruleTableVersion, one.attempts, one.invoiced]),
    ).toEqual([
      ['document_scan', null, 600_000n, 'r1', 7n, 6n],
      ['document_scan', null, 600_000n, 'r2', 1n, 1n],
      ['document_scan', null, 700_000n, 'r1', 1n, 1n],
      ['document_scan', 'advanced', 850_000n, 'r1', 2n, 2n],
      ['face_match', null, 250_000n, 'r1', 5n, 5n],
    ]);
  });

  test('are rounded once each, not group by group and not as a whole', () => {
    const third = listOf(prices(['document_scan', null, 333_300n], ['face_match', null, 333_300n]));
    const codes = ['a', 'b', 'c'];
    const {
      summary,
      codes: perCode,
      totals,
    } = report(
      [
        ...codes.map((code) => group(1, 1, { code })),
        ...codes.map((code) => group(1, 1, { code, taskType: 'face_match' })),
      ],
      third,
    );
    // Group by group it would be 3 × 0.33 = 0.99, over everything 1.9998 → 2.00.
    expect(summary.map(({ amount }) => amount)).toEqual([1_000_000n, 1_000_000n]);
    expect(totals.amount).toBe(2_000_000n);
    expect(totals.unroundedAmount).toBe(1_999_800n);
    expect(perCode.map(({ amount }) => amount)).toEqual(Array(6).fill(333_300n));
  });

  test('round halves away from zero, to the currency’s own minor unit', () => {
    const one = (unitPrice: bigint, minorDigits: number) =>
      report([group(1, 1)], listOf(prices(['document_scan', null, unitPrice]), minorDigits)).totals.amount;
    expect([one(125_000n, 2), one(500_000n, 0), one(2_500n, 3)]).toEqual([130_000n, 1_000_000n, 3_000n]);
  });

  test('sum of rounded lines and sum of exact amounts may differ, and both are kept', () => {
    const half = listOf(prices(['document_scan', null, 5_000n], ['face_match', null, 5_000n]));
    const { totals } = report([group(1, 1), group(1, 1, { taskType: 'face_match' })], half);
    expect([totals.amount, totals.unroundedAmount]).toEqual([20_000n, 10_000n]);
  });
});

describe('a price that is not known', () => {
  const list = listOf(prices(['document_scan', null, 500_000n]));

  test('makes the amounts of its line, its code and the total unknown, and is counted', () => {
    const { summary, codes, totals } = report([group(2, 2), group(5, 3, { taskType: 'face_match' })], list);
    expect(summary.map((one) => [one.taskType, one.unitPrice, one.amount])).toEqual([
      ['document_scan', 500_000n, 1_000_000n],
      ['face_match', null, null],
    ]);
    expect(codes.map(({ amount }) => amount)).toEqual([1_000_000n, null]);
    expect(totals).toMatchObject({ amount: null, unroundedAmount: null, unpriced: 3n, invoiced: 5n });
  });

  test('does no harm where nothing is invoiced: that costs nothing at any price', () => {
    const { summary, totals } = report([group(2, 2), group(4, 0, { taskType: 'face_match' })], list);
    expect(summary[1]).toMatchObject({ unitPrice: null, amount: 0n });
    expect(totals).toMatchObject({ amount: 1_000_000n, unroundedAmount: 1_000_000n, unpriced: 0n });
  });

  test('without any price list: quantities, and no amounts, not even zero', () => {
    const { summary, codes, totals } = report([group(3, 2), group(4, 0, { taskType: 'face_match' })], undefined);
    expect(summary.map(({ unitPrice, amount }) => [unitPrice, amount])).toEqual(Array(2).fill([null, null]));
    expect(codes.map(({ amount }) => amount)).toEqual([null, null]);
    expect(totals).toMatchObject({ amount: null, unroundedAmount: null, attempts: 7n, invoiced: 2n, unpriced: 2n });
  });

  test('an empty month has a total of nothing: zero with a price list, unknown without', () => {
    const none = {
      attempts: 0n,
      invoiced: 0n,
      notInvoiced: 0n,
      unclassified: 0n,
      unpriced: 0n,
      vendorCounter: null,
      counted: 0n,
      countedInvoiced: 0n,
      differing: 0n,
      lines: 0n,
      corrections: 0n,
    };
    expect(report([], list)).toEqual({ summary: [], codes: [], totals: { ...none, amount: 0n, unroundedAmount: 0n } });
    expect(report([], undefined).totals).toEqual({ ...none, amount: null, unroundedAmount: null });
  });
});

describe('lines', () => {
  // UTF-16 would put 😀 (D83D…) before ﬀ (FB00): bytes and code points put it behind.
  const bytewise = [null, '', 'A', 'Z', '_', 'a', 'a ', 'ab', 'b', 'z', 'é', 'ﬀ', '😀'];
  const shuffled = [7, 2, 12, 0, 9, 4, 11, 1, 6, 10, 3, 8, 5].map((index) => bytewise[index] ?? null);

  test('of the summary are in the order of their bytes, null first', () => {
    const { summary } = report(
      shuffled.map((level) => group(1, 1, { level })),
      undefined,
    );
    expect(summary.map(({ level }) => level)).toEqual(bytewise);
  });

  test('of the codes file are in the order of their bytes, success first, one per task type and code', () => {
    const groups = shuffled.flatMap((code) => [
      group(1, 1, { code, taskType: 'face_match' }),
      group(1, 0, { code, level: 'advanced' }),
      group(2, 1, { code, ruleTableVersion: null }),
    ]);
    const { codes } = report(groups, undefined);
    expect(codes.map((one) => [one.taskType, one.code, one.attempts, one.invoiced])).toEqual([
      ...bytewise.map((code) => ['document_scan', code, 3n, 1n]),
      ...bytewise.map((code) => ['face_match', code, 1n, 1n]),
    ]);
  });

  test('keep null apart from the words “null” and nothing', () => {
    const levels = [null, 'null', ''];
    const { summary } = report(
      levels.map((level) => group(1, 1, { level })),
      undefined,
    );
    expect(summary.map(({ level }) => level)).toEqual([null, '', 'null']);
  });
});

describe('the vendor’s counter', () => {
  const counters = (...values: (bigint | null)[]) =>
    report(
      values.map((vendorCounter, index) => group(1, 1, { vendorCounter, code: `c${index}` })),
      undefined,
    );

  test.each<[what: string, (bigint | null)[], bigint | null]>([
    ['known ones are added up', [3n, 4n], 7n],
    ['unknown ones are left out', [3n, null], 3n],
    ['nothing but unknown ones stay unknown', [null, null], null],
    ['none is not unknown', [0n, null], 0n],
    ['one below zero is added as it is', [-1n, 3n], 2n],
    ['no groups are unknown', [], null],
  ])('%s', (_, values, expected) => {
    const { summary, totals } = counters(...values);
    expect(totals.vendorCounter).toBe(expected);
    if (values.length > 0) expect(summary.map(({ vendorCounter }) => vendorCounter)).toEqual([expected]);
  });
});

describe('counters beside our count', () => {
  const counts = (vendorCounter: bigint | null, counted: bigint, countedInvoiced: bigint, differing: bigint) => ({
    vendorCounter,
    counted,
    countedInvoiced,
    differing,
  });

  test('that agree in sum and not task by task hide what differs, and those of some attempts alone are partial', () => {
    const both = [group(3, 2, counts(2n, 3n, 2n, 2n)), group(4, 4, { taskType: 'face_match' })];
    const { summary, totals } = report(both, undefined);
    expect(summary.map((line) => [hidesDifferences(line), isPartial(line)])).toEqual([
      [true, false],
      [false, false],
    ]);
    expect([hidesDifferences(totals), isPartial(totals)]).toEqual([true, true]);
    expect(totals).toMatchObject({ ...counts(2n, 3n, 2n, 2n), attempts: 7n });
  });

  test('that agree in each task hide nothing', () => {
    const { totals } = report([group(3, 2, counts(2n, 3n, 2n, 0n))], undefined);
    expect([hidesDifferences(totals), isPartial(totals)]).toEqual([false, false]);
  });

  test('that differ in sum say so themselves', () => {
    const { totals } = report([group(3, 2, counts(3n, 3n, 2n, 1n))], undefined);
    expect([hidesDifferences(totals), isPartial(totals)]).toEqual([false, false]);
  });
});

test('an amount is not stated where something unclassified is in it', () => {
  const list = listOf(prices(['document_scan', null, 500_000n]));
  const unclassified = group(1, 0, { notInvoiced: 0n, unclassified: 1n, code: 'new' });
  const { codes } = report([group(2, 1), unclassified], list);
  expect(codes.map((line) => [line.code, line.notInvoiced, line.unclassified, statedAmount(line)])).toEqual([
    [null, 1n, 0n, 500_000n],
    ['new', 0n, 1n, null],
  ]);
});

describe('what does not add up', () => {
  const line = (attempts: bigint, invoiced: bigint, notInvoiced: bigint, unclassified: bigint): Quantities => ({
    attempts,
    invoiced,
    notInvoiced,
    unclassified,
  });
  const sound = [line(3n, 2n, 1n, 0n), line(4n, 1n, 1n, 2n)];
  const total = line(7n, 3n, 2n, 2n);

  test('is nothing in balanced lines', () => {
    expect(imbalances(sound, total)).toEqual([]);
    expect(imbalances([], line(0n, 0n, 0n, 0n))).toEqual([]);
  });

  test.each<[what: string, Quantities[], Quantities, named: string[]]>([
    ['a line in itself', [line(4n, 2n, 1n, 0n), sound[1]!], line(8n, 3n, 3n, 2n), ['line 1', 'notInvoiced']],
    ['the second line', [sound[0]!, line(4n, 1n, 1n, 1n)], line(7n, 3n, 2n, 2n), ['line 2', 'unclassified']],
    ['the total in itself', sound, line(7n, 3n, 2n, 1n), ['the total', 'unclassified']],
    ['attempts and invoiced', sound, line(8n, 4n, 2n, 2n), ['attempts', 'invoiced']],
    ['invoiced and not invoiced exchanged', sound, line(7n, 2n, 3n, 2n), ['invoiced', 'notInvoiced']],
    ['a line left out', [sound[0]!], total, ['attempts', 'invoiced', 'notInvoiced', 'unclassified']],
    ['a line twice', [...sound, sound[0]!], total, ['attempts', 'invoiced', 'notInvoiced']],
  ])('is found and named: %s', (_, lines, totals, named) => {
    const problems = imbalances(lines, totals);
    expect(problems.map((problem) => problem.slice(0, problem.indexOf(':')))).toEqual(named);
  });

  test('is found also where figures are larger than a float holds', () => {
    const large = 2n ** 60n;
    expect(imbalances([line(large, large, 0n, 0n)], line(large + 1n, large + 1n, 0n, 0n))).toHaveLength(2);
  });
});
