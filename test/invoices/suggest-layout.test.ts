import { expect, test } from 'vitest';
import { parseLayout } from '../../src/invoices/layout/layout-file.ts';
import { suggestLayout } from '../../src/invoices/layout/suggest-layout.ts';
import { readInvoice } from '../../src/invoices/read-invoice.ts';
import { readUsage } from '../../src/invoices/read-usage.ts';
import { openable, refusalOf } from './support.ts';
import { documentOf, taxOf, totals } from './ubl-samples.ts';
import { bookOf, encoded } from './writers.ts';

const suggested = async (bytes: Buffer) => {
  const text = await suggestLayout(bytes, 'november.csv');
  return { text, json: JSON.parse(text) as Record<string, unknown> };
};
const parsed = (text: string) => parseLayout(Buffer.from(text), 'layout.json').content;

const rows = [
  ['Omschrijving', 'Aantal', 'Prijs per stuk', 'Bedrag (€)'],
  ['Documentscan advanced', '1.234', '0,85', '1.048,90'],
  ['Gezichtsvergelijking', '10', '0,50', '5,00'],
  ['Abonnement', '', '', '100,00'],
  ['Subtotaal', '', '', '1.153,90'],
  ['BTW 21%', '', '', '242,32'],
  ['Totaal incl. btw', '', '', '1.396,22'],
];
const dutch = [['Factuurnummer:', 'F-7'], ['Factuurdatum', '13-12-2026'], ['Valuta', 'EUR'], ...rows];

test('a Dutch CSV with lines above its table: the layout reads it as it stands', async () => {
  const bytes = encoded(dutch.map((cells) => cells.join(';')).join('\r\n'), 'windows-1252');
  const { text, json } = await suggested(bytes);
  expect(json['format']).toEqual({ delimiter: ';', encoding: 'windows-1252', decimal: ',', header_row: 4 });
  expect(json['invoice']).toEqual({
    number: { label: 'Factuurnummer:' },
    issue_date: { label: 'Factuurdatum' },
    currency: { label: 'Valuta' },
  });
  expect(json['columns']).toEqual({
    description: 'Omschrijving',
    quantity: 'Aantal',
    unit_price: 'Prijs per stuk',
    amount: 'Bedrag (€)',
  });
  expect(json['lines']).toEqual([
    { description: 'Documentscan advanced', kind: 'usage', task_type: 'document_scan', level: 'advanced' },
    { description: 'Gezichtsvergelijking', kind: 'usage', task_type: 'face_match' },
    { description: 'Abonnement', kind: 'fee' },
    { description: 'Subtotaal', kind: 'net' },
    { description: 'BTW 21%', kind: 'tax' },
    { description: 'Totaal incl. btw', kind: 'total' },
  ]);
  const { invoice } = await readInvoice(bytes, 'november.csv', parsed(text));
  expect(invoice).toMatchObject({
    number: 'F-7',
    issueDate: '2026-12-13',
    currency: 'EUR',
    stated: { net: 1_153_900_000n, total: 1_396_220_000n },
  });
});

test('a workbook, too', async () => {
  const { text, json } = await suggested(bookOf(dutch));
  expect(json['format']).toEqual({ sheet: 'Factuur', decimal: ',', header_row: 4 });
  expect((await readInvoice(bookOf(dutch), 'november.xlsx', parsed(text))).invoice.lines).toHaveLength(4);
});

test('English words, and what no word tells: a question mark that no check lets pass', async () => {
  const text = 'Invoice number,Date,Item,Qty,Unit price,Net amount\nF1,01-02-2026,Something new,1,"1,234","1,234"\n';
  const { json, text: layout } = await suggested(Buffer.from(text));
  expect(json).toMatchObject({
    format: { delimiter: ',', decimal: '?', date: '?' },
    invoice: { currency: '?' },
    columns: {
      invoice_number: 'Invoice number',
      issue_date: 'Date',
      description: 'Item',
      quantity: 'Qty',
      unit_price: 'Unit price',
      amount: 'Net amount',
    },
    lines: [{ description: 'Something new', kind: '?' }],
  });
  const { code, mistakes } = await refusalOf(() => parsed(layout));
  expect([code, mistakes.length]).toEqual(['data_file_invalid', 4]);
});

test('columns without a known word are told by their values', async () => {
  const { json } = await suggested(Buffer.from('Wat;Kosten\nAbonnement;1,50\nKorting;-2,00\n'));
  expect(json['columns']).toEqual({ description: 'Wat', amount: 'Kosten' });
  expect(json['lines']).toEqual([
    { description: 'Abonnement', kind: 'fee' },
    { description: 'Korting', kind: 'discount' },
  ]);
});

test('a document of UBL has its lines alone to tell', async () => {
  const lines = ['Documentscan', 'Liveness check', 'Iets'].map((name, index) => ({
    id: String(index),
    name,
    amount: '1.00',
  }));
  const xml = documentOf({ tax: taxOf([], '0.00'), totals: totals({ PayableAmount: '3.00' }), lines });
  const { json } = await suggested(Buffer.from(xml));
  expect(json['lines']).toEqual([
    { description: 'Documentscan', kind: 'usage', task_type: 'document_scan' },
    { description: 'Liveness check', kind: 'usage', task_type: 'face_liveness' },
    { description: 'Iets', kind: '?' },
  ]);
});

test('a usage statement: the layout reads it once its time zone is said', async () => {
  const file = Buffer.from('Transactie-ID;Taak;Datum;Aantal\nT_1;ID scan;13-11-2026 10:11;1\n');
  const { json, text } = await suggested(file);
  expect(json).toMatchObject({
    usage: {
      columns: { transaction_id: 'Transactie-ID', task_type: 'Taak', attempted_at: 'Datum', quantity: 'Aantal' },
      task_types: { 'ID scan': 'document_scan' },
    },
  });
  const { code } = await refusalOf(async () => {
    const { rows: all } = await readUsage('usage.csv', openable(file), parsed(text));
    for await (const some of all) expect(some).toEqual([]);
  });
  expect(code).toBe('usage_ambiguous');
});

test('what is no table is refused for its first reason', async () => {
  const { code, mistakes } = await refusalOf(() => suggestLayout(Buffer.from('a\nb\nc\n'), 'x'));
  expect([code, mistakes]).toEqual(['invoice_unreadable', ['is no table: no line has cells apart by ; , tab or |']]);
});
