import { expect, test } from 'vitest';
import type { Explanation } from '../../../src/domain/reconciliation/explanation.ts';
import { type Finding, findingsOf } from '../../../src/domain/reconciliation/findings.ts';
import type { Books, UsageLine } from '../../../src/domain/reconciliation/lines.ts';
import type { InvoiceLine, VendorInvoice } from '../../../src/domain/vendor-invoice.ts';

const own = (taskType: string, level: string | null, unitPrice: bigint, quantity: bigint): UsageLine => ({
  taskType,
  level,
  unitPrice,
  quantity,
  amount: unitPrice * quantity,
});

const books = (lines: readonly UsageLine[], minimum = 0n): Books => ({
  period: '2026-10',
  currency: 'EUR',
  minorDigits: 2,
  lines,
  minimum,
});

const usage = (
  taskType: string,
  level: string | null,
  unitPrice: bigint,
  quantity: bigint,
): Omit<InvoiceLine, 'line'> => ({
  description: taskType,
  kind: 'usage',
  taskType,
  level,
  unitPrice,
  quantity,
  amount: unitPrice * quantity,
});

const charge = (kind: InvoiceLine['kind'], description: string, amount: bigint): Omit<InvoiceLine, 'line'> => ({
  description,
  kind,
  taskType: null,
  level: null,
  unitPrice: null,
  quantity: null,
  amount,
});

const invoice = (...lines: readonly Omit<InvoiceLine, 'line'>[]): VendorInvoice => ({
  number: 'R-1',
  isCreditNote: false,
  issueDate: '2026-11-02',
  currency: 'EUR',
  period: '2026-10',
  lines: lines.map((line, index) => ({ ...line, line: String(index + 1) })),
  stated: { net: null, tax: null, total: null },
});

const unexplained: Explanation = {
  outcome: 'unexplained',
  candidates: [],
  steps: [],
  cells: [
    { taskType: 'document_scan', level: 'advanced', accountedFor: 'all', isCounted: false },
    { taskType: 'face_liveness', level: null, accountedFor: 'all', isCounted: false },
    { taskType: 'face_match', level: null, accountedFor: 'nothing', isCounted: false },
  ],
  evidence: [],
  setsTried: 0,
  isBounded: false,
  held: [],
  ruledOut: [],
};

const short = ({ effect, cause, certainty, amountDifference, quantityDifference }: Finding) => ({
  effect,
  cause,
  certainty,
  amountDifference,
  quantityDifference,
});

test('what is hidden in a net of 6.68 is three findings', () => {
  const own3 = books([
    own('document_scan', 'advanced', 850_000n, 600n),
    own('face_liveness', null, 330_000n, 137n),
    own('face_match', null, 250_000n, 56n),
  ]);
  const document = invoice(
    usage('document_scan', 'advanced', 850_000n, 607n),
    usage('face_liveness', null, 340_000n, 137n),
  );
  const { findings, total, matches } = findingsOf(own3, document, unexplained);
  expect(total.amountDifference).toBe(-6_680_000n);
  expect(matches).toEqual([]);
  expect(findings.map(short)).toEqual([
    {
      effect: 'quantity',
      cause: 'unexplained',
      certainty: 'none',
      amountDifference: 5_950_000n,
      quantityDifference: 7n,
    },
    { effect: 'price', cause: 'price', certainty: 'fits', amountDifference: 1_370_000n, quantityDifference: 0n },
    {
      effect: 'missing_line',
      cause: 'usage_not_billed',
      certainty: 'ambiguous',
      amountDifference: -14_000_000n,
      quantityDifference: -56n,
    },
  ]);
  expect(findings.map(({ subject }) => subject)).toEqual([
    'document_scan/advanced',
    '0.34 instead of 0.33',
    'face_match',
  ]);
});

test('fees, discounts and credits are what their lines say they are; tax is no part of the net', () => {
  const document = invoice(
    usage('face_match', null, 250_000n, 56n),
    charge('fee', 'Platform fee', 25_000_000n),
    charge('discount', 'Loyalty', -3_000_000n),
    charge('credit', 'Credit of September', -1_000_000n),
    charge('tax', '21% VAT', 7_350_000n),
  );
  const { findings, total } = findingsOf(books([own('face_match', null, 250_000n, 56n)]), document, unexplained);
  expect(total.amountDifference).toBe(21_000_000n);
  expect(findings.map(({ effect, cause, subject, certainty }) => [effect, cause, subject, certainty])).toEqual([
    ['extra_line', 'fee', 'Platform fee', 'fits'],
    ['extra_line', 'discount', 'Loyalty', 'fits'],
    ['extra_line', 'credit', 'Credit of September', 'fits'],
  ]);
});

test('a net that has the tax in it is a finding', () => {
  const document = invoice(usage('face_match', null, 250_000n, 56n), charge('tax', '21% VAT', 2_940_000n));
  const stated = { net: 16_940_000n, tax: 2_940_000n, total: 16_940_000n };
  const { findings } = findingsOf(
    books([own('face_match', null, 250_000n, 56n)]),
    { ...document, stated },
    unexplained,
  );
  expect(findings.map(short)).toEqual([
    { effect: 'tax', cause: 'tax', certainty: 'fits', amountDifference: 2_940_000n, quantityDifference: 0n },
  ]);
});

test('what rounding leaves of a quantity effect is told beside it', () => {
  const line = { ...own('face_match', null, 333_300n, 100n), amount: 33_330_000n };
  const document = invoice({ ...usage('face_match', null, 333_300n, 101n), amount: 33_660_000n });
  const { findings } = findingsOf(books([line]), document, unexplained);
  expect(findings.map(({ effect, certainty, amountDifference }) => [effect, certainty, amountDifference])).toEqual([
    ['quantity', 'none', 333_300n],
    ['rounding', 'fits', -3_300n],
  ]);
});

test('free units that an invoice does not print are no difference', () => {
  const lines = [own('face_match', null, 0n, 10n), own('face_match', null, 250_000n, 56n)];
  const { findings, matches } = findingsOf(
    books(lines),
    invoice(usage('face_match', null, 250_000n, 56n)),
    unexplained,
  );
  expect(findings).toEqual([]);
  expect(matches).toHaveLength(2);
});

test('two causes on one line have what each adds, even where they cancel out', () => {
  const state = (quantity: bigint) => [{ taskType: 'face_match', level: null, unitPrice: 250_000n, quantity }];
  const part = (cause: 'cutoff' | 'rule', subject: string) => ({ cause, subject, readings: [[`${cause}:${subject}`]] });
  const [cutoff, rule] = [part('cutoff', 'UTC'), part('rule', 'face_match/failed')];
  const explanation: Explanation = {
    ...unexplained,
    outcome: 'reproduced',
    candidates: [[cutoff, rule]],
    cells: [{ taskType: 'face_match', level: null, accountedFor: 'all', isCounted: false }],
    steps: [
      { part: cutoff, certainty: 'ambiguous', among: [[cutoff, rule]], lines: state(59n), minimum: 0n },
      { part: rule, certainty: 'fits', among: [], lines: state(56n), minimum: 0n },
    ],
  };
  const document = invoice(usage('face_match', null, 250_000n, 56n));
  const { findings } = findingsOf(books([own('face_match', null, 250_000n, 56n)]), document, explanation);
  expect(
    findings.map(({ cause, quantityDifference, alternatives, likelyWrong }) => [
      cause,
      quantityDifference,
      alternatives,
      likelyWrong,
    ]),
  ).toEqual([
    ['cutoff', 3n, 'cutoff(UTC)+rule(face_match/failed)|something else', 'books'],
    ['rule', -3n, '', 'vendor'],
  ]);
});

test('usage that the invoice takes back is a finding of its own, and netted with no other', () => {
  const own10 = books([own('document_scan', 'advanced', 500_000n, 10n)]);
  const document = invoice(usage('document_scan', 'advanced', 500_000n, 13n), {
    ...usage('document_scan', 'advanced', 500_000n, -3n),
    description: 'Taken back',
  });
  const { findings, total } = findingsOf(own10, document, unexplained);
  expect(total.amountDifference).toBe(0n);
  expect(
    findings.map(({ effect, cause, subject, amountDifference }) => [effect, cause, subject, amountDifference]),
  ).toEqual([
    ['quantity', 'unexplained', 'document_scan/advanced', 1_500_000n],
    ['extra_line', 'credit', 'Taken back', -1_500_000n],
  ]);
});
