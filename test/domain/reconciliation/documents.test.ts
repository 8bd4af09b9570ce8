import { describe, expect, test } from 'vitest';
import { minimumOf, usageLines } from '../../../src/domain/reconciliation/books.ts';
import { withCredits } from '../../../src/domain/reconciliation/credits.ts';
import type { Findings } from '../../../src/domain/reconciliation/findings.ts';
import { identityOf } from '../../../src/domain/reconciliation/identity.ts';
import { joinInvoices } from '../../../src/domain/reconciliation/invoices.ts';
import { taxDoubtsOf } from '../../../src/domain/reconciliation/taxes.ts';
import type { SummaryLine } from '../../../src/domain/report-lines.ts';
import type { InvoiceLine, VendorInvoice } from '../../../src/domain/vendor-invoice.ts';

const charge = (line: string, amount: bigint, more: Partial<InvoiceLine> = {}): InvoiceLine => ({
  line,
  description: `line ${line}`,
  kind: 'fee',
  taskType: null,
  level: null,
  quantity: null,
  unitPrice: null,
  amount,
  ...more,
});
const document = (number: string, lines: readonly InvoiceLine[], more: Partial<VendorInvoice> = {}): VendorInvoice => ({
  number,
  isCreditNote: false,
  issueDate: '2026-11-02',
  currency: 'EUR',
  period: '2026-10',
  lines,
  stated: { net: null, tax: null, total: null },
  ...more,
});

describe('several invoices of a month', () => {
  const stated = (net: bigint | null) => ({ net, tax: 2n, total: 12n });
  const one = document('A', [charge('1', 10n)], { stated: stated(10n) });
  const other = document('B', [charge('1', 5n), charge('2', 7n)], { isCreditNote: true, stated: stated(12n) });

  test('are one, whose lines go by their documents', () => {
    const joined = joinInvoices([one, other]);
    expect(joined).toMatchObject({ number: 'A+B', isCreditNote: false, isJoined: true, issueDate: '2026-11-02' });
    expect(joined.documents).toEqual([one, other]);
    expect(joined.lines.map(({ line, amount }) => [line, amount])).toEqual([
      ['A:1', 10n],
      ['B:1', 5n],
      ['B:2', 7n],
    ]);
    expect(joined.stated).toEqual({ net: 22n, tax: 4n, total: 24n });
    expect(joinInvoices([one, { ...other, stated: stated(null) }]).stated).toEqual({ net: null, tax: 4n, total: 24n });
  });

  test('that are one alone stay as they are; none are no invoice', () => {
    expect(joinInvoices([one])).toBe(one);
    expect(() => joinInvoices([])).toThrow(RangeError);
  });
});

test('each line of a credit note is a finding of its own, and nothing is subtracted from another', () => {
  const found: Findings = {
    findings: [],
    matches: [],
    evidence: [],
    total: { ownAmount: 100n, vendorAmount: 110n, amountDifference: 10n },
  };
  const usage = { kind: 'usage', taskType: 'face_match', level: 'x', quantity: -3n, unitPrice: 2n } as const;
  const note = document('CN', [
    charge('1', -6n, usage),
    charge('2', -1n),
    charge('3', -2n, { kind: 'tax' }),
    charge('4', 0n),
  ]);
  const { findings, total } = withCredits(found, '2026-10', [note, document('CN-2', [charge('1', -1n)])]);
  expect(total).toEqual({ ownAmount: 100n, vendorAmount: 102n, amountDifference: 2n });
  const id = identityOf(['2026-10', 'CN', '1', 'face_match', 'x', null, '2', 'extra_line', 'credit', 'line 1']);
  expect(findings[0]).toEqual({
    id,
    about: id,
    place: 'CN:1',
    invoiceNumber: 'CN',
    invoiceLine: '1',
    taskType: 'face_match',
    level: 'x',
    ownQuantity: null,
    vendorQuantity: -3n,
    ownUnitPrice: null,
    vendorUnitPrice: 2n,
    ownAmount: null,
    vendorAmount: -6n,
    effect: 'extra_line',
    cause: 'credit',
    subject: 'line 1',
    certainty: 'fits',
    alternatives: '',
    quantityDifference: -3n,
    amountDifference: -6n,
    likelyWrong: null,
    evidenceRows: 0,
  });
  expect(
    findings.slice(1).map((one) => [one.invoiceNumber, one.invoiceLine, one.quantityDifference, one.amountDifference]),
  ).toEqual([
    ['CN', '2', 0n, -1n],
    ['CN-2', '1', 0n, -1n],
  ]);
  expect(findings[1]?.id).toBe(
    identityOf(['2026-10', 'CN', '2', null, null, null, null, 'extra_line', 'credit', 'line 2']),
  );
});

test('an identity is the same in every run', () => {
  expect(identityOf(['2026-10', null, 'é', '😀'])).toBe('fe07b0e58d26fd09');
  expect(identityOf([])).not.toBe(identityOf(['']));
});

describe("a month's own lines", () => {
  const line = (more: Partial<SummaryLine> = {}): SummaryLine => ({
    correctsPeriod: null,
    taskType: 'face_match',
    level: null,
    unitPrice: 2n,
    amount: 6n,
    ruleTableVersion: 'r1',
    priceListVersion: 'p1',
    attempts: 4n,
    invoiced: 3n,
    notInvoiced: 1n,
    unclassified: 0n,
    vendorCounter: null,
    counted: 0n,
    countedInvoiced: 0n,
    differing: 0n,
    ...more,
  });

  test('are what is invoiced of each task type, level and price, whichever rules decided', () => {
    const lines = usageLines([
      line(),
      line({ ruleTableVersion: 'r2', invoiced: 2n, amount: 4n }),
      line({ unitPrice: 3n, amount: 9n }),
      line({ unitPrice: null, amount: null }),
      line({ level: 'x' }),
      line({ taskType: 'face_liveness' }),
      line({ correctsPeriod: '2026-09' }),
      line({ invoiced: 0n, amount: 0n }),
      line({ attempts: 0n, invoiced: 1n }),
    ]);
    expect(lines).toEqual([
      { taskType: 'face_match', level: null, unitPrice: 2n, quantity: 5n, amount: 10n },
      { taskType: 'face_match', level: null, unitPrice: 3n, quantity: 3n, amount: 9n },
      { taskType: 'face_match', level: null, unitPrice: null, quantity: 3n, amount: null },
      { taskType: 'face_match', level: 'x', unitPrice: 2n, quantity: 3n, amount: 6n },
      { taskType: 'face_liveness', level: null, unitPrice: 2n, quantity: 3n, amount: 6n },
    ]);
    expect(usageLines([line(), line({ amount: null }), line()])).toMatchObject([{ quantity: 9n, amount: null }]);
  });

  test('and what tops the month itself up to its minimum', () => {
    const charges = [
      { correctsPeriod: null, amount: 5n },
      { correctsPeriod: '2026-09', amount: 7n },
      { correctsPeriod: null, amount: 1n },
    ];
    expect([minimumOf(charges), minimumOf([])]).toEqual([6n, 0n]);
  });
});

describe('tax', () => {
  const micros = 1_000_000n;
  const usage = [charge('1', 100n * micros), charge('2', 10_010_000n)];
  const taxed = (...taxes: readonly (readonly [description: string, amount: bigint, taxable?: bigint | null])[]) =>
    taxDoubtsOf(
      document('A', [
        ...usage,
        ...taxes.map(([description, amount, taxable], index) =>
          charge(`T${index + 1}`, amount, { kind: 'tax', description, ...(taxable === undefined ? {} : { taxable }) }),
        ),
      ]),
    );
  const net = 110_010_000n;

  test.each<[what: string, taxes: (readonly [string, bigint, (bigint | null)?])[]]>([
    ['rounded once', [['21% VAT', 23_100_000n]]],
    ['exact', [['21% VAT', 23_102_100n]]],
    ['of what the document says', [['21 % VAT', 23_100_000n, net]]],
    ['with decimals', [['7,7% MwSt', 8_470_000n]]],
    ['with decimals after a point', [['7.725% tax', 8_500_000n]]],
    [
      'of several rates',
      [
        ['21% VAT', 21n * micros, 100n * micros],
        ['9% VAT', 900_000n, 10_010_000n],
      ],
    ],
    [
      'of several rates, of which it is not said',
      [
        ['21% VAT', 1n],
        ['9% VAT', 2n],
      ],
    ],
    ['without a rate', [['VAT', 1n]]],
    ['with two rates', [['21% or 9% VAT', 1n]]],
    ['with what is no rate', [['1.021% VAT no. 3.121%', 1n]]],
    ['none', []],
  ])('%s is right, or cannot be told', (_, taxes) => {
    expect(taxed(...taxes)).toEqual([]);
  });

  test('that does not follow from its rate is doubted, for sure where it is said what it is of', () => {
    expect(taxed(['21% VAT', 24n * micros])).toEqual([
      { line: 'T1', subject: '21% × 110.01 = 23.10 ≠ 24.00', isSure: false },
    ]);
    expect(taxed(['21% VAT', 24n * micros, net])).toEqual([
      { line: 'T1', subject: '21% × 110.01 = 23.10 ≠ 24.00', isSure: true },
    ]);
    expect(taxed(['7,7% MwSt', -8_470_000n, net])).toEqual([
      { line: 'T1', subject: '7.7% × 110.01 = 8.47 ≠ -8.47', isSure: true },
    ]);
  });

  test('that is off by no more than half a cent a line may be rounded otherwise', () => {
    const doubt = (amount: bigint) => taxed(['21% VAT', amount, net]).map(({ isSure }) => isSure);
    expect([23_110_000n, 23_090_000n, 23_111_000n, 23_089_000n].map(doubt)).toEqual([[false], [false], [true], [true]]);
  });

  test('may be rounded of every line by itself', () => {
    const lines = [charge('1', 1_030_000n), charge('2', 1_030_000n)];
    const doubts = (amount: bigint, kinds: readonly string[] = ['21% VAT']) =>
      taxDoubtsOf(
        document('A', [
          ...lines,
          ...kinds.map((description, index) => charge(`T${index}`, amount, { kind: 'tax', description })),
        ]),
      );
    // 0.2163 twice is 0.44 when rounded each, and 0.43 when rounded once.
    expect(doubts(440_000n)).toEqual([]);
    expect(doubts(430_000n)).toEqual([]);
    expect(doubts(450_000n)).toHaveLength(1);
  });

  test('of amounts that are not the net is doubted', () => {
    expect(taxed(['21% VAT', 21n * micros, 100n * micros], ['9% VAT', 0n, 0n])).toEqual([
      { line: 'T1', subject: 'taxable 100.00 ≠ 110.01', isSure: false },
    ]);
    expect(taxed(['21% VAT', 21n * micros, 100n * micros], ['VAT', 0n, null])).toEqual([]);
  });
});
