import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { goneAttempts } from '../../../src/db/gone-attempts.ts';
import { closeMonth } from '../../../src/jobs/month/close-month.ts';
import { asOwner, createTestContext, type TestContext } from '../../support/books.ts';
import { bookkeeper, closeOrFail } from '../../support/closing.ts';
import { scan, scanTask } from '../../support/facts.ts';
import { asRole } from '../../support/roles.ts';

const january = () => new Date('2027-01-01T00:00:00Z');

async function closedOctober() {
  const context = { ...(await createTestContext()), now: january };
  const look = bookkeeper(context);
  await look('t-1', {
    tasks: [scanTask([scan('2026-10-05T10:05:00Z', null), scan('2026-10-05T10:06:00Z', 'field_validation_failed')])],
  });
  await look('t-2', { tasks: [scanTask([scan('2026-10-06T10:05:00Z', null)])] });
  await closeOrFail(context, '2026-10');
  return { context, look };
}

const remove = (context: TestContext, id: string, ordinal: number) =>
  sql`delete from attempts where transaction_id = ${id} and ordinal = ${ordinal}`.execute(context.db.kysely);

const close = (context: TestContext, period: string) =>
  closeMonth(context, { period, closedBy: 'a test', forcedReason: null });

describe('an attempt that was booked and is gone from the tables', () => {
  test('blocks the close that would credit it, and is named', async () => {
    const { context } = await closedOctober();
    await remove(context, 't-1', 2);
    expect(await close(context, '2026-11')).toMatchObject({ counts: { gone: 1, unclassified: 0, unsettled: 0 } });
    expect(await goneAttempts(context.db.kysely, 10)).toEqual([
      { transactionId: 't-1', taskType: 'document_scan', ordinal: 2, bookedFor: '2026-10' },
    ]);
  });

  test('does not block once it is there again', async () => {
    const { context } = await closedOctober();
    const { kysely } = context.db;
    const { rows } = await sql<{ row: unknown }>`
      select to_jsonb(a) as row from attempts a where transaction_id = 't-2'`.execute(kysely);
    await remove(context, 't-2', 1);
    expect(await close(context, '2026-11')).toMatchObject({ counts: { gone: 1 } });
    await sql`
      insert into attempts select * from jsonb_populate_record(null::attempts, ${JSON.stringify(rows[0]?.row)}::jsonb)`.execute(
      kysely,
    );
    await closeOrFail(context, '2026-11');
    expect(await goneAttempts(context.db.kysely, 10)).toEqual([]);
  });

  test('is found where no trigger noted its removal', async () => {
    const { context } = await closedOctober();
    await asRole(
      asOwner(context.config.databaseUrl ?? ''),
      `alter table attempts disable trigger user`,
      `delete from attempts where transaction_id = 't-2'`,
      `alter table attempts enable trigger user`,
    );
    expect(await goneAttempts(context.db.kysely, 10)).toEqual([
      { transactionId: 't-2', taskType: 'document_scan', ordinal: 1, bookedFor: '2026-10' },
    ]);
  });

  test('once credited by force is booked no more, and no fault', async () => {
    const { context } = await closedOctober();
    await remove(context, 't-2', 1);
    await closeOrFail(context, '2026-11', 'the owner removed it, ticket 12');
    expect(await goneAttempts(context.db.kysely, 10)).toEqual([]);
    await closeOrFail(context, '2026-12');
  });
});

describe('an attempt of an open month', () => {
  test('that was removed by hand blocks its close: history knows better', async () => {
    const context = { ...(await createTestContext()), now: january };
    const look = bookkeeper(context);
    await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null), scan('2026-10-05T10:06:00Z', null)])] });
    await remove(context, 't-1', 2);
    expect(await close(context, '2026-10')).toMatchObject({ counts: { gone: 1 } });
  });
});

describe('a stand-in for a scan that was not listed', () => {
  const counted = { attempts: 2, attemptsInvoiced: 1, scans: null };

  test('that yields to the list is not gone, booked or not', async () => {
    const context = { ...(await createTestContext()), now: january };
    const look = bookkeeper(context);
    await look('t-1', { tasks: [scanTask([], counted)] });
    await closeOrFail(context, '2026-10');
    await look('t-1', {
      tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)], { attempts: 1, attemptsInvoiced: 1 })],
    });
    expect(await goneAttempts(context.db.kysely, 10)).toEqual([]);
    await closeOrFail(context, '2026-11');
  });

  test('that was removed by hand while the list is missing is gone', async () => {
    const context = { ...(await createTestContext()), now: january };
    const look = bookkeeper(context);
    await look('t-1', { tasks: [scanTask([], counted)] });
    await closeOrFail(context, '2026-10');
    await remove(context, 't-1', 1);
    expect(await close(context, '2026-11')).toMatchObject({ counts: { gone: 1 } });
    expect(await goneAttempts(context.db.kysely, 10)).toHaveLength(1);
  });
});
