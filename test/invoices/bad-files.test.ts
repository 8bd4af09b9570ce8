import { describe, expect, test } from 'vitest';
import { readInvoice } from '../../src/invoices/read-invoice.ts';
import { layoutOf, novemberRules, refusalOf } from './support.ts';

const layout = layoutOf({
  invoice: { number: 'F1', issue_date: '2026-12-13', currency: 'EUR' },
  columns: { description: 'Omschrijving', quantity: 'Aantal', unit_price: 'Prijs', amount: 'Bedrag' },
  lines: novemberRules,
});
const withFormat = (format: object) => ({ ...layout, format: layoutOf({ format }).format });
const header = 'Omschrijving;Aantal;Prijs;Bedrag';
const lines = (...rows: string[]) => `${[header, ...rows].join('\r\n')}\r\n`;
const refused = (file: string | Buffer, used = layout) =>
  refusalOf(() => readInvoice(Buffer.from(file), 'november.csv', used));

describe('a file that is none', () => {
  const ole = Buffer.from('d0cf11e0a1b11ae1', 'hex');
  test.each([
    ['empty', Buffer.alloc(0), 'is empty'],
    ['a PDF', Buffer.from('%PDF-1.7'), 'is a PDF'],
    ['an old workbook', Buffer.concat([ole, Buffer.alloc(600)]), 'old Excel format'],
    [
      'an encrypted workbook',
      Buffer.concat([ole, Buffer.from('EncryptedPackage', 'utf16le')]),
      'protected by a password',
    ],
    ['one column', Buffer.from('a\nb\nc\n'), 'is no table'],
    ['UTF-16 without a mark', Buffer.from(lines('a;1;1;1'), 'utf16le'), '1: has a NUL'],
    ['a NUL further down', Buffer.from(lines('a;1;1;1', 'b;\0;1;1')), '3: has a NUL'],
    ['neither UTF-8 nor windows-1252', Buffer.from([0x61, 0x3b, 0x8f, 0x0a]), 'no text in utf-8 nor windows-1252'],
  ])('%s', async (_, bytes, message) => {
    const { code, mistakes } = await refused(bytes);
    expect(code).toBe('invoice_unreadable');
    expect(mistakes.join()).toContain(message);
  });
});

describe('a table that was cut or is broken names the line', () => {
  test.each([
    ['cut within a row', `${header}\nKorting;1;0,85;0,85\nKorting;1`, '3: has 2 cells'],
    ['cut within quotes', `${header}\nScan;1;0,85;0,85\n"Scan;1;0,85;0,85\n`, '3: has a quote that is never closed'],
    ['a quote within a cell', `${header}\nScan;1;0,85;0,85\nSc"an";1;0,85;0,85\n`, '3: has a quote within a cell'],
    ['no lines', `${header}\n`, 'has no lines'],
    ['a cell too many', `${header}\nKorting;1;1,00;1,00;\nKorting;1;1,00;1,00;x\n`, '3: has 5 cells'],
  ])('%s', async (_, text, message) => {
    const { code, mistakes } = await refused(text, withFormat({ delimiter: ';' }));
    const detected = await refused(text);
    expect([code, detected.code]).toEqual(['invoice_unreadable', 'invoice_unreadable']);
    expect([...mistakes, ...detected.mistakes].join('\n')).toContain(message);
  });

  test('an amount that was cut off is not taken for nothing', async () => {
    expect((await refused(`${header}\nKorting;1;1,00\n`, withFormat({ delimiter: ';' }))).mistakes).toEqual([
      '2: amount: is empty',
    ]);
  });
});
