import path from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { chargedTwice } from '../../../src/db/attempt-nets.ts';
import { closedLines } from '../../../src/db/lines.ts';
import { closeMonth } from '../../../src/jobs/month/close-month.ts';
import type { Context } from '../../../src/jobs/context.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { verifyReports } from '../../../src/reports/verify-reports.ts';
import { asAdmin, createTestContext, openTestDatabase } from '../../support/books.ts';
import { bookkeeper, closeOrFail } from '../../support/closing.ts';
import { faceTask, scan, scanTask } from '../../support/facts.ts';
import { noEarlierThan } from '../../support/instants.ts';

async function closedOctober() {
  const context: Context = { ...(await createTestContext()), now: noEarlierThan('2027-02-01T00:00:00Z') };
  const look = bookkeeper(context);
  await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)])] });
  await closeOrFail(context, '2026-10');
  return { context, look };
}

test('a month that would charge for an attempt again is neither reported nor closed: by hand, past the triggers', async () => {
  const { context } = await closedOctober();
  const admin = await openTestDatabase(asAdmin(context.config.databaseUrl));
  await admin.kysely.transaction().execute(async (transaction) => {
    await sql`set local session_replication_role = replica`.execute(transaction);
    await sql`update attempts set attempted_at = '2026-11-05T10:05:00Z' where transaction_id = 't-1'`.execute(
      transaction,
    );
  });
  const refusal = { code: 'report_unbalanced', message: expect.stringContaining('t-1 document_scan 1: 2') as string };
  await expect(writeReport(context, '2026-11')).rejects.toMatchObject(refusal);
  await expect(
    closeMonth(context, { period: '2026-11', closedBy: 'a test', forcedReason: 'whatever it is' }),
  ).rejects.toMatchObject(refusal);
  const { rows } = await sql`select from closed_lines where period = '2026-11'`.execute(context.db.kysely);
  expect(rows).toEqual([]);
});

test('an attempt that moved from a closed month to a later open one is in its report before the closed one is corrected', async () => {
  const { context, look } = await closedOctober();
  const face = { createdAt: new Date('2026-11-20T10:00:00Z'), tasks: [faceTask('face_match')] };
  await look('t-2', { ...face, completedAt: null });
  await closeOrFail(context, '2026-11', 'it is not completed');
  await look('t-2', { ...face, completedAt: new Date('2027-01-10T10:00:00Z') });
  expect((await writeReport(context, '2027-01')).lines.totals).toMatchObject({ attempts: 1n, corrections: 0n });
  expect((await writeReport(context, '2026-12')).lines.totals).toMatchObject({ attempts: -1n, corrections: 1n });
});

test('lines that charge twice or credit once too often are found', async () => {
  const { context, look } = await closedOctober();
  await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', 'unknown_type_back')])] });
  const { kysely } = context.db;
  expect((await writeReport(context, '2026-11')).lines.totals.corrections).toBe(2n);
  const key = { transactionId: 't-1', taskType: 'document_scan', ordinal: 1 };
  const once = closedLines('2026-10');
  expect(await chargedTwice(kysely, once, '2026-10')).toEqual([{ ...key, net: 2 }]);
  const credited = once.replace('quantity', '-1 as quantity');
  expect(await chargedTwice(kysely, credited, '2026-10')).toEqual([]);
  expect(await chargedTwice(kysely, `${credited} union all ${credited}`, '2026-10')).toEqual([{ ...key, net: -1 }]);
  expect(await chargedTwice(kysely, once, '2026-09')).toEqual([]);
});

test('a scan that moves from a closed month past the next one is right in both, whichever is reported first', async () => {
  const { context, look } = await closedOctober();
  await look('t-1', { tasks: [scanTask([scan('2026-12-05T10:05:00Z', null)])] });
  const of = async (period: string) => (await writeReport(context, period)).lines.totals;
  expect(await of('2026-12')).toMatchObject({ invoiced: 1n, corrections: 0n });
  expect(await of('2026-11')).toMatchObject({ invoiced: -1n, corrections: 1n });
  const folder = path.dirname((await writeReport(context, '2026-12')).directory);
  expect((await verifyReports(folder, ['2026-10', '2026-11', '2026-12'])).problems).toEqual([]);
  await closeOrFail(context, '2026-11');
  expect((await closeOrFail(context, '2026-12')).lines.totals.invoiced).toBe(1n);
});
