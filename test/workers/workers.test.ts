import { Redis } from 'ioredis';
import { describe, expect, inject, test } from 'vitest';
import { readStatus } from '../../src/db/status.ts';
import { recordIntake } from '../../src/db/intake.ts';
import { takeIn } from '../../src/jobs/intake/intake.ts';
import { maxAttempts, maxStarts } from '../../src/jobs/queue/queues.ts';
import { sweep } from '../../src/jobs/queue/sweep.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { runWorkers } from '../../src/workers/run-workers.ts';
import { atEnd, createTestContext, type TestContext } from '../support/books.ts';
import { startObligation } from '../support/single.ts';

type World = Parameters<typeof startSimulator>[0];

async function start(world: Partial<World> = {}, environment: Record<string, string> = {}) {
  const simulator = await startSimulator({
    seed: 11,
    month: '2026-10',
    transactions: 40,
    abandonedShare: 0.2,
    ...world,
  });
  atEnd(simulator.close);
  const context = await createTestContext({
    baseUrl: simulator.baseUrl,
    keyId: simulator.keyId,
    secret: simulator.secret,
    environment,
  });
  const lines = simulator.transactions.map(({ transactionId, resultId }, index) => ({
    line: index,
    transactionId,
    resultId: resultId ?? '',
  }));
  return { simulator, context, lines };
}

function work(context: TestContext) {
  const workers = runWorkers(context, { redis: context.redis, prefix: context.queuePrefix, isBatch: true });
  atEnd(() => workers.stop(10_000));
  return workers;
}

const signal = new AbortController().signal;

describe('workers', () => {
  test('do what was taken in, and documents only once their result is known', async () => {
    const { simulator, context, lines } = await start();
    expect((await takeIn(context, lines, 'file')).isQueued).toBe(true);
    const workers = work(context);
    expect(await workers.idle(signal)).toEqual({ nextDueAt: null });
    const status = await readStatus(context.db.kysely);
    expect(status.transactions).toEqual({ total: 40, fetched: 40, settled: 40, withdrawn: 0, missingResultId: 0 });
    expect(status.obligations.filter(({ state }) => state !== 'done')).toEqual([]);
    const completed = simulator.transactions.filter(({ resultId }) => resultId !== null).length;
    expect(status.obligations.find(({ kind }) => kind === 'documents')?.count).toBe(completed);
    expect(workers.tally.total('failed')).toBe(0);
  });

  test('ask once more for what was settled in a month that has ended, also in a batch run', async () => {
    const { context, lines } = await start({ transactions: 3, abandonedShare: 0 });
    const { kysely } = context.db;
    await takeIn(context, lines, 'file');
    // While the month lasts: afterwards these would look through it, too, before or after anything is settled.
    await work({ ...context, now: () => new Date('2026-10-31T00:00:00Z') }).idle(signal);
    const longAgo = new Date('2026-10-03T00:00:00Z');
    await kysely.updateTable('transactions').set({ fetched_at: longAgo }).execute();
    await work({ ...context, now: () => new Date('2026-11-20T00:00:00Z') }).idle(signal);
    const fetched = await kysely.selectFrom('transactions').select('fetched_at').execute();
    expect(fetched.filter(({ fetched_at: at }) => at === null || at <= longAgo)).toEqual([]);
    const due = await kysely.selectFrom('obligations').select('state').where('state', '<>', 'done').execute();
    expect(due).toEqual([]);
  });

  test('find what the queues have lost: Redis emptied between intake and work', async () => {
    const { context, lines } = await start();
    await takeIn(context, lines, 'file');
    const redis = new Redis(inject('redisUrl'));
    const keys = await redis.keys(`${context.queuePrefix}*`);
    expect(keys.length).toBeGreaterThan(0);
    await redis.del(...keys);
    await redis.quit();
    await context.db.kysely
      .updateTable('obligations')
      .set({ sweep_at: new Date() })
      .where('state', '=', 'due')
      .execute();
    expect(await sweep(context)).toBe(40);
    await work(context).idle(signal);
    expect((await readStatus(context.db.kysely)).transactions.settled).toBe(40);
  });

  test('wait out a 429 for the whole queue without using an attempt', async () => {
    const { simulator, context, lines } = await start({
      transactions: 8,
      faults: { first: 1, kinds: ['rate_limited_seconds'], retryAfterSeconds: 1 },
    });
    await takeIn(context, lines, 'file');
    const workers = work(context);
    await workers.idle(signal);
    expect(workers.tally.total('failed')).toBe(0);
    expect(simulator.requests.byStatus.get(429)).toBeGreaterThanOrEqual(8);
    const { attempts_made } = await context.db.kysely
      .selectFrom('obligations')
      .select((eb) => eb.fn.max('attempts_made').as('attempts_made'))
      .executeTakeFirstOrThrow();
    expect(attempts_made).toBe(0);
  });

  test('park what stays refused, with its code, at once where no retry can help', async () => {
    const { context, lines } = await start({ transactions: 3 });
    const unknown = { line: 99, transactionId: '99999999-9999-4999-8999-999999999999', resultId: '' };
    const wrongResult = { ...lines[0]!, line: 100, resultId: '99999999-9999-4999-8999-999999999998' };
    await takeIn(context, [unknown, wrongResult, lines[1]!], 'file');
    const workers = work(context);
    await workers.idle(signal);
    expect(workers.tally.failures()).toEqual([{ kind: 'result', code: 'vendor_not_found', count: 2 }]);
    const status = await readStatus(context.db.kysely);
    expect(status.failed).toEqual([{ kind: 'result', code: 'vendor_not_found', count: 2 }]);
    // The details were there: what they prove is in the books, though the result is not.
    expect(status.transactions).toEqual({ total: 3, fetched: 2, settled: 2, withdrawn: 0, missingResultId: 0 });
  });

  test('give up on a job whose worker died too often', async () => {
    const { context, lines } = await start({ transactions: 1 });
    const { due } = await recordIntake(
      context.db.kysely,
      [{ ...lines[0]!, resultId: lines[0]!.resultId || null }],
      'file',
      0,
    );
    const wake = { ...due[0]!, kind: 'result' as const };
    for (let start = 0; start < maxStarts; start += 1) await startObligation(context.db.kysely, wake, 0);
    await context.db.kysely.updateTable('obligations').set({ sweep_at: new Date() }).execute();
    const workers = work(context);
    await workers.idle(signal);
    expect(workers.tally.failures()).toEqual([{ kind: 'result', code: 'worker_died', count: 1 }]);
  });

  test.each([
    [[], ['document', 'audit_report']],
    [['FETCH_DOCUMENTS'], ['audit_report']],
    [['FETCH_AUDIT_REPORTS'], ['document']],
    [['FETCH_DOCUMENTS', 'FETCH_AUDIT_REPORTS'], []],
  ])('leave files alone that are switched off (%s), and never wait for them', async (switchedOff, fetched) => {
    const environment = Object.fromEntries(switchedOff.map((name) => [name, 'false']));
    const { simulator, context, lines } = await start({ transactions: 10 }, environment);
    await takeIn(context, lines, 'file');
    await work(context).idle(signal);
    const { download, audit_report: auditReports } = simulator.requests.byRoute;
    expect([download > 0, auditReports > 0]).toEqual([fetched.includes('document'), fetched.includes('audit_report')]);
    const { files, obligations } = await readStatus(context.db.kysely);
    expect(new Set(files.map(({ kind }) => kind))).toEqual(new Set(fetched));
    expect(obligations.filter(({ state }) => state !== 'done')).toEqual([]);
  });

  test('keep no ended job in Redis', async () => {
    const { context, lines } = await start({ transactions: 5 });
    await takeIn(context, lines, 'file');
    const workers = work(context);
    await workers.idle(signal);
    await workers.stop(10_000);
    const redis = new Redis(inject('redisUrl'));
    const left = await redis.keys(`${context.queuePrefix}:*:t_*`);
    await redis.quit();
    expect(left).toEqual([]);
  });
});

describe('a failure', () => {
  test('that never passes is parked after all attempts', () => {
    expect(maxAttempts).toBeGreaterThanOrEqual(5);
  });
});
