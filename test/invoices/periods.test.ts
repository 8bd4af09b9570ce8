import { describe, expect, test } from 'vitest';
import type { InvoiceLine } from '../../src/domain/vendor-invoice.ts';
import { layoutFrom, invoiceFrom } from '../../src/jobs/reconcile/given-files.ts';
import { expectOfMonth } from '../../src/jobs/reconcile/usable.ts';
import { refusalOf } from './support.ts';
import { documentOf, period, taxOf, totals } from './ubl-samples.ts';

const lines = [
  { description: 'Documentscan*', kind: 'usage', task_type: 'document_scan' },
  { description: '*', kind: 'fee' },
];
const layoutFile = (more: object = {}) => {
  const content = Buffer.from(JSON.stringify({ version: 'v1', source: 'a test', lines, ...more }));
  return layoutFrom({ name: 'layout.json', sha256: '', content });
};

/** What becomes of a file that is given for November: its notes, or its refusal. */
async function given(name: string, content: string, more: object = {}) {
  const file = { name, sha256: '', content: Buffer.from(content) };
  const { invoice, detected } = await invoiceFrom(file, layoutFile(more), '2026-11');
  expectOfMonth(invoice, '2026-11');
  return detected.notes;
}

const scan = { id: '1', name: 'Documentscan', quantity: '1000', amount: '850.00', price: '0.85' };
const more = { id: '2', name: 'Documentscan extra', quantity: '100', amount: '85.00', price: '0.85' };
const fee = { id: '3', name: 'Service', amount: '15.00' };
const november = period('2026-11-01', '2026-11-30');
const ubl = (head: string, [first = '', second = '', third = '']: readonly string[] = []) =>
  documentOf({
    ...{ period: head, tax: taxOf([['950.00', '199.50', '21']], '199.50') },
    totals: totals({ TaxExclusiveAmount: '950.00', TaxInclusiveAmount: '1149.50' }),
    lines: [
      { ...scan, extra: first },
      { ...more, extra: second },
      { ...fee, extra: third },
    ],
  });

describe('UBL', () => {
  test('a period of two months is refused, and so is another month, by its place', async () => {
    const two = await refusalOf(() => given('f.xml', ubl(period('2026-11-01', '2026-12-31'))));
    expect(two.code).toBe('period_differs');
    expect(two.mistakes[0]).toContain('InvoicePeriod: 2026-11 to 2026-12');
    const twice = november + period('2026-12-01', '2026-12-31');
    expect((await refusalOf(() => given('f.xml', ubl(twice)))).mistakes[0]).toContain('InvoicePeriod: 2026-12');
    const other = await refusalOf(() => given('f.xml', ubl(period('2026-10-01', '2026-10-31'))));
    expect(other).toMatchObject({ code: 'period_differs', mistakes: [expect.stringContaining('2026-10')] });
  });

  test('usage of another month on some lines is refused, and they are named', async () => {
    const other = period('2026-12-01', '2026-12-02');
    for (const head of ['', november]) {
      const { code, mistakes } = await refusalOf(() => given('f.xml', ubl(head, [november, other])));
      expect(code).toBe('period_differs');
      expect(mistakes.join()).toContain('line "2": 2026-12');
      expect(mistakes.join()).not.toContain('line "1"');
    }
    const over = period('2026-11-30', '2026-12-01');
    const { mistakes } = await refusalOf(() => given('f.xml', ubl(november, [over])));
    expect(mistakes.join()).toContain('line "1": 2026-11 to 2026-12');
  });

  test('a fee of another month is told: it may well be charged beforehand', async () => {
    const ahead = period('2026-12-01', '2026-12-31');
    expect(await given('f.xml', ubl(november, ['', '', ahead]))).toEqual(['line "3" (fee) is of 2026-12']);
    expect(await given('f.xml', ubl(november, [november, november, november]))).toEqual([]);
    expect(await given('f.xml', ubl(''))).toEqual([]);
  });

  test('a period that cannot be one is refused, and the layout can say the month', async () => {
    for (const head of [period('2026-11-31', '2026-11-30'), period('2026-12-01', '2026-11-30')])
      expect(await refusalOf(() => given('f.xml', ubl(head)))).toMatchObject({ code: 'invoice_unreadable' });
    const said = { invoice: { period: '2026-11' } };
    expect(await given('f.xml', ubl(period('2026-11-02', '2026-12-01')), said)).toEqual([]);
  });

  test('from the first of a month to the first of another one is a time that ends before that day', async () => {
    expect(await given('f.xml', ubl(period('2026-11-01', '2026-12-01')))).toEqual([]);
    const refusals = [
      ['2026-11-01', '2027-01-01', '2026-11 to 2026-12'],
      ['2026-11-02', '2026-12-01', '2026-11 to 2026-12'],
      ['2026-12-01', '2026-12-01', '2026-12'],
    ] as const;
    for (const [start, end, months] of refusals) {
      const { mistakes } = await refusalOf(() => given('f.xml', ubl(period(start, end))));
      expect(mistakes[0]).toMatch(new RegExp(`InvoicePeriod: ${months}[.]`));
    }
  });
});

describe('a table', () => {
  const columns = { description: 'Omschrijving', quantity: 'Aantal', unit_price: 'Prijs', amount: 'Bedrag' };
  const invoice = { number: 'F-7', issue_date: '2026-12-01', currency: 'EUR' };
  const table = (...periods: string[]) =>
    [
      'Periode;Omschrijving;Aantal;Prijs;Bedrag',
      ...periods.map((one, index) => `${one};${index === 2 ? 'Service;;;15.00' : 'Documentscan;10;0.85;8.50'}`),
    ].join('\n');
  const mapped = { columns: { ...columns, period: 'Periode' }, invoice };

  test('days of one month, and a period within it, are that month', async () => {
    expect(await given('f.csv', table('03-11-2026', '28-11-2026'), mapped)).toEqual([]);
    for (const one of [
      '01-11-2026 - 30-11-2026',
      '1 november 2026 t/m 30 november 2026',
      '2026-11-01/2026-11-30',
      '2026-11-01/2026-12-01',
    ])
      expect(await given('f.csv', table(one), mapped)).toEqual([]);
    expect(await given('f.csv', table('2026-11-03', ''), mapped)).toEqual([]);
    const twice = await given('f.csv', table('13-11-2026', '13-11-2026'), mapped);
    expect(twice).toEqual([expect.stringContaining('charged twice')]);
  });

  test('lines of other months are refused by the line of the file that they stand on', async () => {
    const { code, mistakes } = await refusalOf(() => given('f.csv', table('2026-11', '2026-12', '2026-12'), mapped));
    expect(code).toBe('period_differs');
    expect(mistakes.join()).toContain('line 3: 2026-12');
    expect(mistakes.join()).not.toContain('line 4');
    const two = await refusalOf(() => given('f.csv', table('01-11-2026 - 31-12-2026'), mapped));
    expect(two.mistakes.join()).toContain('line 2: 2026-11 to 2026-12');
    expect(await given('f.csv', table('13-11-2026', '14-11-2026', '15-12-2026'), mapped)).toEqual([
      'line 4 (fee) is of 2026-12',
    ]);
  });

  test('a period beside a label may be one of several months, too, and is named', async () => {
    const labelled = { columns, invoice: { ...invoice, period: { label: 'Factuurperiode' } } };
    const file = (said: string) => `Factuurperiode;${said};;;\n${table('')}`;
    expect(await given('f.csv', file('november 2026'), labelled)).toEqual([]);
    const { code, mistakes } = await refusalOf(() => given('f.csv', file('2026-11 t/m 2026-12'), labelled));
    expect(code).toBe('period_differs');
    expect(mistakes.join()).toContain('line 1: 2026-11 to 2026-12');
    expect((await refusalOf(() => given('f.csv', file('nu'), labelled))).code).toBe('invoice_unreadable');
  });
});

test('a line is one of the invoice all the same', async () => {
  const file = { name: 'f.xml', sha256: '', content: Buffer.from(ubl(november)) };
  const { invoice } = await invoiceFrom(file, layoutFile(), '2026-11');
  expect(invoice.period).toBe('2026-11');
  expect(invoice.lines.map(({ kind }: InvoiceLine) => kind)).toEqual(['usage', 'usage', 'fee', 'tax']);
});
