import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { invoiceFrom, usageFrom } from '../../../src/jobs/reconcile/given-files.ts';
import { openable } from '../../invoices/support.ts';

const statement = (rows: number): Buffer =>
  Buffer.from(
    [
      'transaction_id,task_type,attempt,attempted_at,outcome_code,level,quantity,unit_price',
      ...Array.from({ length: rows }, () => 't-1,document_scan,1,2026-01-05T10:00:00Z,,advanced,1,0.85'),
    ].join('\n'),
  );

test('a usage statement that is changed while it is read is not kept', async () => {
  const sha256 = createHash('sha256').update(statement(3)).digest('hex');
  const kept = async (rows: number): Promise<number> => {
    const { content } = await usageFrom({ name: 'usage.csv', sha256 }, openable(statement(rows)), undefined);
    let bytes = 0;
    for await (const chunk of content) bytes += chunk.length;
    return bytes;
  };
  expect(await kept(3)).toBe(statement(3).length);
  await expect(kept(4)).rejects.toMatchObject({ code: 'usage_unreadable' });
});

test.each([
  ['2026-01-31', ''],
  ['2026-02-01', ''],
  ['2027-01-31', ''],
  ['2025-12-31', 'issued on 2025-12-31: is it the invoice of 2026-01?'],
  ['2027-02-01', 'issued on 2027-02-01: is it the invoice of 2026-01?'],
])('an invoice of January 2026 that is issued on %s: %s', async (issued, note) => {
  const content = Buffer.from(
    [
      'invoice_number,issue_date,currency,line,description,kind,task_type,level,quantity,unit_price,amount',
      `INV-1,${issued},EUR,1,Scans,usage,document_scan,advanced,1,0.85,0.85`,
    ].join('\n'),
  );
  const { detected } = await invoiceFrom({ name: 'invoice.csv', sha256: '', content }, undefined, '2026-01');
  expect(detected.notes.join('')).toBe(note);
});
