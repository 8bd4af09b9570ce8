import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AttemptGroup, compareBytes, imbalances, reportLines } from '../../src/domain/report-lines.ts';

const count = fc.bigInt({ min: -1_000_000n, max: 1_000_000n });
const natural = fc.bigInt({ min: 0n, max: 1_000_000n });
const nullable = (...values: string[]) => fc.option(fc.constantFrom(...values), { nil: null });
const group: fc.Arbitrary<AttemptGroup> = fc
  .record({
    taskType: fc.constantFrom('document_scan', 'face_liveness', 'face_match'),
    level: nullable('advanced', 'basic', ''),
    code: nullable('processing', 'failed', '😀', 'ﬀ'),
    unitPrice: fc.option(fc.constantFrom(600_001n, 850_000n, 333_333n), { nil: null }),
    correctsPeriod: nullable('2026-08', '2026-09'),
    priceListVersion: nullable('p1', 'p2'),
    ruleTableVersion: nullable('r1', 'r2'),
    invoiced: count,
    notInvoiced: count,
    unclassified: count,
    vendorCounter: fc.option(count, { nil: null }),
    counted: count,
    countedInvoiced: count,
    differing: count,
    lines: natural,
  })
  .map((one) => ({
    ...one,
    attempts: one.invoiced + one.notInvoiced + one.unclassified,
    // A reversal of what had no price takes none back.
    unpriced: one.unitPrice === null && one.invoiced > 0n ? one.invoiced : 0n,
  }));
const groups = fc.array(group, { maxLength: 25 });
const sum = (values: bigint[]) => values.reduce((total, one) => total + one, 0n);

test('totals, lines and codes each hold every attempt once', () => {
  fc.assert(
    fc.property(groups, (all) => {
      const { summary, codes, totals } = reportLines(all, { minorDigits: 2 });
      for (const key of ['attempts', 'invoiced', 'notInvoiced', 'unclassified'] as const) {
        const expected = sum(all.map((one) => one[key]));
        expect(totals[key]).toBe(expected);
        expect(sum(summary.map((one) => one[key]))).toBe(expected);
        expect(sum(codes.map((one) => one[key]))).toBe(expected);
      }
      expect(imbalances(summary, totals)).toEqual([]);
      const counters = all.flatMap(({ vendorCounter }) => (vendorCounter === null ? [] : [vendorCounter]));
      expect(totals.vendorCounter).toBe(counters.length === 0 ? null : sum(counters));
    }),
    { numRuns: 500 },
  );
});

test('amounts are quantity times price, exact; the total is the sum of the rounded lines; one unknown makes it unknown', () => {
  fc.assert(
    fc.property(groups, (all) => {
      const { summary, codes, totals } = reportLines(all, { minorDigits: 2 });
      const unpriced = all.filter((one) => one.unpriced > 0n);
      expect(totals.unpriced).toBe(sum(all.map((one) => one.unpriced)));
      const exact = unpriced.length > 0 ? null : sum(all.map((one) => one.invoiced * (one.unitPrice ?? 0n)));
      expect(totals.unroundedAmount).toBe(exact);
      const lineAmounts = summary.map(({ amount }) => amount);
      expect(totals.amount).toBe(unpriced.length > 0 ? null : sum(lineAmounts.map((one) => one ?? 0n)));
      for (const { invoiced, unitPrice, amount } of summary) {
        if (unitPrice === null) {
          if (invoiced > 0n) expect(amount).toBeNull();
          else expect(amount === null || amount === 0n).toBe(true);
          continue;
        }
        // Half away from zero to two digits: half a cent further from zero, whole cents.
        const value = invoiced * unitPrice;
        expect(amount).toBe(((value + (value < 0n ? -5_000n : 5_000n)) / 10_000n) * 10_000n);
      }
      if (exact !== null) expect(sum(codes.map(({ amount }) => amount ?? 0n))).toBe(exact);
    }),
    { numRuns: 500 },
  );
});

test('the order in which the database hands out the groups changes nothing', () => {
  fc.assert(
    fc.property(
      groups.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      ([all, turned]) => {
        const pricing = { minorDigits: 2 };
        expect(reportLines(turned, pricing)).toEqual(reportLines(all, pricing));
      },
    ),
    { numRuns: 300 },
  );
});

test('texts are ordered as their UTF-8 bytes are', () => {
  // Either side of where UTF-8 takes a byte more, and of the surrogates, where UTF-16 has another order.
  const points = [0, 0x41, 0x61, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfb00, 0xffff, 0x10000, 0x1f600, 0x10ffff];
  const unit = fc.constantFrom(...points.map((point) => String.fromCodePoint(point)));
  const text = fc.string({ unit, maxLength: 6 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 2_000 },
  );
});
