import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { checkDatabase } from '../../src/db/check.ts';
import { openDatabase } from '../../src/db/database.ts';
import { checkPooling } from '../../src/db/pooling.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { acquireServices } from '../../src/embedded/index.ts';
import { atEnd, createTestFolder, waitFor } from '../support/books.ts';
import { runCli, startCli } from '../support/cli.ts';
import { asLines, readReport } from '../support/report-files.ts';
import { furtherTest } from './campaign.ts';
import {
  account,
  askOnce,
  type PgBouncer,
  type PlainPostgres,
  startPgBouncer,
  startPostgres,
} from './postgres-plain.ts';
import { isFull } from './world.ts';

const month = '2026-10';

async function verdict(url: string) {
  const db = openDatabase(url, { maxConnections: 1 });
  atEnd(db.close);
  await checkDatabase(db, Date.now);
  return checkPooling(db);
}

/** A vendor, the environment of commands on these servers, and what they have to come to. */
async function createWorld(databaseUrl: string) {
  const folder = await createTestFolder();
  const services = await acquireServices({ dataDir: `${folder}/servers`, databaseUrl });
  atEnd(services.release);
  const simulator = await startSimulator({ seed: 'pooler', month, transactions: 150, latencyMs: 20 });
  atEnd(simulator.close);
  const environment = {
    folder,
    DATABASE_URL: databaseUrl,
    REDIS_URL: services.redisUrl,
    LOG_LEVEL: 'silent',
    IDSCAN_DATA_DIR: `${folder}/data`,
    REPORTS_DIR: `${folder}/reports`,
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
  };
  const expectReport = async () => {
    const { detail } = await readReport(environment.REPORTS_DIR, month);
    expect(asLines(detail)).toEqual(asLines(simulator.invoice()));
  };
  return { environment, simulator, expectReport };
}

describe('PgBouncer that shares connections', () => {
  const poolings = [
    { pool_mode: 'transaction' },
    { pool_mode: 'statement' },
    { pool_mode: 'transaction', default_pool_size: 1 },
    { pool_mode: 'transaction', server_round_robin: 1, default_pool_size: 2, min_pool_size: 2 },
    { pool_mode: 'transaction', server_round_robin: 1, default_pool_size: 20, min_pool_size: 20 },
    { pool_mode: 'statement', default_pool_size: 1 },
  ];
  test.for(isFull ? poolings : poolings.slice(0, 2))('is found out: %o', async (settings) => {
    const pooler = await startPgBouncer(await startPostgres(), settings);
    for (let time = 0; time < 5; time += 1)
      await expect(verdict(pooler.url)).rejects.toMatchObject({ code: 'database_misconfigured' });
  });

  furtherTest('is found out while others use it', async () => {
    const pooler = await startPgBouncer(await startPostgres(), { pool_mode: 'transaction', default_pool_size: 5 });
    const isDone = new AbortController();
    const others = Array.from({ length: 8 }, async () => {
      while (!isDone.signal.aborted) await askOnce(pooler.url, 'select pg_sleep(0.001)');
    });
    for (let time = 0; time < 10; time += 1)
      await expect(verdict(pooler.url)).rejects.toMatchObject({ code: 'database_misconfigured' });
    isDone.abort();
    await Promise.all(others);
  });

  furtherTest('keeps every command from starting, with what to do', async () => {
    const pooler = await startPgBouncer(await startPostgres(), { pool_mode: 'transaction' });
    const { environment } = await createWorld(pooler.url);
    for (const args of [['status'], ['worker'], ['enqueue', 'T-1'], ['report', month], ['migrate', 'up']]) {
      const { code, stderr } = await runCli(args, environment);
      expect(stderr).toContain('(database_misconfigured)');
      expect(stderr).toContain('session mode');
      expect(code).toBe(3);
    }
  });
});

/** What answers look like to other programs; each of them changes what the driver or a query reads. */
const formats = {
  datestyle: 'SQL, DMY',
  intervalstyle: 'sql_standard',
  timezone: 'Asia/Kolkata',
  extra_float_digits: '-10',
  bytea_output: 'escape',
};
const shown = Object.keys(formats).map((name) => `current_setting('${name}') as ${name}`);

/** Sets all of them for whoever connects from now on. */
async function setFormats({ ask }: PlainPostgres, where: string): Promise<void> {
  for (const [name, value] of Object.entries(formats)) await ask(`alter ${where} set ${name} = '${value}'`);
  await ask('select pg_reload_conf()');
  await waitFor('the settings', async () => {
    const [found] = await ask(`select ${shown.join(', ')}`);
    return JSON.stringify(found) === JSON.stringify(formats);
  });
}

describe('settings made for other programs', () => {
  test.for([`role ${account}`, 'database postgres', 'system'])(
    'change nothing behind a pooler, nor do clients that share a server one after the other: alter %s',
    async (where) => {
      const postgres = await startPostgres();
      await setFormats(postgres, where);
      const pooler = await startPgBouncer(postgres, { pool_mode: 'session', default_pool_size: 1 });
      const own = `set datestyle = 'German'; set timezone = 'Asia/Tokyo'; set bytea_output = 'escape'; set lock_timeout = '1ms'`;
      const [theirs] = await askOnce<{ pid: number }>(pooler.url, 'select pg_backend_pid() as pid');
      await askOnce(pooler.url, own);
      const db = openDatabase(pooler.url, { maxConnections: 1, lockTimeoutMs: 5_000 });
      atEnd(db.close);
      const { rows } = await sql`
        select pg_backend_pid() as pid, '2026-10-03T04:05:06.789Z'::timestamptz as at, interval '-90 minutes' as span,
          '\\x00ff'::bytea as bytes, 0.1::float8 + 0.2 as sum, '2026-10-03'::date::text as day,
          date_trunc('month', '2026-10-31T20:00:00Z'::timestamptz) as month, current_setting('lock_timeout') as patience
        `.execute(db.kysely);
      expect(rows).toEqual([
        {
          pid: theirs?.pid,
          at: new Date('2026-10-03T04:05:06.789Z'),
          span: expect.objectContaining({ hours: -1, minutes: -30 }) as object,
          bytes: Buffer.from([0, 255]),
          sum: 0.1 + 0.2,
          day: '2026-10-03',
          month: new Date('2026-10-01T00:00:00Z'),
          patience: '5s',
        },
      ]);
      await db.close();
      const after = await askOnce(
        pooler.url,
        `select pg_backend_pid() as pid, ${shown.join(', ')}, current_setting('lock_timeout') as patience`,
      );
      expect(after).toEqual([{ pid: theirs?.pid, ...formats, patience: '0' }]);
    },
  );

  furtherTest('change no figure of a report, direct or behind a pooler', async () => {
    const postgres = await startPostgres();
    await setFormats(postgres, `role ${account}`);
    const pooler = await startPgBouncer(postgres, { pool_mode: 'session', default_pool_size: 30 });
    for (const url of [pooler.url, postgres.url]) {
      await askOnce(postgres.url, 'drop schema public cascade; create schema public');
      const { environment, simulator, expectReport } = await createWorld(url);
      expect(await runCli(['enqueue', '-'], environment, simulator.idsCsv())).toMatchObject({ code: 0 });
      const worked = await runCli(['worker', '--until-idle'], environment);
      expect(worked.code, worked.stderr).toBe(0);
      expect(await runCli(['report', month], environment)).toMatchObject({ code: 0 });
      await expectReport();
    }
  });
});

describe('PgBouncer in session mode', () => {
  test('is taken for what it is, also while others use it', async () => {
    const pooler = await startPgBouncer(await startPostgres(), { pool_mode: 'session' });
    const isDone = new AbortController();
    const others = Array.from({ length: 4 }, async () => {
      while (!isDone.signal.aborted) await askOnce(pooler.url, 'select pg_sleep(0.001)');
    });
    for (let time = 0; time < 10; time += 1) expect(await verdict(pooler.url)).toBe('a pooler in session mode');
    isDone.abort();
    await Promise.all(others);
  });

  furtherTest('with a single connection is refused for that, and nothing hangs', async () => {
    const pooler = await startPgBouncer(await startPostgres(), { pool_mode: 'session', default_pool_size: 1 });
    await expect(verdict(pooler.url)).rejects.toMatchObject({ code: 'database_unavailable' });
  });

  furtherTest('carries work, a report and a close, and is restarted under load', async () => {
    // As many as a worker may hold, and a few for the commands beside it.
    const settings = { pool_mode: 'session', default_pool_size: 27, server_idle_timeout: 1, query_wait_timeout: 5 };
    const pooler: PgBouncer = await startPgBouncer(await startPostgres(), settings);
    const { environment, simulator, expectReport } = await createWorld(pooler.url);
    const enqueued = await runCli(['enqueue', '-'], environment, simulator.idsCsv());
    expect(enqueued).toMatchObject({ code: 0 });
    const worker = startCli(['worker', '--until-idle'], environment);
    const done = async (): Promise<number> => {
      const [row] = await askOnce<{ count: number }>(
        pooler.url,
        `select count(*)::int as count from obligations where kind = 'result' and state = 'done'`,
      );
      return row?.count ?? 0;
    };
    await waitFor('work under way', async () => (await done()) > 10);
    await pooler.restart();
    const worked = await worker.result;
    expect(worked.code, worked.stderr).toBe(0);
    expect(worked.stdout).toContain(' 0 failed');
    expect(await runCli(['report', month], environment)).toMatchObject({ code: 0 });
    await expectReport();
    const closed = await runCli(['close', month, '--force', '--begin-books', '--reason', 'test'], environment);
    expect(closed.code, closed.stderr).toBe(0);
  });
});
