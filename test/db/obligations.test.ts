import { sql } from 'kysely';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { recordIntake } from '../../src/db/intake.ts';
import { claimDue, failObligation, pendingWork } from '../../src/db/obligations.ts';
import { countReprocess, reprocess } from '../../src/db/reprocess.ts';
import { asAdmin, asOwner, createTestDatabase, openTestDatabase, waitFor } from '../support/books.ts';
import { facts, fetchedOf, register } from '../support/facts.ts';
import { asRole } from '../support/roles.ts';
import { finishObligation, recordFetched, startObligation } from '../support/single.ts';

let db: Database;
let url: string;
let next = 0;
beforeAll(async () => {
  url = await createTestDatabase();
  db = await openTestDatabase(url);
});

async function newWork() {
  const transactionId = `ob-${(next += 1)}`;
  await register(db, transactionId, `res-${next}`);
  return { transactionId, kind: 'result' as const, generation: 1 };
}

const row = (transactionId: string) =>
  db.kysely
    .selectFrom('obligations')
    .selectAll()
    .where('transaction_id', '=', transactionId)
    .where('kind', '=', 'result')
    .executeTakeFirstOrThrow();
const failure = { code: 'vendor_timeout', counts: true, final: false, maxAttempts: 3, sweepAfterMs: 0 } as const;

describe('an obligation', () => {
  test('starts only while due and only for its own generation', async () => {
    const wake = await newWork();
    expect(await startObligation(db.kysely, { ...wake, generation: 2 }, 1_000)).toBeUndefined();
    const started = await startObligation(db.kysely, wake, 1_000);
    expect(started).toMatchObject({ fence: '1', starts: 1, attemptsMade: 0, resultId: `res-${next}` });
    expect(await finishObligation(db.kysely, wake, started!.fence)).toBe(true);
    expect(await startObligation(db.kysely, wake, 1_000)).toBeUndefined();
  });

  test('is ended by the latest start alone', async () => {
    const wake = await newWork();
    const early = await startObligation(db.kysely, wake, 1_000);
    const late = await startObligation(db.kysely, wake, 1_000);
    expect(await finishObligation(db.kysely, wake, early!.fence)).toBe(false);
    expect(await failObligation(db.kysely, wake, early!.fence, { ...failure, final: true })).toBeUndefined();
    expect((await row(wake.transactionId)).state).toBe('due');
    expect(await finishObligation(db.kysely, wake, late!.fence)).toBe(true);
  });

  test('fails for good when its attempts are used up; a failure that does not count uses none', async () => {
    const wake = await newWork();
    const states = [];
    for (const counts of [true, false, true, true]) {
      const started = await startObligation(db.kysely, wake, 0);
      states.push(await failObligation(db.kysely, wake, started!.fence, { ...failure, counts }));
    }
    expect(states).toEqual(['due', 'due', 'due', 'failed']);
    expect(await row(wake.transactionId)).toMatchObject({
      state: 'failed',
      attempts_made: 3,
      last_error_code: 'vendor_timeout',
      sweep_at: null,
    });
  });

  test('counts starts that never ended, and forgets them when one does', async () => {
    const wake = await newWork();
    await startObligation(db.kysely, wake, 0);
    await startObligation(db.kysely, wake, 0);
    const third = await startObligation(db.kysely, wake, 0);
    expect(third?.starts).toBe(3);
    await failObligation(db.kysely, wake, third!.fence, failure);
    expect((await row(wake.transactionId)).starts).toBe(0);
  });

  test('postponed is not due before its time', async () => {
    const wake = await newWork();
    const started = await startObligation(db.kysely, wake, 0);
    const end = { end: 'postponed', dueAt: new Date(Date.now() + 60_000) } as const;
    await recordFetched(db.kysely, fetchedOf(facts(wake.transactionId), { fence: started!.fence, end }), 0);
    expect(await row(wake.transactionId)).toMatchObject({ state: 'due', starts: 0, due_at: end.dueAt });
    expect(await startObligation(db.kysely, wake, 0)).toBeUndefined();
    expect(
      (await claimDue(db.kysely, ['result'], { limit: 1_000, leaseMs: 0 })).map(({ transactionId }) => transactionId),
    ).not.toContain(wake.transactionId);
  });
});

describe('the sweep’s claim', () => {
  test('is shared out among concurrent sweeps: each takes different work, none is left', async () => {
    await asRole(asOwner(url), 'truncate obligations');
    const items = Array.from({ length: 500 }, (_, index) => ({ transactionId: `sw-${index}`, resultId: null }));
    await recordIntake(db.kysely, items, 'file', 0);
    const claims = await Promise.all(
      Array.from({ length: 8 }, () => claimDue(db.kysely, ['result'], { limit: 100, leaseMs: 60_000 })),
    );
    const rest = await claimDue(db.kysely, ['result'], { limit: 1_000, leaseMs: 60_000 });
    const ids = [...claims.flat(), ...rest].map(({ transactionId }) => transactionId);
    expect(ids).toHaveLength(500);
    expect(new Set(ids).size).toBe(500);
    expect(await claimDue(db.kysely, ['result'], { limit: 1_000, leaseMs: 60_000 })).toEqual([]);
    expect(await pendingWork(db.kysely, ['result'])).toMatchObject({ dueNow: 500, nextDueAt: null });
    expect(await pendingWork(db.kysely, ['documents'])).toMatchObject({ dueNow: 0 });
  });
});

describe('intake', () => {
  const take = (transactionId: string, resultId: string | null) =>
    recordIntake(db.kysely, [{ transactionId, resultId }], 'file', 0).then(({ answers }) => answers[0]);

  test('is idempotent, and a result ID that comes later completes it', async () => {
    expect(await take('in-1', null)).toBe('accepted');
    expect(await take('in-1', null)).toBe('already_known');
    expect(await take('in-1', 'r1')).toBe('accepted');
    expect(await take('in-1', 'r1')).toBe('already_known');
    expect(await take('in-1', null)).toBe('already_known');
    expect(await row('in-1')).toMatchObject({ state: 'due', generation: 2 });
  });

  test('refuses another result ID, unless the first could not be fetched', async () => {
    await take('in-2', 'wrong');
    expect(await take('in-2', 'right')).toBe('conflict');
    const wake = { transactionId: 'in-2', kind: 'result', generation: 1 } as const;
    const started = await startObligation(db.kysely, wake, 0);
    await failObligation(db.kysely, wake, started!.fence, { ...failure, code: 'vendor_not_found', final: true });
    expect(await take('in-2', 'right')).toBe('accepted');
    expect(await row('in-2')).toMatchObject({ state: 'due', generation: 2, attempts_made: 0 });
  });

  test('by many processes at once registers each transaction once', async () => {
    const items = Array.from({ length: 200 }, (_, index) => ({
      transactionId: `par-${index}`,
      resultId: `r-${index}`,
    }));
    const runs = await Promise.all(Array.from({ length: 6 }, () => recordIntake(db.kysely, items, 'file', 0)));
    expect(runs.flatMap(({ due }) => due)).toHaveLength(200);
    expect(runs.flatMap(({ answers }) => answers).filter((answer) => answer === 'conflict')).toEqual([]);
  });
});

describe('reprocess', () => {
  test('makes failed work due again as a new generation, counted the same dry and for real', async () => {
    await asRole(asOwner(url), 'truncate obligations');
    const wakes = [await newWork(), await newWork(), await newWork()];
    for (const [index, wake] of wakes.entries()) {
      const started = await startObligation(db.kysely, wake, 0);
      if (index < 2)
        await failObligation(db.kysely, wake, started!.fence, {
          ...failure,
          final: true,
          code: index === 0 ? 'vendor_timeout' : 'vendor_gone',
        });
      else await finishObligation(db.kysely, wake, started!.fence);
    }
    const kinds = ['result', 'documents', 'audit_report'] as const;
    const wish = { requestedBy: 'me', reason: 'because', filter: { failed: true } };
    expect(await countReprocess(db.kysely, { failed: true }, kinds)).toEqual([{ kind: 'result', count: 2 }]);
    expect((await row(wakes[0]!.transactionId)).state).toBe('failed');
    expect(await reprocess(db.kysely, { failed: true, code: 'vendor_gone' }, kinds, wish)).toEqual([
      { kind: 'result', count: 1 },
    ]);
    expect(await row(wakes[1]!.transactionId)).toMatchObject({ state: 'due', generation: 2, attempts_made: 0 });
    expect((await row(wakes[0]!.transactionId)).state).toBe('failed');
    expect(await reprocess(db.kysely, { resultIds: ['no-such'] }, kinds, wish)).toEqual([]);
    expect(await startObligation(db.kysely, wakes[1]!, 0)).toBeUndefined();
    const log = await db.kysely.selectFrom('reprocess_log').selectAll().orderBy('id').execute();
    const noted = { requested_by: 'me', reason: 'because', filter: { failed: true }, kinds };
    expect(log).toMatchObject([
      { ...noted, obligations: 1 },
      { ...noted, obligations: 0 },
    ]);
  });
});

const wish = { requestedBy: 'me', reason: null, filter: {} };

describe('work that is asked for anew while it is being done', () => {
  const again: [string, (wake: Awaited<ReturnType<typeof newWork>>) => Promise<unknown>][] = [
    ['by a reprocess', (wake) => reprocess(db.kysely, { transactionIds: [wake.transactionId] }, ['result'], wish)],
    [
      'by a result ID that comes later',
      (wake) => recordIntake(db.kysely, [{ transactionId: wake.transactionId, resultId: 'late' }], 'file', 0),
    ],
  ];
  test.each(again)('%s is not ended by the earlier start', async (_name, ask) => {
    const wake = { ...(await newWork()), transactionId: `again-${next}` };
    await register(db, wake.transactionId);
    const started = await startObligation(db.kysely, wake, 0);
    await ask(wake);
    expect(await finishObligation(db.kysely, wake, started!.fence)).toBe(false);
    expect(await failObligation(db.kysely, wake, started!.fence, { ...failure, final: true })).toBeUndefined();
    expect(await row(wake.transactionId)).toMatchObject({ state: 'due', generation: 2 });
    expect(await startObligation(db.kysely, { ...wake, generation: 2 }, 0)).toBeDefined();
  });

  test('a new offer of files is not ended by the fetching of the old one', async () => {
    const transactionId = `offer-${(next += 1)}`;
    await register(db, transactionId);
    const offer = (fence: string, documentsOffer: string) =>
      recordFetched(db.kysely, fetchedOf(facts(transactionId), { fence, documentsOffer }), 0);
    const [wake] = (await offer('1', 'scans:2')) ?? [];
    const started = await startObligation(db.kysely, wake!, 0);
    const [newWake] = (await offer('2', 'result:r')) ?? [];
    expect(await finishObligation(db.kysely, wake!, started!.fence)).toBe(false);
    expect(await startObligation(db.kysely, newWake!, 0)).toMatchObject({ basis: 'result:r' });
  });
});

test('reprocess that meets a deadlock is tried again', async () => {
  const wakes = [await newWork(), await newWork()];
  const ids = wakes.map(({ transactionId }) => transactionId).sort();
  const holder = new pg.Client({ connectionString: asAdmin(url) });
  await holder.connect();
  // The other one is never the victim: it looks for deadlocks later.
  await holder.query(
    `set deadlock_timeout = '1min'; begin; update obligations set updated_at = now() where transaction_id = '${ids[1]}'`,
  );
  const reprocessed = reprocess(db.kysely, { transactionIds: ids }, ['result'], wish);
  await waitFor('the reprocess to wait', async () => {
    const { rows } = await sql`
      select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`.execute(db.kysely);
    return rows.length > 0;
  });
  await holder.query(`update obligations set updated_at = now() where transaction_id = '${ids[0]}'`);
  await holder.query('commit');
  expect(await reprocessed).toEqual([{ kind: 'result', count: 2 }]);
  await holder.end();
  for (const { transactionId } of wakes)
    expect(await row(transactionId)).toMatchObject({ state: 'due', generation: 2 });
});
