import { expect, test } from 'vitest';
import { disputeTotals, payableCredit, roundedFrom } from '../../src/reports/dispute/files.ts';
import { isOutcome, subjectIn } from '../../src/reports/dispute/subjects.ts';
import { publishedFinding } from '../../src/reports/dispute/published-finding.ts';

const findingOf = (cells: Readonly<Record<string, string>>) =>
  publishedFinding({ cell: (header) => cells[header] ?? '' });

test('a finding is read from its row as the books had it, formulas as they were', () => {
  const row = {
    ...{
      finding: '0123456789abcdef',
      invoice_number: "'=INV-1",
      invoice_line: "'-3",
      task_type: "'@scan",
      level: "'+1",
    },
    ...{ effect: 'quantity', cause: 'rule', subject: "'=blurred", certainty: 'ambiguous', alternatives: "'-a|b" },
    ...{ own_quantity: '12', vendor_quantity: '-3', quantity_difference: '-15', likely_wrong: 'books' },
    ...{ own_unit_price: '0.3333', vendor_unit_price: '0.85', own_amount: '3.9996', vendor_amount: '-2.55' },
    ...{ amount_difference: '-6.5496', settled_amount: '-1.50', evidence_rows: '15', state: 'partly_settled' },
  };
  expect(findingOf(row)).toEqual({
    ...{ id: '0123456789abcdef', invoiceNumber: '=INV-1', invoiceLine: '-3', taskType: '@scan', level: '+1' },
    ...{ effect: 'quantity', cause: 'rule', subject: '=blurred', certainty: 'ambiguous', alternatives: '-a|b' },
    ...{ ownQuantity: 12n, vendorQuantity: -3n, quantity: -15n, likelyWrong: 'books' },
    ...{ ownPrice: 333_300n, vendorPrice: 850_000n, ownAmount: 3_999_600n, vendorAmount: -2_550_000n },
    ...{ amount: -6_549_600n, settled: -1_500_000n, evidenceRows: 15, state: 'partly_settled' },
  });
});

test('what one side has none of is null, and nothing is settled where nothing is said', () => {
  const { cause: other } = findingOf({ cause: 'weather' });
  expect(other, 'a cause of a later version').toBe('unexplained');
  const row = { finding: 'f', effect: 'tax', cause: 'tax', certainty: 'proven', evidence_rows: '0', state: 'open' };
  expect(findingOf(row)).toEqual({
    ...{ id: 'f', invoiceNumber: '', invoiceLine: '', taskType: '', level: '', effect: 'tax', cause: 'tax' },
    ...{ subject: '', certainty: 'proven', alternatives: '', likelyWrong: null },
    ...{ ownQuantity: null, vendorQuantity: null, quantity: 0n, ownPrice: null, vendorPrice: null },
    ...{ ownAmount: null, vendorAmount: null, amount: 0n, settled: 0n, evidenceRows: 0, state: 'open' },
  });
});

test('findings add up to what is disputed, credited and expected, each to the last digit', () => {
  expect(disputeTotals([])).toEqual({ disputed: 0n, settled: 0n, expected: 0n, evidenceRows: 0 });
  const findings = [
    { amount: 30_075_000n, settled: 10_000_000n, evidenceRows: 3 },
    { amount: -1n, settled: -1n, evidenceRows: 4 },
  ];
  expect(disputeTotals(findings)).toEqual({
    ...{ disputed: 30_074_999n, settled: 9_999_999n, expected: 20_075_000n, evidenceRows: 7 },
  });
});

test('a credit note says an amount in whole minor units, halves away from zero, and how it comes to it', () => {
  const paid = [30_075_000n, -30_075_000n, 30_074_999n].map((exact) => payableCredit(exact, 'EUR'));
  expect(paid).toEqual([30_080_000n, -30_080_000n, 30_070_000n]);
  expect([payableCredit(1_500_000n, 'JPY'), payableCredit(1_500_500n, 'KWD')]).toEqual([2_000_000n, 1_501_000n]);
  expect(roundedFrom(30_080_000n, 'EUR')).toBeUndefined();
  expect(roundedFrom(-30_075_000n, 'EUR')).toMatch(/-30\.075 EUR\..* 0\.01 EUR\.$/);
  expect(roundedFrom(1_500_000n, 'JPY')).toMatch(/ 1\.5 JPY\..* 1 JPY\.$/);
});

test('a subject names outcomes without their task type, and nothing else is taken for one', () => {
  expect(subjectIn('document_scan/blurred or face_match/a/b', 'of')).toBe('blurred of a/b');
  expect(subjectIn('Fee for support/hosting', 'or')).toBe('Fee for support/hosting');
  expect(['document_scan/x billed twice', 'all', 'linked billed', 'x'].map(isOutcome)).toEqual([
    true,
    false,
    false,
    true,
  ]);
});
