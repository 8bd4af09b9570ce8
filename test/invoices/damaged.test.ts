import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { suggestLayout } from '../../src/invoices/layout/suggest-layout.ts';
import { readInvoice } from '../../src/invoices/read-invoice.ts';
import { readUsage } from '../../src/invoices/read-usage.ts';
import { layoutOf, novemberRules, openable } from './support.ts';
import { documentOf, taxOf, totals } from './ubl-samples.ts';
import { bookOf, bookParts, zipOf } from './writers.ts';

const rows = [
  ['Omschrijving', 'Aantal', 'Prijs', 'Bedrag', 'Datum'],
  ['Face match "é"', '3', '0,50', '1,50', '13-12-2026'],
  ['Korting', '', '', '-1.234,50', '13-12-2026'],
];
const parts = bookParts(rows);
const ubl = documentOf({
  tax: taxOf([['1.50', '0.32', '21']], '0.32'),
  totals: totals({ TaxExclusiveAmount: '1.50', PayableAmount: '1.82' }),
  lines: [{ id: '1', name: 'Face match', quantity: '3', amount: '1.50', price: '0.50' }],
});
const files: readonly Buffer[] = [
  Buffer.from(rows.map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(';')).join('\r\n')),
  Buffer.from(rows.map((cells) => cells.join('\t')).join('\n'), 'utf16le'),
  bookOf(rows),
  zipOf(parts, { store: true }),
  Buffer.from(ubl),
];
const columns = {
  description: 'Omschrijving',
  quantity: 'Aantal',
  unit_price: 'Prijs',
  amount: 'Bedrag',
  issue_date: 'Datum',
};
const layout = layoutOf({
  invoice: { number: 'F1', currency: 'EUR' },
  columns,
  lines: novemberRules,
  usage: {
    columns: { transaction_id: 'Omschrijving', task_type: 'Aantal', attempted_at: 'Datum', unit_price: 'Prijs' },
  },
});

/** A file with some of its bytes changed, and perhaps cut. */
const damaged = fc
  .record({
    file: fc.constantFrom(...files),
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    keep: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  })
  .map(({ file, changes, keep }) => {
    const bytes = Buffer.from(file.subarray(0, Math.floor(file.length * keep)));
    for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
    return bytes;
  });

async function isAnswered(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(LedgerError);
    expect((error as LedgerError).code).toMatch(/^(invoice|usage)_(unreadable|ambiguous)$|^layout_mismatch$/);
  }
}

test('whatever becomes of a file on its way, it is read or refused by a code', async () => {
  await fc.assert(
    fc.asyncProperty(damaged, async (bytes) => {
      await isAnswered(() => readInvoice(bytes, 'x', layout));
      await isAnswered(() => suggestLayout(bytes, 'x'));
      await isAnswered(async () => {
        const { rows: all } = await readUsage('x', openable(bytes), layout);
        for await (const some of all) for (const row of some) expect(row.transactionId).not.toBe('');
      });
    }),
    { numRuns: 150 },
  );
});
