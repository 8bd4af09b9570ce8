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
const refused = (file: string, used = layout) => refusalOf(() => readInvoice(Buffer.from(file), 'november.csv', used));
const plainHeader =
  'invoice_number,issue_date,currency,line,description,kind,task_type,level,quantity,unit_price,amount';

describe('files that would take too long', () => {
  test('a line without an end is refused, whatever separates its cells', async () => {
    const endless = 'x;'.repeat(2_000_000);
    expect((await refused(endless)).code).toBe('invoice_unreadable');
    const { code, mistakes } = await refused(`${header}\n${endless}`, withFormat({ delimiter: ';' }));
    expect([code, mistakes[0]]).toEqual([
      'invoice_unreadable',
      '2: has more than 65,536 characters, and no line break; is it the right file?',
    ]);
  });

  test('twenty thousand lines of one number are numbered apart, and more than fifty thousand are refused', async () => {
    const rows = (count: number) =>
      [plainHeader, ...Array.from({ length: count }, () => 'F1,2026-12-13,EUR,7,Fee,fee,,,,,1.00')].join('\n');
    const { invoice } = await readInvoice(Buffer.from(rows(20_000)), 'plain.csv');
    expect(invoice.lines.at(-1)?.line).toBe('7-20000');
    expect(new Set(invoice.lines.map(({ line }) => line)).size).toBe(20_000);
    const many = await refusalOf(() => readInvoice(Buffer.from(rows(50_001)), 'plain.csv'));
    expect(many).toEqual({ code: 'invoice_unreadable', mistakes: ['has 50001 lines, and at most 50,000 are read'] });
  });
});
