import fc from 'fast-check';
import { expect, test } from 'vitest';
import { causes } from '../../../src/domain/reconciliation/causes.ts';
import type { CellNote, Explanation, Step } from '../../../src/domain/reconciliation/explanation.ts';
import { findingsOf } from '../../../src/domain/reconciliation/findings.ts';
import type { Books, UsageLine } from '../../../src/domain/reconciliation/lines.ts';
import { type InvoiceLine, invoiceLineKinds, type VendorInvoice } from '../../../src/domain/vendor-invoice.ts';

/** The long form is for a change of what findings are made of. */
const runs = process.env['CONFUSION'] === 'full' ? 100_000 : 2_000;

const cell = fc.constantFrom(
  ...([
    ['document_scan', 'advanced'],
    ['document_scan', null],
    ['face_match', null],
    ['of no known kind', 'x'],
  ] as const),
);
const price = fc.constantFrom(null, 0n, 250_000n, 333_300n, 850_000n, 850_001n);
const quantity = fc.bigInt(-5n, 3_000n);
const amount = fc.oneof(fc.bigInt(-1_000_000_000_000n, 1_000_000_000_000n), fc.constant(0n));

const usageLine = fc
  .record({ cell, unitPrice: price, quantity, amount })
  .map(({ cell: [taskType, level], unitPrice, ...rest }): UsageLine => ({
    taskType,
    level,
    unitPrice,
    ...rest,
    amount: unitPrice === null ? null : rest.amount,
  }));

const books = fc
  .record({
    lines: fc.uniqueArray(usageLine, {
      maxLength: 6,
      selector: (line) => `${line.taskType} ${line.level} ${line.unitPrice}`,
    }),
    minimum: fc.constantFrom(0n, 12_340_000n),
  })
  .map((one): Books => ({ period: '2026-10', currency: 'EUR', minorDigits: 2, ...one }));

const invoiceLine = fc
  .record({
    kind: fc.constantFrom(...invoiceLineKinds, 'usage' as const, 'usage' as const),
    cell,
    unitPrice: price,
    quantity,
    amount,
    isNamed: fc.boolean(),
  })
  .map(({ kind, cell: [taskType, level], isNamed, ...rest }) => ({
    description: rest.amount % 2n === 0n ? `${kind} line` : `${kind} 21%`,
    kind,
    taskType: kind === 'usage' && (isNamed || rest.amount % 3n !== 0n) ? taskType : null,
    level: kind === 'usage' ? level : null,
    ...rest,
  }));

const invoice = fc
  .record({
    lines: fc.array(invoiceLine, { maxLength: 8 }),
    net: fc.constantFrom('unsaid', 'exact', 'with tax', 'rounded'),
  })
  .map(({ lines, net }): VendorInvoice => {
    const numbered = lines.map((line, index): InvoiceLine => ({ ...line, line: String(index + 1) }));
    const [exact, tax] = [
      numbered.filter(({ kind }) => kind !== 'tax'),
      numbered.filter(({ kind }) => kind === 'tax'),
    ].map((some) => some.reduce((sum, line) => sum + line.amount, 0n));
    const stated = { unsaid: null, exact: exact!, 'with tax': exact! + tax!, rounded: exact! + 1n }[net];
    return {
      number: 'R-7',
      isCreditNote: false,
      issueDate: '2026-11-02',
      currency: 'EUR',
      period: '2026-10',
      lines: numbered,
      stated: { net: stated, tax: null, total: null },
    };
  });

const step = fc
  .record({
    cause: fc.constantFrom(...causes),
    certainty: fc.constantFrom('fits', 'ambiguous'),
    lines: fc.array(usageLine, { maxLength: 5 }),
    minimum: amount,
  })
  .map(({ cause, certainty, lines, minimum }): Step => ({
    part: { cause, subject: 'x', readings: [['x']] },
    certainty: certainty,
    among: [],
    lines,
    minimum,
  }));

/** Whatever an explanation says, right or wrong: the arithmetic does not depend on it. */
const explanation = fc
  .record({
    outcome: fc.constantFrom('reproduced', 'unexplained', 'same', 'books_differ'),
    steps: fc.array(step, { maxLength: 3 }),
    notes: fc.uniqueArray(
      fc.record({ cell, accountedFor: fc.constantFrom('all', 'units', 'nothing'), isCounted: fc.boolean() }),
      { selector: (note) => note.cell.join() },
    ),
  })
  .map(({ outcome, steps, notes }): Explanation => ({
    outcome: outcome,
    candidates: steps.map(({ part }) => [part]),
    steps,
    cells: notes.map(({ cell: [taskType, level], accountedFor, isCounted }): CellNote => ({
      taskType,
      level,
      accountedFor: accountedFor,
      isCounted,
    })),
    evidence: [],
    setsTried: 0,
    isBounded: false,
    held: [],
    ruledOut: [],
  }));

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

test('findings add up to the difference between invoice and books, whatever explains them', () => {
  fc.assert(
    fc.property(books, invoice, explanation, (own, document, why) => {
      const { findings, total } = findingsOf(own, document, why);
      const net =
        document.stated.net ?? sum(document.lines.filter(({ kind }) => kind !== 'tax').map((line) => line.amount));
      const booked = sum(own.lines.map((line) => line.amount ?? 0n)) + own.minimum;
      expect(sum(findings.map(({ amountDifference }) => amountDifference))).toBe(net - booked);
      expect(total).toEqual({ ownAmount: booked, vendorAmount: net, amountDifference: net - booked });
    }),
    { numRuns: runs, seed: 18 },
  );
}, 600_000);

test('quantity effects are priced by the books, price effects counted by the vendor', () => {
  fc.assert(
    fc.property(books, invoice, explanation, (own, document, why) => {
      for (const one of findingsOf(own, document, why).findings) {
        const ownPrice = one.ownUnitPrice ?? 0n;
        if (one.effect === 'quantity') expect(one.amountDifference).toBe(one.quantityDifference * ownPrice);
        if (one.effect === 'price' && one.vendorUnitPrice !== null && why.steps.length === 0)
          expect(one.amountDifference).toBe((one.vendorUnitPrice - ownPrice) * (one.vendorQuantity ?? 0n));
      }
    }),
    { numRuns: runs / 2, seed: 19 },
  );
}, 600_000);

test('each finding has a name of its own, the same in every run', () => {
  fc.assert(
    fc.property(books, invoice, explanation, (own, document, why) => {
      const [first, again] = [findingsOf(own, document, why), findingsOf(own, document, why)];
      expect(again).toEqual(first);
      expect(new Set(first.findings.map(({ id }) => id)).size).toBe(first.findings.length);
    }),
    { numRuns: runs / 2, seed: 20 },
  );
}, 600_000);
