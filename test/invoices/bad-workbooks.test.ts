import { describe, expect, test } from 'vitest';
import { readInvoice } from '../../src/invoices/read-invoice.ts';
import { layoutOf, novemberRules, refusalOf } from './support.ts';
import { bookOf, bookParts, type SheetCell, zipOf } from './writers.ts';

const layout = layoutOf({
  invoice: { number: 'F1', issue_date: '2026-12-13', currency: 'EUR' },
  columns: { description: 'Omschrijving', quantity: 'Aantal', unit_price: 'Prijs', amount: 'Bedrag' },
  lines: novemberRules,
});
const read = (file: Buffer, used = layout) => readInvoice(file, 'november.xlsx', used);
const refused = (file: Buffer, used = layout) => refusalOf(() => read(file, used));

describe('a workbook', () => {
  const rows = (...cells: SheetCell[][]): SheetCell[][] => [['Omschrijving', 'Aantal', 'Prijs', 'Bedrag'], ...cells];
  const good: SheetCell[] = ['Face match', { n: '3' }, { n: '0.5' }, { n: '1.5' }];
  const parts = bookParts(rows(good));
  const sheet = 'xl/worksheets/sheet1.xml';
  const doctype = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>';
  test.each([
    ['cut', bookOf(rows(good)).subarray(0, 900), 'is no whole XLSX workbook'],
    ['protected', zipOf(parts, { encrypted: true }), 'protected by a password'],
    ['with macros', zipOf({ ...parts, 'xl/vbaProject.bin': 'x' }), 'has macros'],
    [
      'of a type with macros',
      zipOf({
        ...parts,
        '[Content_Types].xml': parts['[Content_Types].xml']!.replace(
          'openxmlformats-officedocument.spreadsheetml.sheet.main',
          'ms-excel.sheet.macroEnabled.main',
        ),
      }),
      'has macros',
    ],
    ['another zip', zipOf({ 'word/document.xml': '<a/>' }), 'no XLSX workbook'],
    ['that says it is huge', zipOf(parts, { declare: 60_000_000 }), 'unpacks to more than 64 MiB'],
    ['with a part that is huge', zipOf({ ...parts, [sheet]: ' '.repeat(17_000_000) }), 'at most 16 MiB are read'],
    ['that lies about its size', zipOf(parts, { declare: 100 }), 'is no whole XLSX workbook'],
    ['with an entity bomb', zipOf({ ...parts, [sheet]: `${doctype}<worksheet>&b;</worksheet>` }), 'has a DOCTYPE'],
    ['without its sheet', zipOf({ ...parts, [sheet]: '<chartsheet/>' }), 'no sheet that can be read'],
    ['with a flipped byte', flipped(zipOf(parts, { store: true }), 'Omschrijving'), 'a checksum in it does not fit'],
  ])('%s', async (_, bytes, message) => {
    const { code, mistakes } = await refused(bytes);
    expect(code).toBe('invoice_unreadable');
    expect(mistakes.join()).toContain(message);
  });

  test.each<[string, SheetCell, string]>([
    ['a formula', { formula: 'B2*C2', n: '1.5' }, 'D2 is a formula'],
    ['an error', { xml: '<c t="e"><v>#REF!</v></c>' }, 'D2 is an error'],
    ['more text than a cell holds', 'x'.repeat(32_768), 'D2 has more text than a cell holds'],
    ['more digits than a double holds', { n: '1234567890123.4567' }, 'D2 has more digits'],
    ['a date', { day: '2026-01-01' }, 'is a date, not a number'],
    ['a text that is not there', { xml: '<c t="s"><v>99</v></c>' }, 'D2 refers to a text'],
  ])('%s for an amount', async (_, cell, message) => {
    const { code, mistakes } = await refused(bookOf(rows([...good.slice(0, 3), cell])));
    expect(code).toBe('invoice_unreadable');
    expect(mistakes.join()).toContain(`2: amount: ${message}`);
  });

  test('a formula in a cell that nobody reads is no matter; a number with noise is what it means', async () => {
    const row = [...good.slice(0, 3), { n: '0.30000000000000004' }, { formula: 'NOW()', n: '46000' }];
    const { invoice } = await read(bookOf(rows(row)));
    expect(invoice.lines[0]?.amount).toBe(300_000n);
  });

  test('another sheet than the layout names', async () => {
    const { code, mistakes } = await refused(bookOf(rows(good)), { ...layout, format: { sheet: 'Regels' } });
    expect(code).toBe('layout_mismatch');
    expect(mistakes).toEqual(['there is no sheet "Regels"; the file has "Factuur"']);
  });
});

/** The file with the first letter of a text changed. */
function flipped(bytes: Buffer, text: string): Buffer {
  const changed = Buffer.from(bytes);
  const at = changed.indexOf(text);
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
}
