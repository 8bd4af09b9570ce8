import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { startTcpProxy } from '../chaos/tcp-proxy.ts';
import { startService } from '../http/support.ts';
import { atEnd, createTestDatabase, createTestFolder, waitFor } from '../support/books.ts';
import { runCli, startCli } from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';
import {
  type Composed,
  composeServices,
  freePort,
  given,
  run,
  runAsPsql,
  startComposeRedis,
} from './compose-support.ts';

let services: Record<string, Composed>;
beforeAll(async () => {
  services = await composeServices();
});
const serviceOf = (name: string): Composed => {
  const found = services[name];
  if (!found) throw new Error(`there is no service ${name}`);
  return found;
};

/** The health check of a service, asked of this machine's port. */
function healthOf(name: string, port: number): Promise<{ code: number | null }> {
  const [kind, ...words] = serviceOf(name).healthcheck?.test ?? [];
  expect(kind).toBe('CMD');
  const here = words.map((word) => word.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`));
  expect(here).not.toEqual(words);
  return run([process.execPath, ...here.slice(1)], {});
}

/** A database whose owner is as plain as can be, migrated and with its roles as Compose does it. */
async function createComposeDatabase() {
  const admin = new pg.Client({ connectionString: inject('adminUrl') });
  await admin.connect();
  const suffix = randomBytes(5).toString('hex');
  const [database, owner, app] = [`idscan_compose_${suffix}`, `idscan_owner_${suffix}`, `idscan_ledger_app_${suffix}`];
  await admin.query(`create role ${owner} login createrole password '${given.POSTGRES_PASSWORD}'`);
  await admin.query(`create database ${database} owner ${owner}`);
  atEnd(async () => {
    await admin.query(`drop database ${database} with (force)`);
    await admin.query(`drop role if exists ${app}`);
    await admin.query(`drop role ${owner}`);
    await admin.end();
  });
  const { hostname, port } = new URL(inject('adminUrl'));
  const urlOf = (name: string, role: string) => {
    const url = new URL(serviceOf(name).environment?.['DATABASE_URL'] ?? '');
    expect(url.username).toBe(role === app ? 'idscan_ledger_app' : 'idscan_ledger');
    Object.assign(url, { username: role, hostname, port, pathname: `/${database}` });
    return url.toString();
  };
  return { app, ownerUrl: urlOf('migrate', owner), appUrl: urlOf('worker', app) };
}

describe('docker-compose.yml on this machine’s servers', () => {
  test(
    'the owner migrates, the roles follow, and everything else runs as the app’s role on a Redis with a password',
    { timeout: 180_000 },
    async () => {
      const folder = await createTestFolder();
      const { app, ownerUrl, appUrl } = await createComposeDatabase();
      const migrated = await runCli(serviceOf('migrate').command, { folder, DATABASE_URL: ownerUrl });
      expect(migrated.code, migrated.stderr).toBe(0);
      const owner = new pg.Client({ connectionString: ownerUrl });
      await owner.connect();
      atEnd(() => owner.end());
      // After every migration, so twice as well.
      await runAsPsql(owner, serviceOf('roles'), app);
      await runAsPsql(owner, serviceOf('roles'), app);

      const redis = await startComposeRedis(serviceOf('redis'));
      await waitFor('Redis', async () => (await redis.check()) === 0);
      const { simulator, vendor } = await withSimulator({ transactions: 5 });
      const environment = { folder, DATABASE_URL: appUrl, REDIS_URL: redis.url, ...vendor };
      const [one] = simulator.transactions;
      expect((await runCli(['enqueue', one!.transactionId], environment)).code).toBe(0);
      const port = await freePort();
      const metrics = { METRICS_HOST: '127.0.0.1', METRICS_PORT: String(port) };
      const worker = startCli(serviceOf('worker').command, { ...environment, ...metrics });
      await waitFor('a healthy worker', async () => (await healthOf('worker', port)).code === 0, 60_000);
      await waitFor('the work to be done', async () => {
        const { stdout } = await runCli(['status', '--json'], environment);
        const now = JSON.parse(stdout) as { transactions: { fetched: number }; workers: object[] };
        return now.transactions.fetched === 1 && now.workers.length === 1;
      });
      expect((await runCli(['status'], environment)).stdout).toMatch(/^Workers: {6}1 alive, \d+ jobs? under way$/m);
      expect((await runCli(['migrate', 'down'], environment)).code).not.toBe(0);

      redis.child.kill('SIGTERM');
      await waitFor('an unhealthy worker', async () => (await healthOf('worker', port)).code === 1);
      worker.kill('SIGTERM');
      expect((await worker.result).code).toBe(0);
      expect((await runCli(['status'], environment)).stdout).toMatch(/^Workers: {6}none runs$/m);
    },
  );

  test('Redis asks for the password, keeps it off its command line, and is unhealthy where it takes no writes', async () => {
    const { url, child, check } = await startComposeRedis(serviceOf('redis'));
    await waitFor('Redis', async () => (await check()) === 0);
    expect(await check('another')).not.toBe(0);
    const redis = new Redis(url);
    atEnd(() => redis.quit());
    expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    expect(await redis.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    const processId = /^process_id:(\d+)/m.exec(await redis.info('server'))?.[1];
    expect(Number(processId), 'what a signal to the container reaches').toBe(child.pid);
    expect(await readFile(`/proc/${child.pid}/cmdline`, 'utf8')).not.toContain(given.REDIS_PASSWORD);
    await redis.replicaof('127.0.0.1', 1);
    expect(await check()).not.toBe(0);
    await redis.replicaof('NO', 'ONE');
    expect(await check()).toBe(0);
  });

  test('Postgres is unhealthy where it takes no writes', async () => {
    const client = new pg.Client({ connectionString: await createTestDatabase() });
    await client.connect();
    atEnd(() => client.end());
    const words = serviceOf('postgres').healthcheck?.test ?? [];
    const statement = words[words.indexOf('--command') + 1] ?? '';
    expect(words.slice(0, 2)).toEqual(['CMD', 'psql']);
    await client.query(statement);
    await client.query('set default_transaction_read_only = on');
    await expect(client.query(statement)).rejects.toMatchObject({ code: '22012' });
  });

  test('the service is healthy without Redis, and not without Postgres', async () => {
    const redis = await startTcpProxy(inject('redisUrl'));
    const postgres = await startTcpProxy(await createTestDatabase());
    for (const proxy of [redis, postgres]) atEnd(proxy.close);
    const open = serviceOf('serve').environment?.['HTTP_READYZ_OPEN'] ?? '';
    const service = await startService({
      REDIS_URL: redis.url,
      DATABASE_URL: postgres.url,
      HTTP_READYZ_OPEN: open,
    });
    await redis.set('refuse');
    await waitFor('health', async () => (await healthOf('serve', service.port)).code === 0);
    await postgres.set('refuse');
    await waitFor('no health', async () => (await healthOf('serve', service.port)).code === 1);
  });

  test('no container that serves or works knows the owner’s password, or Redis’ but in its address', () => {
    for (const name of ['serve', 'worker']) {
      const { environment = {} } = serviceOf(name);
      expect(environment['POSTGRES_PASSWORD'], name).toBe('');
      expect(environment['REDIS_PASSWORD'], name).toBe('');
      expect(JSON.stringify(environment), name).not.toContain(given.POSTGRES_PASSWORD);
      expect(environment['REDIS_URL']).toContain(given.REDIS_PASSWORD);
    }
    for (const { command, healthcheck } of Object.values(services))
      expect(JSON.stringify([command, healthcheck])).not.toMatch(/Password[123]/);
  });
});
