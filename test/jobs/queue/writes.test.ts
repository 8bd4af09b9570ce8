import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { asDatabaseError, openDatabase } from '../../../src/db/database.ts';
import { openWrites } from '../../../src/jobs/queue/writes.ts';
import { leaseMs, longOverdueMs, maxBacklog, refillBelow } from '../../../src/jobs/queue/queues.ts';
import { recordIntake } from '../../../src/db/intake.ts';
import { takeIn } from '../../../src/jobs/intake/intake.ts';
import { sweep } from '../../../src/jobs/queue/sweep.ts';
import { atEnd, createTestContext, createTestDatabase } from '../../support/books.ts';
import { facts, fetchedOf, register } from '../../support/facts.ts';
import { recordFetched, startObligation } from '../../support/single.ts';

describe('what jobs note together', () => {
  test('is noted of all but the one that somebody else holds, and nothing goes on waiting in Postgres', async () => {
    const url = await createTestDatabase();
    const db = openDatabase(url, { lockTimeoutMs: 300 });
    atEnd(db.close);
    const ids = ['a', 'b', 'c', 'd'];
    for (const id of ids) await register(db, id);
    const holder = new pg.Client({ connectionString: url });
    await holder.connect();
    atEnd(() => holder.end());
    await holder.query(`begin; update obligations set updated_at = now() where transaction_id = 'c'`);
    const writes = openWrites(db.kysely, { wakeForNew: () => Promise.resolve() });
    const start = (transactionId: string) =>
      writes.start({ transactionId, kinds: ['result'], generation: 1, maxUnfinished: 1 });
    const started = await Promise.allSettled(ids.map(start));
    expect(started.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    const [, , refused] = started;
    expect(asDatabaseError(refused?.status === 'rejected' && refused.reason)).toMatchObject({
      code: 'database_unavailable',
    });
    const { rows } = await holder.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    );
    expect(rows).toEqual([]);
    await holder.query('commit');
    expect((await start('c')).get('result')).toMatchObject({ fence: '1', starts: 1 });
  });
});

describe('a long queue', () => {
  test('is not filled up with what may wait in it already, but what is long overdue comes in beside newcomers', async () => {
    const context = await createTestContext();
    const { db, queues } = context;
    const lines = Array.from({ length: refillBelow }, (_, line) => ({
      line,
      transactionId: `n-${line}`,
      resultId: '',
    }));
    await takeIn(context, lines, 'file');
    expect((await queues.counts('result')).waiting).toBe(refillBelow);
    const overdueBy = (transactionId: string, ms: number) =>
      db.kysely
        .updateTable('obligations')
        .set({ sweep_at: new Date(Date.now() - ms) })
        .where('transaction_id', '=', transactionId)
        .execute();
    await recordIntake(db.kysely, [{ transactionId: 'lost', resultId: null }], 'file', 0);
    await overdueBy('lost', 0);
    expect(await sweep(context)).toBe(0);
    await overdueBy('lost', longOverdueMs);
    await takeIn(context, [{ line: 0, transactionId: 'newcomer', resultId: '' }], 'file');
    expect(await sweep(context)).toBe(1);
    expect((await queues.counts('result')).waiting).toBe(refillBelow + 2);
    await recordIntake(db.kysely, [{ transactionId: 'never-enqueued', resultId: null }], 'file', 0);
    expect(await sweep(context)).toBe(1);
    expect((await queues.counts('result')).waiting).toBe(refillBelow + 3);
    const more = Array.from({ length: maxBacklog - refillBelow }, (_, line) => ({
      line,
      transactionId: `m-${line}`,
      resultId: '',
    }));
    await takeIn(context, more, 'file');
    await takeIn(context, [{ line: 0, transactionId: 'one too many', resultId: '' }], 'file');
    expect((await queues.counts('result')).waiting).toBe(maxBacklog + 3);
    await overdueBy('n-0', longOverdueMs);
    expect(await sweep(context)).toBe(0);
  });
});

describe('the files of a transaction', () => {
  test('are one job, of whichever kinds they are due, and another once they are asked for anew', async () => {
    const { queues } = await createTestContext();
    const wake = (kind: 'documents' | 'audit_report', generation: number) => ({ transactionId: 't', kind, generation });
    await queues.wake([wake('documents', 1), wake('audit_report', 1), { ...wake('documents', 1), transactionId: 'u' }]);
    expect(await queues.counts('files')).toEqual({ waiting: 2, jobs: 2 });
    await queues.wake([wake('audit_report', 1)]);
    expect(await queues.counts('files')).toEqual({ waiting: 2, jobs: 2 });
    await queues.wake([wake('documents', 2), wake('audit_report', 1)]);
    expect(await queues.counts('files')).toEqual({ waiting: 3, jobs: 3 });
  });

  test('are not put back while their job is all that Postgres has of either kind', async () => {
    const context = await createTestContext();
    const { db, queues } = context;
    await register(db, 't', 'r');
    await startObligation(db.kysely, { transactionId: 't', kind: 'result', generation: 1 }, leaseMs);
    const offer = {
      fence: '1',
      documentsOffer: 'result:r',
      auditReportOffer: 'result:r',
      end: { end: 'done' },
    } as const;
    const due = await recordFetched(db.kysely, fetchedOf(facts('t'), offer), leaseMs);
    await queues.wake(due ?? []);
    const leasesEnd = () =>
      db.kysely.updateTable('obligations').set({ sweep_at: new Date() }).where('state', '=', 'due').execute();
    await leasesEnd();
    expect(await sweep(context)).toBe(0);
    await queues.all.find(({ name }) => name === 'files')!.drain();
    await leasesEnd();
    expect(await sweep(context)).toBe(2);
    expect(await queues.counts('files')).toEqual({ waiting: 1, jobs: 1 });
  });
});

describe('a short queue', () => {
  test('is left alone while it holds all that is due, and is filled up once something of it is missing', async () => {
    const context = await createTestContext();
    const { db, queues } = context;
    const ids = ['waits-1', 'waits-2', 'waits-3'];
    await takeIn(
      context,
      ids.map((transactionId, line) => ({ line, transactionId, resultId: '' })),
      'file',
    );
    const leasesEnd = () => db.kysely.updateTable('obligations').set({ sweep_at: new Date() }).execute();
    await leasesEnd();
    expect(await sweep(context)).toBe(0);
    await recordIntake(db.kysely, [{ transactionId: 'lost', resultId: null }], 'file', 0);
    await leasesEnd();
    // Those that wait already are put back beside it, and dropped by the queue.
    expect(await sweep(context)).toBe(4);
    expect(await queues.counts('result')).toEqual({ waiting: 4, jobs: 4 });
  });

  test('does not count what is still on its way to it', async () => {
    const context = await createTestContext();
    const { db, queues } = context;
    await takeIn(context, [{ line: 1, transactionId: 'waits', resultId: '' }], 'file');
    await db.kysely.updateTable('obligations').set({ sweep_at: new Date() }).execute();
    await recordIntake(db.kysely, [{ transactionId: 'on-its-way', resultId: null }], 'file', leaseMs);
    expect(await sweep(context)).toBe(0);
    expect(await queues.counts('result')).toEqual({ waiting: 1, jobs: 1 });
  });
});
