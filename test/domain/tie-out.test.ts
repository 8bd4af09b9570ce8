import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { roundToMinorUnit } from '../../src/domain/money.ts';
import { tieOut } from '../../src/domain/tie-out.ts';
import type { InvoiceLine, VendorInvoice } from '../../src/domain/vendor-invoice.ts';

const line = (number: string, part: Partial<InvoiceLine>): InvoiceLine => ({
  line: number,
  description: '',
  kind: 'usage',
  taskType: 'document_scan',
  level: null,
  quantity: null,
  unitPrice: null,
  amount: 0n,
  ...part,
});
const invoiceOf = (lines: readonly InvoiceLine[], part: Partial<VendorInvoice> = {}): VendorInvoice => ({
  number: '1',
  isCreditNote: false,
  issueDate: '2026-12-01',
  currency: 'EUR',
  period: null,
  lines,
  stated: { net: null, tax: null, total: null },
  ...part,
});
const cent = 10_000n;

describe('tieOut', () => {
  test('says each contradiction with its place and what it is off by', () => {
    const lines = [
      line('1', { quantity: 3n, unitPrice: 333_300n, amount: 1_000_000n }),
      line('2', { quantity: 3n, unitPrice: 333_300n, amount: 990_000n }),
      line('tax-1', { kind: 'tax', amount: 420_000n }),
    ];
    const stated = { net: 2_000_000n, tax: 410_000n, total: 2_420_000n };
    const payable = { amount: 2_000_000n, prepaid: 420_000n, rounding: -10_000n };
    const [expectedNet, expectedTotal] = [1_990_000n, 2_410_000n];
    expect(tieOut(invoiceOf(lines, { stated, payable }))).toEqual([
      { kind: 'line', line: '2', expected: 1_000_000n, stated: 990_000n, difference: -10_000n },
      { kind: 'net', line: null, expected: expectedNet, stated: 2_000_000n, difference: 10_000n },
      { kind: 'tax', line: null, expected: 420_000n, stated: 410_000n, difference: -10_000n },
      { kind: 'total', line: null, expected: expectedTotal, stated: 2_420_000n, difference: 10_000n },
      { kind: 'payable', line: null, expected: 1_990_000n, stated: 2_000_000n, difference: 10_000n },
    ]);
  });

  test('rounds half away from zero to the minor unit of the currency, and takes the exact product, too', () => {
    const half = { unitPrice: 5_000n, quantity: 1n };
    expect(tieOut(invoiceOf([line('1', { ...half, amount: cent })]))).toEqual([]);
    expect(tieOut(invoiceOf([line('1', { ...half, quantity: -1n, amount: -cent })]))).toEqual([]);
    expect(tieOut(invoiceOf([line('1', { ...half, amount: 5_000n })]))).toEqual([]);
    expect(tieOut(invoiceOf([line('1', { ...half, amount: 0n })]))).toHaveLength(1);
    const yen = { unitPrice: 500_000n, quantity: 1n, amount: 1_000_000n };
    expect(tieOut(invoiceOf([line('1', yen)], { currency: 'JPY' }))).toEqual([]);
  });

  test('what is not stated is not held against anything', () => {
    expect(tieOut(invoiceOf([line('1', { amount: 5n }), line('2', { quantity: 3n, amount: 7n })]))).toEqual([]);
  });

  test('an invoice made to add up ties out; one cent off anywhere does not', () => {
    const quantities = fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n });
    const prices = fc.bigInt({ min: 0n, max: 10n ** 9n });
    fc.assert(
      fc.property(fc.array(fc.tuple(quantities, prices), { minLength: 1 }), fc.nat(), (figures, at) => {
        const lines = figures.map(([quantity, unitPrice], index) =>
          line(String(index), { quantity, unitPrice, amount: roundToMinorUnit(quantity * unitPrice, 2) }),
        );
        const net = lines.reduce((sum, { amount }) => sum + amount, 0n);
        const tax = roundToMinorUnit((net * 21n) / 100n, 2);
        const all = [...lines, line('tax', { kind: 'tax', amount: tax })];
        const stated = { net, tax, total: net + tax };
        expect(tieOut(invoiceOf(all, { stated }))).toEqual([]);
        const place = at % all.length;
        const wrong = all.map((one, index) => (index === place ? { ...one, amount: one.amount + cent } : one));
        const mismatches = tieOut(invoiceOf(wrong, { stated }));
        const isTax = place === lines.length;
        expect(mismatches.some(({ kind }) => kind === (isTax ? 'tax' : 'net'))).toBe(true);
        const ofLine = mismatches.filter(({ kind }) => kind === 'line');
        // An exact product may differ from the rounded one by a cent of its own.
        if (!isTax && ofLine.length === 0) expect(wrong[place]!.amount).toBe(figures[place]![0] * figures[place]![1]);
      }),
    );
  });
});
