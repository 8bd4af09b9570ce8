import { sql } from 'kysely';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { recordIntake } from '../../../src/db/intake.ts';
import { claimDue, failObligation, pendingWork } from '../../../src/db/obligations.ts';
import { countReprocess, countWithdrawn } from '../../../src/db/reprocess.ts';
import { readStatus } from '../../../src/db/status.ts';
import type { ErrorCode } from '../../../src/errors.ts';
import { closeMonth } from '../../../src/jobs/month/close-month.ts';
import type { Context } from '../../../src/jobs/context.ts';
import { explain } from '../../../src/jobs/explain/explain.ts';
import { withdraw } from '../../../src/jobs/intake/withdraw.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { asOwner, atEnd, createTestContext, waitFor } from '../../support/books.ts';
import { bookkeeper, closeOrFail } from '../../support/closing.ts';
import { register } from '../../support/facts.ts';
import { startObligation } from '../../support/single.ts';
import { instantNow, noEarlierThan } from '../../support/instants.ts';

const october = '2026-10';
const inDecember = noEarlierThan('2026-12-01T00:00:00Z');

/** Books with a good transaction in October, and a mistyped one for which the vendor answered 404. */
async function booksWithMistake(code: ErrorCode = 'vendor_not_found') {
  const context: Context = { ...(await createTestContext()), now: inDecember };
  const look = bookkeeper(context);
  await look('t-good');
  await fail(context, 't-typo', code);
  // As it is in October: what is registered long after a month cannot belong to it.
  await sqlAsOwner(context, `update transactions set registered_at = '2026-10-20T00:00:00Z' where id = 't-typo'`);
  const close = () => closeMonth(context, { period: october, closedBy: 'a test', forcedReason: null });
  const take = (id = 't-typo', reason = 'typing error') => withdraw(context, { id, reason, withdrawnBy: 'anna@desk' });
  const enqueue = (resultId: string | null = null) =>
    recordIntake(context.db.kysely, [{ transactionId: 't-typo', resultId }], 'command_line', 0);
  return { context, look, close, take, enqueue };
}

async function fail({ db }: Context, transactionId: string, code: ErrorCode): Promise<void> {
  await register(db, transactionId);
  const started = await startObligation(db.kysely, { transactionId, kind: 'result', generation: 1 }, 0);
  const failure = { code, counts: true, final: true, maxAttempts: 8, sweepAfterMs: 0 };
  await failObligation(db.kysely, { transactionId, kind: 'result' }, started!.fence, failure);
}

async function sqlAsOwner({ config }: Context, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: asOwner(config.databaseUrl) });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

describe('an ID that the vendor never knew', () => {
  test('blocks the close until it is withdrawn; then the month closes without force', async () => {
    const { context, close, take } = await booksWithMistake();
    expect(await close()).toMatchObject({ counts: { failed: 1, unsettled: 0 } });
    expect(await take()).toMatchObject({ transactionId: 't-typo', isNew: true });
    const closed = await closeOrFail(context, october);
    expect(closed.lines.totals).toMatchObject({ attempts: 1n });
    const { rows } = await sql<{ forced_reason: string | null }>`select forced_reason from period_closes`.execute(
      context.db.kysely,
    );
    expect(rows).toEqual([{ forced_reason: null }]);
    await closeOrFail(context, '2026-11');
  });

  test('is kept with who, when and why, once, whoever withdraws it again', async () => {
    const { context, take } = await booksWithMistake();
    const first = await take();
    const again = await withdraw(context, { id: 'T-TYPO'.toLowerCase(), reason: 'another', withdrawnBy: 'ben@desk' });
    expect(again).toEqual({ ...first, isNew: false });
    const { withdrawals, work } = await explain(context, 't-typo');
    expect(withdrawals).toEqual([
      {
        withdrawnBy: 'anna@desk',
        reason: 'typing error',
        revivedAt: null,
        revivedBy: null,
        withdrawnAt: expect.any(Date) as Date,
      },
    ]);
    expect(work).toMatchObject([{ kind: 'result', state: 'withdrawn', lastErrorCode: 'vendor_not_found' }]);
  });

  test('is no failure, not open, not swept, not fetched and not made due again once it is withdrawn', async () => {
    const { context, take } = await booksWithMistake();
    const db = context.db.kysely;
    expect((await readStatus(db)).failed).toEqual([{ kind: 'result', code: 'vendor_not_found', count: 1 }]);
    await take();
    const status = await readStatus(db);
    expect(status).toMatchObject({ failed: [], retrying: [], transactions: { total: 2, withdrawn: 1 } });
    expect(status.obligations).toContainEqual(expect.objectContaining({ state: 'withdrawn', count: 1 }));
    expect(status.oldestOpen?.transactionId).not.toBe('t-typo');
    expect((await claimDue(db, ['result'], { limit: 9, leaseMs: 0 })).map((one) => one.transactionId)).not.toContain(
      't-typo',
    );
    for (const generation of [1, 2])
      expect(
        await startObligation(db, { transactionId: 't-typo', kind: 'result', generation }, 0),
        `generation ${generation}`,
      ).toBeUndefined();
    for (const filter of [{ transactionIds: ['t-typo'] }, { code: 'vendor_not_found' }]) {
      expect(await countReprocess(db, filter, ['result'])).toEqual([]);
      expect(await countWithdrawn(db, filter)).toBe(1);
    }
    expect(await countReprocess(db, { failed: true }, ['result'])).toEqual([]);
  });

  test('is put back by an intake, which the history keeps, and can be withdrawn anew', async () => {
    const { context, close, take, enqueue } = await booksWithMistake();
    const db = context.db.kysely;
    await take();
    expect(await enqueue()).toMatchObject({ answers: ['accepted'], due: [{ transactionId: 't-typo' }] });
    expect((await enqueue()).answers).toEqual(['already_known']);
    expect((await readStatus(db)).transactions.withdrawn).toBe(0);
    expect(await close()).toMatchObject({ counts: { unsettled: 1, failed: 0 } });
    const due = await sql<{ generation: number }>`
      select generation from obligations where transaction_id = 't-typo'`.execute(db);
    const { generation } = due.rows[0]!;
    const started = await startObligation(db, { transactionId: 't-typo', kind: 'result', generation }, 0);
    const failure = { code: 'vendor_not_found', counts: true, final: true, maxAttempts: 8, sweepAfterMs: 0 } as const;
    await failObligation(db, { transactionId: 't-typo', kind: 'result' }, started!.fence, failure);
    expect(await take('t-typo', 'it is wrong after all')).toMatchObject({ isNew: true });
    const { withdrawals } = await explain(context, 't-typo');
    expect(withdrawals).toMatchObject([
      { reason: 'typing error', revivedBy: 'command_line', revivedAt: expect.any(Date) as Date },
      { reason: 'it is wrong after all', revivedBy: null, revivedAt: null },
    ]);
    await closeOrFail(context, october);
  });

  test.each([
    ['res-new', 'res-new'],
    [null, 'res-old'],
  ])('comes back with the result ID that is delivered with it, %s, or else the one it had', async (given, kept) => {
    const { context, take, enqueue } = await booksWithMistake();
    await sqlAsOwner(context, `update transactions set result_id = 'res-old' where id = 't-typo'`);
    await take();
    expect((await enqueue(given)).answers).toEqual(['accepted']);
    const { rows } = await sql`select result_id as id from transactions where id = 't-typo'`.execute(context.db.kysely);
    expect(rows).toEqual([{ id: kept }]);
  });

  test('is not waited for by reports once it is withdrawn, and is as of an instant before', async () => {
    const { context, take } = await booksWithMistake();
    const unfetched = async (at?: Date) => {
      const { manifest, openItems } = at
        ? await writeReport(context, october, { asOf: at })
        : await writeReport(context, october);
      return [openItems.unfetchedTransactions, manifest.sha256];
    };
    const before = await instantNow(context);
    const [waiting, bytes] = await unfetched(before);
    expect(waiting).toBe(1);
    await take();
    expect((await unfetched())[0]).toBe(0);
    expect((await unfetched(await instantNow(context)))[0]).toBe(0);
    expect(await unfetched(before)).toEqual([1, bytes]);
  });
});

describe('a withdrawal is refused', () => {
  const blocked = { code: 'blocked' };

  test('of what was never registered, and of what is no ID', async () => {
    const { take } = await booksWithMistake();
    await expect(take('t-nobody')).rejects.toMatchObject({ code: 'transaction_unknown' });
    await expect(take('../etc')).rejects.toMatchObject({ code: 'transaction_unknown' });
  });

  test('of what the vendor answered for, with attempts or without', async () => {
    const { look, take } = await booksWithMistake();
    await look('t-empty', { tasks: [] });
    await expect(take('t-good')).rejects.toMatchObject({
      ...blocked,
      message: expect.stringMatching(/ 1 of its attempts is known/) as string,
    });
    await expect(take('t-empty')).rejects.toMatchObject(blocked);
  });

  test('of what the vendor knew once and answers 404 for now', async () => {
    const { context, take } = await booksWithMistake();
    const db = context.db.kysely;
    const started = await startObligation(db, { transactionId: 't-good', kind: 'result', generation: 1 }, 0);
    const failure = { code: 'vendor_not_found', counts: true, final: true, maxAttempts: 8, sweepAfterMs: 0 } as const;
    await failObligation(db, { transactionId: 't-good', kind: 'result' }, started!.fence, failure);
    await expect(take('t-good')).rejects.toMatchObject(blocked);
  });

  test('while it is being fetched, and while nobody has asked the vendor', async () => {
    const { context, take } = await booksWithMistake();
    await register(context.db, 't-new');
    await expect(take('t-new')).rejects.toMatchObject({ ...blocked, message: expect.stringMatching(/due/) as string });
    await startObligation(context.db.kysely, { transactionId: 't-new', kind: 'result', generation: 1 }, 0);
    await expect(take('t-new')).rejects.toMatchObject({
      ...blocked,
      message: expect.stringMatching(/being fetched/) as string,
    });
    expect((await pendingWork(context.db.kysely, ['result'])).dueNow).toBeGreaterThan(0);
  });

  test.each(['vendor_forbidden', 'vendor_gone', 'vendor_unavailable', 'worker_died'] as const)(
    'of what failed with %s: that does not say that the vendor never knew it',
    async (code) => {
      const { close, take } = await booksWithMistake(code);
      await expect(take()).rejects.toMatchObject({ ...blocked, message: expect.stringContaining(code) as string });
      expect(await close()).toMatchObject({ counts: { failed: 1 } });
    },
  );

  test('by the database as well, which keeps what was noted', async () => {
    const { context, take, enqueue } = await booksWithMistake();
    await take();
    await enqueue();
    const note = (id: string) =>
      `insert into withdrawals (transaction_id, withdrawn_by, reason) values ('${id}', 'a', 'b')`;
    for (const statement of [
      note('t-good'),
      `update withdrawals set reason = 'another'`,
      `delete from withdrawals`,
      `truncate withdrawals cascade`,
      `update withdrawal_revivals set revived_by = 'another'`,
      `delete from withdrawal_revivals`,
    ])
      await expect(sqlAsOwner(context, statement), statement).rejects.toMatchObject({ code: '23001' });
  });
});

test('a withdrawal and an intake at the same time come one after the other, and the ID is never lost', async () => {
  const { context, take, enqueue } = await booksWithMistake();
  const beside = new pg.Client({ connectionString: context.config.databaseUrl });
  await beside.connect();
  atEnd(() => beside.end());
  await beside.query(`begin; select from transactions where id = 't-typo' for update`);
  const both = [take(), enqueue()] as const;
  await waitFor('both to wait', async () => {
    const { rows } = await sql<{ waiting: number }>`
      select count(*)::int as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(context.db.kysely);
    return rows[0]!.waiting === 2;
  });
  await beside.query('commit');
  await Promise.all(both);
  await enqueue();
  const { rows } = await sql<{ state: string; open: number }>`
    select state, (select count(*)::int from withdrawals w
      where not exists (select from withdrawal_revivals r where r.withdrawal_id = w.id)) as open
    from obligations where transaction_id = 't-typo'`.execute(context.db.kysely);
  expect(rows).toEqual([{ state: 'due', open: 0 }]);
});
