import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { causes, counterAsBooked, type Effect } from '../../src/domain/reconciliation/causes.ts';
import type { PublishedFinding } from '../../src/reports/dispute/published-finding.ts';
import { amountIn, letter } from '../../src/reports/dispute/letter.ts';
import { type DisputeHead, languages } from '../../src/reports/dispute/files.ts';

const micros = 1_000_000n;

const scans: PublishedFinding = {
  ...{ id: '0123456789abcdef', invoiceNumber: 'INV-1', invoiceLine: '1', taskType: 'document_scan', level: 'advanced' },
  ...{ effect: 'quantity', cause: 'rule', subject: 'document_scan/blurred or document_scan/too_dark' },
  ...{ certainty: 'ambiguous', ownQuantity: 12_300n, vendorQuantity: 12_360n, quantity: 60n },
  ...{ ownPrice: 850_000n, vendorPrice: 850_000n, ownAmount: 10_455n * micros, vendorAmount: 10_506n * micros },
  ...{ amount: 51n * micros, settled: 0n, evidenceRows: 60 },
  ...{ alternatives: '', likelyWrong: 'vendor', state: 'disputed' },
};
const price: PublishedFinding = {
  ...{ ...scans, id: '1123456789abcdef', effect: 'price', cause: 'price', certainty: 'fits', vendorPrice: 900_000n },
  ...{ quantity: 0n, amount: 618n * micros, settled: 100n * micros, evidenceRows: 0 },
};
const fee: PublishedFinding = {
  ...{
    ...scans,
    id: '2123456789abcdef',
    invoiceLine: '4',
    taskType: '',
    level: '',
    effect: 'extra_line',
    cause: 'fee',
  },
  ...{ subject: 'Platform fee', certainty: 'fits', ownQuantity: null, vendorQuantity: null, quantity: 0n },
  ...{ ownAmount: null, vendorAmount: 1_234_560_000n, amount: 1_234_560_000n, evidenceRows: 0 },
};
const tooLittle: PublishedFinding = {
  ...{ ...scans, id: '3123456789abcdef', invoiceLine: '2', taskType: 'face_match', level: '', cause: 'unexplained' },
  ...{ certainty: 'none', ownQuantity: 7n, vendorQuantity: 6n, quantity: -1n, amount: -850_000n, evidenceRows: 0 },
};
const head = (findings: PublishedFinding[], more: Partial<DisputeHead> = {}): DisputeHead => ({
  ...{ period: '2026-01', currency: 'EUR', reconciliationSha256: '0'.repeat(64), findings },
  invoices: [{ number: 'INV-1', sha256: '0'.repeat(64), issueDate: '2026-02-01' }],
  ...more,
});

describe.each(languages)('the letter in %s', (language) => {
  const write = (given: DisputeHead) => letter(given, language).toString();

  test('says of each finding what, how much and why, and what is expected', () => {
    const golden = readFileSync(new URL(`dispute-letter.${language}.golden.txt`, import.meta.url), 'utf8');
    expect(write(head([scans, price, fee, tooLittle]))).toBe(golden);
  });

  test('has words for every effect and cause, whoever is owed', () => {
    const effects: Effect[] = ['quantity', 'price', 'missing_line', 'extra_line', 'minimum', 'rounding', 'tax'];
    for (const effect of effects)
      for (const cause of causes)
        for (const amount of [micros, -micros]) {
          const text = write(head([{ ...scans, effect, cause, subject: 'all', amount }]));
          expect(text).not.toMatch(/undefined|null|NaN|\[object|EUR -| {4}/);
          expect(text).toContain(amountIn(language, micros, 'EUR'));
        }
  });

  test('whose items leave the amount as it is asks for a corrected invoice, and disputes no nought', () => {
    const tax: PublishedFinding = { ...scans, effect: 'tax', cause: 'tax', amount: 0n, evidenceRows: 0 };
    for (const findings of [[tax], [scans, { ...tooLittle, amount: -scans.amount }]]) {
      const text = write(head(findings));
      const [, , subject] = text.split('\n');
      expect(subject).not.toContain('EUR');
      expect(text).toMatch(/corrected invoice|gecorrigeerde factuur/);
      expect(text).not.toMatch(/We expect a credit|verwachten een creditnota/);
      expect(text, 'as verify wants it').toContain(amountIn(language, 0n, 'EUR'));
    }
  });

  test('expects what a credit note can say, and how it comes from the exact sum', () => {
    const [exact, paid, other] = [30_075_000n, 30_080_000n, 30_074_000n].map((one) => amountIn(language, one, 'EUR'));
    const text = write(head([{ ...scans, amount: 30_075_000n }]));
    expect(text.split('\n')[2]).toContain(paid);
    expect(text).toMatch(/We expect a credit note of|Wij verwachten een creditnota van/);
    const closing = text.split('\n').find((one) => /expect a credit|verwachten een creditnota/.test(one));
    for (const said of [exact, paid, amountIn(language, 10_000n, 'EUR')]) expect(closing).toContain(said);
    expect(write(head([{ ...scans, amount: 30_074_000n }]))).toContain(amountIn(language, 30_070_000n, 'EUR'));
    expect(write(head([{ ...scans, amount: 30_074_000n }])).split('\n')[2]).not.toContain(other);
    expect(write(head([{ ...scans, amount: 30_080_000n }]))).not.toMatch(/exactly|precies/);
  });

  test('names several invoices, lines by their invoice, and what we owe', async () => {
    const invoices = ['INV-1', 'INV-2', 'INV-3'].map((number, index) => ({
      ...{ number, sha256: '', issueDate: `2026-0${index + 1}-28` },
    }));
    const joined = { ...scans, invoiceNumber: 'INV-1+INV-2', invoiceLine: 'INV-1:1+INV-2:3', level: '' };
    const bare = { ...fee, invoiceNumber: 'INV-2' };
    const findings: PublishedFinding[] = [
      joined,
      { ...joined, taskType: '', invoiceLine: 'INV-2:4' },
      { ...joined, invoiceLine: '' },
      { ...joined, taskType: '', invoiceLine: '' },
      { ...scans, taskType: 'nfc', invoiceNumber: 'INV-3', invoiceLine: '7', settled: 1n * micros },
      { ...bare, vendorQuantity: 1n, vendorPrice: null },
      ...(['quantity', 'price', 'missing_line'] as const).map((effect) => ({ ...bare, effect, ownPrice: null })),
      { ...bare, invoiceLine: '', vendorQuantity: null, amount: -3_000n * micros, certainty: 'ambiguous' as const },
    ].map((one) => ({ ...one, evidenceRows: 0 }));
    await expect(write(head(findings, { invoices, period: '2026-12' }))).toMatchFileSnapshot(
      `dispute-invoices.${language}.golden.txt`,
    );
    await expect(write(head([bare], { invoices: invoices.slice(0, 2), currency: 'JPY' }))).toMatchFileSnapshot(
      `dispute-yen.${language}.golden.txt`,
    );
  });
});

/** What the wording of an item depends on: effect and cause, who is owed, what the subject is of, and how much of it. */
const worded: Partial<PublishedFinding>[] = [
  ...(['quantity', 'price', 'missing_line', 'extra_line', 'minimum', 'rounding', 'tax'] as const).flatMap((effect) =>
    [micros, -micros, 0n].map((amount) => ({ effect, amount, cause: 'fee' as const })),
  ),
  ...[null, 0n, 1n].map((vendorQuantity) => ({ effect: 'extra_line' as const, vendorQuantity, taskType: 'nfc' })),
  ...causes.map((cause) => ({ cause })),
  ...['all', 'linked billed', 'level advanced→basic', 'billed twice', 'a or document_scan/b'].flatMap((subject) =>
    [micros, -micros].map((amount) => ({ cause: 'rule' as const, subject, amount })),
  ),
  { cause: 'unclassified', subject: 'all' },
  ...['of every attempt', 'net of the invoice', 'document_scan'].map((subject) => ({
    cause: 'rounding' as const,
    subject,
  })),
  { cause: 'counter', subject: counterAsBooked },
  { cause: 'tax', subject: '21% × 1.00 = 0.21 ≠ 0.22' },
  { invoiceLine: '', settled: -micros },
  { invoiceLine: '', taskType: '', level: '' },
  { taskType: 'face_liveness', level: '', evidenceRows: 1_234, quantity: -1n },
];

test.each(languages)('every item has its words in %s', async (language) => {
  const findings = worded.map((more) => ({ ...scans, certainty: 'fits' as const, evidenceRows: 0, ...more }));
  await expect(letter(head(findings), language).toString()).toMatchFileSnapshot(`dispute-items.${language}.golden.txt`);
});

test('amounts are written as the language does, with the digits of the currency', () => {
  expect(amountIn('en', 1_234_567_850_000n, 'EUR')).toBe('EUR 1,234,567.85');
  expect(amountIn('nl', -1_234_567_850_000n, 'EUR')).toBe('EUR 1.234.567,85');
  expect(amountIn('nl', 999_000_000n, 'JPY')).toBe('JPY 999');
  expect(amountIn('nl', 333_300n, 'EUR')).toBe('EUR 0,3333');
});
