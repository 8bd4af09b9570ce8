import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PriceList } from '../../src/domain/prices.ts';
import { type AttemptGroup, compareBytes, imbalances, reportLines } from '../../src/domain/report-lines.ts';

const changeAt = new Date('2026-10-15T00:00:00Z');
const micros = { scan: 600_001n, scanLater: 700_005n, advanced: 850_000n, liveness: 333_333n };
const list: PriceList = {
  ...{ version: 'p1', currency: 'EUR', minorDigits: 2, source: 'a test' },
  prices: [
    ...[
      { level: null, effectiveFrom: '2026-01-01', effectiveTo: '2026-10-15', unitPrice: micros.scan },
      { level: null, effectiveFrom: '2026-10-15', effectiveTo: null, unitPrice: micros.scanLater },
      { level: 'advanced', effectiveFrom: '2026-01-01', effectiveTo: null, unitPrice: micros.advanced },
    ].map((one) => ({ ...one, taskType: 'document_scan' })),
    {
      taskType: 'face_liveness',
      level: null,
      effectiveFrom: '2026-01-01',
      effectiveTo: null,
      unitPrice: micros.liveness,
    },
  ],
};

/** The list above, read by hand. */
function expectedPrice({ taskType, level, pricedAt }: AttemptGroup): bigint | null {
  if (taskType === 'face_liveness') return micros.liveness;
  if (taskType !== 'document_scan') return null;
  if (level === 'advanced') return micros.advanced;
  return pricedAt < changeAt ? micros.scan : micros.scanLater;
}

const count = fc.bigInt({ min: 0n, max: 1_000_000n });
const nullable = (...values: string[]) => fc.option(fc.constantFrom(...values), { nil: null });
const group: fc.Arbitrary<AttemptGroup> = fc
  .record({
    taskType: fc.constantFrom('document_scan', 'face_liveness', 'face_match'),
    level: nullable('advanced', 'basic', ''),
    code: nullable('processing', 'failed', '😀', 'ﬀ'),
    pricedAt: fc.constantFrom(new Date('2026-10-01T00:00:00Z'), new Date(changeAt.getTime() - 1), changeAt),
    ruleTableVersion: nullable('r1', 'r2'),
    invoiced: count,
    notInvoiced: count,
    unclassified: count,
    vendorCounter: fc.option(count, { nil: null }),
  })
  .map((one) => ({ ...one, attempts: one.invoiced + one.notInvoiced + one.unclassified }));
const groups = fc.array(group, { maxLength: 25 });
const sum = (values: bigint[]) => values.reduce((total, one) => total + one, 0n);

test('totals, lines and codes each hold every attempt once', () => {
  fc.assert(
    fc.property(groups, (all) => {
      const { summary, codes, totals } = reportLines(all, { list, timeZone: 'UTC' });
      for (const key of ['attempts', 'invoiced', 'notInvoiced', 'unclassified'] as const) {
        const expected = sum(all.map((one) => one[key]));
        expect(totals[key]).toBe(expected);
        expect(sum(summary.map((one) => one[key]))).toBe(expected);
      }
      for (const key of ['attempts', 'invoiced'] as const) expect(sum(codes.map((one) => one[key]))).toBe(totals[key]);
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
      const { summary, codes, totals } = reportLines(all, { list, timeZone: 'UTC' });
      const unpriced = sum(all.filter((one) => expectedPrice(one) === null).map((one) => one.invoiced));
      expect(totals.unpriced).toBe(unpriced);
      const exact = unpriced > 0n ? null : sum(all.map((one) => one.invoiced * (expectedPrice(one) ?? 0n)));
      expect(totals.unroundedAmount).toBe(exact);
      const lineAmounts = summary.map(({ amount }) => amount);
      expect(totals.amount).toBe(unpriced > 0n ? null : sum(lineAmounts.map((one) => one ?? 0n)));
      for (const { invoiced, unitPrice, amount } of summary) {
        if (unitPrice === null) expect(amount).toBe(invoiced === 0n ? 0n : null);
        // Half away from zero to two digits: (n + half a cent), whole cents.
        else expect(amount).toBe(((invoiced * unitPrice + 5_000n) / 10_000n) * 10_000n);
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
        const pricing = { list, timeZone: 'UTC' };
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
