import { expect, test } from 'vitest';
import { explain } from '../../../src/domain/reconciliation/explain.ts';
import { findingsOf } from '../../../src/domain/reconciliation/findings.ts';
import { caseOf, documentOf } from './support-case.ts';
import { type Billing, invoiceOf } from './support-vendor.ts';

const { model, own, month } = caseOf(41, 2_000);
const sent = (change: Partial<Billing>) =>
  documentOf(invoiceOf(model, { ...own, ...change }), { period: model.period, printsFree: true });

test('more sets than may be looked through leave nothing certain', () => {
  const rows = month.cube.rows.map((row, index) =>
    row.taskType === 'document_scan' ? { ...row, code: `${row.code} ${index % 9}` } : row,
  );
  const document = sent({ free: 3, tiers: 'year' });
  const explanation = explain({ ...month, cube: { ...month.cube, rows } }, document);
  const { isBounded, steps, setsTried } = explanation;
  expect(isBounded).toBe(true);
  expect(setsTried).toBe(250_000);
  expect(steps.filter(({ certainty }) => certainty === 'fits')).toEqual([]);
  const { findings } = findingsOf(month.books, document, explanation);
  expect(findings.length).toBeGreaterThan(0);
  expect(findings.filter(({ certainty }) => certainty === 'fits')).toEqual([]);
  // So it is with what is plain to see of a line.
  const lines = document.lines.map((line) =>
    line.taskType === 'face_match'
      ? { ...line, unitPrice: line.unitPrice! + 10_000n, amount: line.amount + 10_000n * line.quantity! }
      : line,
  );
  const priced = findingsOf(month.books, { ...document, lines }, explanation).findings;
  expect(priced.filter(({ effect }) => effect === 'price').map(({ certainty }) => certainty)).toContain('ambiguous');
  expect(priced.filter(({ certainty }) => certainty === 'fits')).toEqual([]);
});
