import { request } from 'node:http';
import { Redis } from 'ioredis';
import { describe, expect, inject, test } from 'vitest';
import { composeWorkers } from '../../src/compose/workers.ts';
import { openDatabase } from '../../src/db/database.ts';
import { migrateDown } from '../../src/db/migrate.ts';
import { readWorkers } from '../../src/db/heartbeats.ts';
import { listenForMetrics } from '../../src/metrics/listener.ts';
import { addProcessMetrics } from '../../src/metrics/process.ts';
import { addUsabilityGauges } from '../../src/metrics/usability.ts';
import { createWorkMetrics } from '../../src/metrics/work.ts';
import { runWorkers } from '../../src/workers/run-workers.ts';
import { startTcpProxy } from '../chaos/tcp-proxy.ts';
import { ask } from '../http/support.ts';
import { asOwner, atEnd, createTestConfig, createTestDatabase, waitFor } from '../support/books.ts';
import { asRole } from '../support/roles.ts';

/** Workers at rest behind proxies, with a listener as `worker` has it. */
async function startWorker({ redisUrl = inject('redisUrl') } = {}) {
  const redis = await startTcpProxy(redisUrl);
  const databaseUrl = await createTestDatabase();
  const postgres = await startTcpProxy(databaseUrl);
  for (const proxy of [redis, postgres]) atEnd(proxy.close);
  const config = await createTestConfig({ environment: { DATABASE_URL: postgres.url, REDIS_URL: redis.url } });
  const prefix = `{test-${crypto.randomUUID()}}`;
  const key = { keyId: 'key', keySecret: 'a secret that is long enough for HS256' };
  const { context, close } = await composeWorkers(config, key, { queuePrefix: prefix });
  const workers = runWorkers(context, { redis: context.redis, prefix, isBatch: false });
  const { registry } = createWorkMetrics();
  addProcessMetrics(registry);
  addUsabilityGauges(registry, workers.checks);
  const listener = await listenForMetrics(registry, { host: '127.0.0.1', port: 0 }, workers.checks);
  const stop = async () => {
    await workers.stop(10_000);
    await listener.close();
    await close();
  };
  atEnd(stop);
  return { redis, postgres, databaseUrl, context, get: (path: string) => ask(listener.port, path, {}), stop, listener };
}

type Worker = Awaited<ReturnType<typeof startWorker>>;
const readiness = async ({ get }: Worker) => {
  const { status, text } = await get('/readyz');
  return { ...(JSON.parse(text) as { status: string; checks: Record<string, string> }), http: status };
};
const becomes = (worker: Worker, checks: Record<string, string>) =>
  waitFor(JSON.stringify(checks), async () => {
    const now = await readiness(worker);
    return JSON.stringify(now.checks) === JSON.stringify(checks) && now;
  });
const allOk = { postgres: 'ok', migrations: 'ok', redis: 'ok', documents: 'ok', work: 'ok' };

describe('a worker’s listener', () => {
  test('says that it is ready, that it lives, and what it did', async () => {
    const worker = await startWorker();
    expect(await becomes(worker, allOk)).toMatchObject({ http: 200, status: 'ready' });
    expect(await worker.get('/healthz')).toMatchObject({ status: 200, text: '{"status":"ok"}\n' });
    const { status, text, headers } = await worker.get('/metrics');
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('no-store');
    for (const line of ['idscan_redis_usable 1', 'idscan_postgres_usable 1', 'idscan_sweep_recoveries_total 0'])
      expect(text.split('\n')).toContain(line);
    expect(text).toMatch(/^process_cpu_seconds_total \d/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    expect((await worker.get('/')).status).toBe(404);
    expect((await worker.get('/constructor')).status).toBe(404);
    expect((await ask(worker.listener.port, '/readyz', { method: 'POST' })).status).toBe(405);
  });

  test.each(['refuse', 'black-hole'] as const)(
    'is not ready without Redis or Postgres, lives all the same, and recovers (%s)',
    { timeout: 120_000 },
    async (mode) => {
      const worker = await startWorker();
      await becomes(worker, allOk);
      await worker.redis.set(mode);
      expect(await becomes(worker, { ...allOk, redis: 'failed' })).toMatchObject({ http: 503, status: 'not_ready' });
      expect((await worker.get('/metrics')).text).toContain('idscan_redis_usable 0');
      await worker.postgres.set(mode);
      await becomes(worker, { ...allOk, postgres: 'failed', migrations: 'failed', redis: 'failed' });
      expect((await worker.get('/metrics')).text).toContain('idscan_postgres_usable 0');
      expect((await worker.get('/healthz')).status).toBe(200);
      await worker.redis.set('forward');
      await worker.postgres.set('forward');
      await waitFor('ready again', async () => (await readiness(worker)).http === 200, 60_000);
    },
  );

  test('is not ready on a Redis that answers, and takes no writes', async () => {
    const admin = new Redis(inject('redisUrl'));
    atEnd(() => admin.quit());
    const user = `reader-${crypto.randomUUID()}`;
    await admin.call('acl', 'setuser', user, 'on', '>secret', '~*', '&*', '+@all');
    atEnd(() => admin.call('acl', 'deluser', user));
    const redisUrl = new URL(inject('redisUrl'));
    redisUrl.username = user;
    redisUrl.password = 'secret';
    const worker = await startWorker({ redisUrl: redisUrl.href });
    await becomes(worker, allOk);
    await admin.call('acl', 'setuser', user, '-@write');
    await becomes(worker, { ...allOk, redis: 'failed' });
  });

  test('is not ready for want of a migration', async () => {
    const worker = await startWorker();
    const owner = openDatabase(asOwner(worker.databaseUrl));
    atEnd(owner.close);
    await migrateDown(owner);
    await becomes(worker, { ...allOk, migrations: 'failed' });
  });

  test('is answered while nobody reads, and ends in time', async () => {
    const worker = await startWorker();
    const silent = request({ host: '127.0.0.1', port: worker.listener.port, path: '/metrics' });
    silent.on('error', () => undefined);
    silent.flushHeaders();
    await worker.stop();
    silent.destroy();
  });
});

describe('a worker’s heartbeat', () => {
  test('is there soon after its start, and gone after its end', async () => {
    const worker = await startWorker();
    const { kysely } = worker.context.db;
    const [own] = await waitFor('a heartbeat', async () => {
      const { alive } = await readWorkers(kysely);
      return alive.length === 1 && alive;
    });
    expect(own).toMatchObject({ pid: process.pid, redisUsable: true, activeJobs: 0, version: '0.1.0' });
    await worker.stop();
    const db = openDatabase(worker.databaseUrl);
    atEnd(db.close);
    expect(await readWorkers(db.kysely)).toEqual({ alive: [], lastSeenAt: null });
  });

  test('that cannot be written keeps nobody from working', async () => {
    const worker = await startWorker();
    const { kysely } = worker.context.db;
    await waitFor('a heartbeat', async () => (await readWorkers(kysely)).alive.length === 1);
    await asRole(asOwner(worker.databaseUrl), 'drop table worker_heartbeats');
    await worker.stop();
  });
});
