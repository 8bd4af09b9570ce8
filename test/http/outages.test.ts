import { sql } from 'kysely';
import pg from 'pg';
import { describe, expect, inject, test } from 'vitest';
import { migrateUp } from '../../src/db/migrate.ts';
import { reportRuns } from '../../src/db/report-runs.ts';
import { periodOf } from '../../src/domain/billing-month.ts';
import { acquireServices } from '../../src/embedded/index.ts';
import { startTcpProxy } from '../chaos/tcp-proxy.ts';
import { serverProcesses } from '../embedded/support.ts';
import { atEnd, createTestDatabase, createTestFolder, openTestDatabase, waitFor } from '../support/books.ts';
import { register } from '../support/facts.ts';
import { withSimulator } from '../support/simulator.ts';
import { bearer, deliver, eventOf, inbox, problem, registered, startService, tokens } from './support.ts';

type Event = { id: string };
const since = (startedMs: number) => performance.now() - startedMs;

describe('while Redis is away', () => {
  test.each(['refuse', 'black-hole'] as const)(
    'events are answered 204 and done after its return (%s)',
    { timeout: 240_000 },
    async (mode) => {
      const { simulator, vendor } = await withSimulator({ transactions: 60 });
      const { IDSCAN_KEY_ID: keyId, IDSCAN_KEY_SECRET: keySecret, ...environment } = vendor;
      // A Redis of its own: the shared one is emptied by others.
      const own = await acquireServices({ dataDir: await createTestFolder(), databaseUrl: inject('appUrl') });
      atEnd(own.release);
      const redis = await startTcpProxy(own.redisUrl);
      atEnd(redis.close);
      const service = await startService(
        { ...environment, REDIS_URL: redis.url },
        { workersKey: { keyId, keySecret } },
      );
      await waitFor('workers at work', async () => {
        const [first] = simulator.transactions;
        await deliver(service, eventOf(first!.transactionId, first!.resultId));
        return simulator.requests.total > 0;
      });
      await redis.set(mode);
      const longest: number[] = [];
      const statuses = await Promise.all(
        simulator.transactions.map(async ({ transactionId, resultId }) => {
          const startedMs = performance.now();
          const { status } = await deliver(service, eventOf(transactionId, resultId));
          longest.push(since(startedMs));
          return status;
        }),
      );
      expect(new Set(statuses)).toEqual(new Set([204]));
      expect(Math.max(...longest), 'milliseconds to the slowest answer').toBeLessThan(5_000);
      const body = JSON.stringify({ transactionId: 'by-the-api' });
      const headers = { ...bearer(tokens.intake), 'content-type': 'application/json' };
      const answer = await service.ask('/api/results', { method: 'POST', headers, body });
      expect(JSON.parse(answer.text)).toMatchObject({ accepted: 1, workersTold: false });
      await redis.set('forward');
      const ids = new Set(simulator.transactions.map(({ transactionId }) => transactionId));
      await waitFor(
        'everything to be done',
        async () =>
          (await registered(service)).filter(({ id, state }) => ids.has(id) && state === 'done').length === ids.size,
        120_000,
      );
    },
  );

  test('the service starts all the same', async () => {
    const redis = await startTcpProxy(inject('redisUrl'));
    atEnd(redis.close);
    await redis.set('refuse');
    const key = { keyId: 'key', keySecret: 'a secret that is long enough for HS256' };
    const service = await startService({ REDIS_URL: redis.url }, { workersKey: key });
    expect((await deliver(service, eventOf('early'))).status).toBe(204);
    expect(await registered(service)).toMatchObject([{ id: 'early', state: 'due' }]);
  });

  test.each(['refuse', 'black-hole'] as const)(
    'a month’s files are asked for all the same, and written after its return (%s)',
    { timeout: 120_000 },
    async (mode) => {
      const redis = await startTcpProxy(inject('redisUrl'));
      atEnd(redis.close);
      const key = { keyId: 'key', keySecret: 'a secret that is long enough for HS256' };
      const service = await startService({ REDIS_URL: redis.url }, { workersKey: key });
      const asOperator = { headers: bearer(tokens.operator) };
      const period = periodOf(new Date(), 'UTC');
      await waitFor('Redis', async () => (await service.ask('/readyz', asOperator)).status === 200);
      await redis.set(mode);
      const answer = await service.ask(`/reports/${period}/write`, { method: 'POST', ...asOperator });
      expect(answer).toMatchObject({ status: 303, headers: { location: `/reports/${period}#files` } });
      const run = async () => (await reportRuns(service.context.db.kysely)).find((one) => one.period === period);
      expect(await run()).toMatchObject({ dueAt: expect.any(Date) as Date, finishedAt: null });
      await redis.set('forward');
      await waitFor('the files', async () => (await run())?.finishedAt ?? undefined, 90_000);
      expect((await service.ask(`/reports/${period}`, asOperator)).text).toContain('manifest.json');
    },
  );
});

describe('while Postgres is away', () => {
  test.each(['refuse', 'black-hole', 'reset'] as const)(
    'events are answered 503, and none is lost once the vendor delivers again (%s)',
    { timeout: 240_000 },
    async (mode) => {
      const postgres = await startTcpProxy(await createTestDatabase());
      atEnd(postgres.close);
      const service = await startService({ DATABASE_URL: postgres.url });
      const events = Array.from({ length: 60 }, (_, index) => eventOf(`in-outage-${index}`) as Event);
      await Promise.all(events.slice(0, 20).map((event) => deliver(service, event)));
      await postgres.set(mode);
      const startedMs = performance.now();
      for (const answer of await Promise.all(events.map((event) => deliver(service, event)))) {
        expect(problem(answer)).toMatchObject({ status: 503, code: 'database_unavailable' });
        expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
        expect(answer.text).not.toMatch(/ECONN|postgres:\/\/|127\.0\.0\.1/);
      }
      expect(since(startedMs)).toBeLessThan(10_000);
      await postgres.set('forward');
      const open = new Set(events);
      await waitFor(
        'the vendor to be told 204 of every event',
        async () => {
          for (const event of open) if ((await deliver(service, event)).status === 204) open.delete(event);
          return open.size === 0;
        },
        120_000,
      );
      expect((await inbox(service)).map(({ event_id }) => event_id).sort()).toEqual(events.map(({ id }) => id).sort());
      expect(await registered(service)).toHaveLength(60);
    },
  );

  test('pages are answered 503 within a minute while it is frozen, also what it was reading', async () => {
    const dataDir = await createTestFolder();
    const own = await acquireServices({ dataDir, redisUrl: inject('redisUrl') });
    atEnd(own.release);
    const db = await openTestDatabase(own.databaseUrl);
    await migrateUp(db);
    await register(db, 't-frozen');
    const holder = new pg.Client({ connectionString: own.databaseUrl });
    await holder.connect();
    atEnd(() => holder.end());
    const service = await startService({ DATABASE_URL: own.databaseUrl });
    const asked = async (path: string, token: string) => {
      const startedMs = performance.now();
      const { status } = await service.ask(path, { headers: bearer(token) });
      return { path, status, isSoon: since(startedMs) < 75_000 };
    };
    const isReading = async () => {
      const { rows } = await sql`select from pg_stat_activity where wait_event_type = 'Lock'`.execute(db.kysely);
      return rows.length === 3;
    };
    await holder.query('begin; lock table transactions in access exclusive mode');
    const month = `/reports/${periodOf(new Date(), 'UTC')}`;
    const beforehand = [
      asked('/transactions/t-frozen', tokens.operator),
      asked(`${month}/attempts`, tokens.finance),
      asked(`${month}/attempts.csv`, tokens.finance),
    ];
    await waitFor('three reads', isReading);
    const frozen = await serverProcesses(dataDir);
    for (const { pid } of frozen) process.kill(pid, 'SIGSTOP');
    let isFrozen = true;
    const thaw = () => {
      if (isFrozen) for (const { pid } of frozen) process.kill(pid, 'SIGCONT');
      isFrozen = false;
      return Promise.resolve();
    };
    atEnd(thaw);
    const afterwards = [
      asked('/transactions/t-frozen', tokens.operator),
      asked('/transactions/t-frozen/documents', tokens.custodian),
      ...['/reports', month, `${month}/attempts`, `${month}/attempts.csv`].map((path) => asked(path, tokens.finance)),
      asked('/readyz', tokens.operator),
    ];
    const metrics = await asked('/metrics', tokens.metrics);
    const answers = await Promise.all([...beforehand, ...afterwards]);
    expect(answers).toEqual(answers.map(({ path }) => ({ path, status: 503, isSoon: true })));
    expect(metrics).toMatchObject({ status: 200, isSoon: true });
    await thaw();
    await holder.query('rollback');
    await waitFor('Postgres', async () => (await asked('/transactions/t-frozen', tokens.operator)).status === 200);
  });

  test('an event whose commit was not confirmed is delivered again and counts once', async () => {
    const postgres = await startTcpProxy(await createTestDatabase());
    atEnd(postgres.close);
    const service = await startService({ DATABASE_URL: postgres.readableUrl });
    const events = Array.from({ length: 12 }, (_, index) => eventOf(`unconfirmed-${index}`));
    let broken = 0;
    for (const [index, event] of events.entries()) {
      if (index % 3 === 0) postgres.drop({ count: 1, isMeant: (statement) => statement.includes('webhook_inbox') });
      let { status } = await deliver(service, event);
      for (; status !== 204; { status } = await deliver(service, event)) {
        expect(status).toBe(503);
        broken += 1;
      }
    }
    expect(broken).toBeGreaterThan(0);
    expect(await inbox(service)).toHaveLength(12);
    expect((await registered(service)).every(({ generation }) => generation === 1)).toBe(true);
  });
});
