import { describe, expect, test } from 'vitest';
import { readInvoice } from '../../src/invoices/read-invoice.ts';
import { readUsage } from '../../src/invoices/read-usage.ts';
import { layoutOf, refusalOf } from './support.ts';
import { documentOf, taxOf, totals } from './ubl-samples.ts';

const rules = [{ description: 'Scan*', kind: 'usage', task_type: 'document_scan', level: 'advanced' }];
const layout = layoutOf({ lines: rules });
const plain = (number: string, description = 'Scan', level = 'advanced') =>
  [
    'invoice_number,issue_date,currency,line,description,kind,task_type,level,quantity,unit_price,amount',
    `${number},2026-12-01,EUR,1,${description},usage,document_scan,${level},10,0.85,8.50`,
  ].join('\n');
const ubl = (number: string, name = 'Scan') =>
  documentOf({
    ...{ number, tax: taxOf([['8.50', '0.00', '0']], '0.00') },
    totals: totals({ TaxExclusiveAmount: '8.50', TaxInclusiveAmount: '8.50' }),
    lines: [{ id: '1', name, quantity: '10', amount: '8.50', price: '0.85' }],
  });
const read = (content: string | Buffer, name = 'f') => readInvoice(Buffer.from(content), name, layout);

/** Signs that nobody sees: they turn a line around, have no width, or only say where a word may be broken. */
const signs = [
  '\u202e',
  '\u202a',
  '\u2066',
  '\u2069',
  '\u200b',
  '\u200d',
  '\u200e',
  '\u00ad',
  '\u034f',
  '\u3164',
  '\u061c',
];

describe('what nobody sees is left out, with a word', () => {
  test.each(signs)('%j of a number, a description and a level', async (sign) => {
    const code = `U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
    const table = await read(plain(`INV${sign}-1`, `Sc${sign}an`, `adv${sign}anced`));
    expect(table.invoice.number).toBe('INV-1');
    expect(table.invoice.lines[0]).toMatchObject({ description: 'Scan', level: 'advanced' });
    expect(table.detected.notes).toEqual([`invisible signs were left out: ${code} on line 2`]);
    const document = await read(ubl(`INV${sign}-1`, `Sc${sign}an`));
    expect(document.invoice.number).toBe('INV-1');
    expect(document.invoice.lines[0]?.description).toBe('Scan');
    expect(document.detected.notes).toEqual([`invisible signs were left out: ${code} in ID, ${code} in Name`]);
  });

  test('of a sheet by its row, and no more places than a few', async () => {
    const [header = '', line = ''] = plain('INV\u200b-1').split('\n');
    const many = Array.from({ length: 9 }, (_, index) => line.replace(',1,Scan', `,${index + 1},Scan`));
    const { detected } = await read([header, ...many].join('\n'));
    expect(detected.notes[0]).toBe(
      'invisible signs were left out: U+200B on line 2, U+200B on line 3, U+200B on line 4, U+200B on line 5, U+200B on line 6, and in 4 more places',
    );
  });

  test('a number is the same however its spaces and accents are written', async () => {
    for (const number of ['F\u00a0é 1', 'F e\u0301  1', 'F é 1']) {
      expect((await read(plain(number))).invoice.number).toBe('F é 1');
      expect((await read(ubl(number))).invoice.number).toBe('F é 1');
    }
    expect((await read(plain('F é 1'))).detected.notes).toEqual([]);
  });
});

test('a usage statement with such a sign in an ID, a word or a code is refused, with its place', async () => {
  const header = 'transaction_id,task_type,attempt,attempted_at,outcome_code,level,quantity,unit_price';
  const row = ['t-1', 'document_scan', '1', '2026-11-03T10:11:12Z', 'blurred', 'advanced', '1', '0.85'];
  for (const [place, field] of [
    [0, 'transaction_id'],
    [1, 'task_type'],
    [4, 'outcome_code'],
    [5, 'level'],
  ] as const) {
    const cells = row.map((cell, index) => (index === place ? `${cell}\u200b` : cell)).join(',');
    // oxlint-disable-next-line typescript/require-await -- a file's chunks come asynchronously
    const open = async function* () {
      yield Buffer.from(`${header}\n${row.join(',')}\n${cells}\n`);
    };
    const { code, mistakes } = await refusalOf(async () => {
      for await (const some of (await readUsage('u.csv', open)).rows) expect(some).toHaveLength(1);
    });
    expect(code).toBe('usage_unreadable');
    expect(mistakes.join()).toContain(`3: ${field}: has an invisible sign, U+200B`);
  }
});

describe('UBL that says something twice is refused, with the place', () => {
  const twice = (element: RegExp) => ubl('F-1').replace(element, (one) => `${one}${one}`);
  test.each([
    ['the number', /<cbc:ID>F-1<\/cbc:ID>/, 'ID: is there 2 times'],
    ['the date', /<cbc:IssueDate>.*?<\/cbc:IssueDate>/, 'IssueDate: is there 2 times'],
    ['the currency', /<cbc:DocumentCurrencyCode>.*?<\/cbc:DocumentCurrencyCode>/, 'DocumentCurrencyCode: is there 2'],
    ['the totals', /<cac:LegalMonetaryTotal>.*?<\/cac:LegalMonetaryTotal>/s, 'LegalMonetaryTotal: is there 2 times'],
    ['the number of a line', /<cbc:ID>1<\/cbc:ID>/, 'line "1": ID is there 2 times'],
    ['a quantity', /<cbc:InvoicedQuantity.*?<\/cbc:InvoicedQuantity>/, 'line "1": InvoicedQuantity is there 2 times'],
    ['an amount', /<cbc:LineExtensionAmount.*?<\/cbc:LineExtensionAmount>/, 'LineExtensionAmount is there 2 times'],
    ['a price', /<cac:Price>.*?<\/cac:Price>/s, 'line "1": Price is there 2 times'],
  ])('%s', async (_, element, message) => {
    expect(twice(element)).not.toBe(ubl('F-1'));
    const { code, mistakes } = await refusalOf(() => read(twice(element)));
    expect(code).toBe('invoice_unreadable');
    expect(mistakes.join('\n')).toContain(message);
  });
});
