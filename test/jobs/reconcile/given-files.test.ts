import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { usageFrom } from '../../../src/jobs/reconcile/given-files.ts';
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
