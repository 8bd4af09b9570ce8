import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { composeBooks } from '../../src/compose/books.ts';
import { loadConfig } from '../../src/config/config.ts';
import { checkDatabase } from '../../src/db/check.ts';
import { openDatabase } from '../../src/db/database.ts';
import { checkReplica, openReplica, replicaLag } from '../../src/db/replica.ts';
import { withSnapshot } from '../../src/db/snapshot.ts';
import type { Context } from '../../src/jobs/context.ts';
import { knownMonths } from '../../src/jobs/month/months.ts';
import { readMonthForPage } from '../../src/jobs/month/month-figures.ts';
import { readForPage, withReportSnapshot } from '../../src/jobs/reading.ts';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import { acquireServices } from '../../src/embedded/index.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { atEnd, createTestFolder, waitFor } from '../support/books.ts';
import { runCli, startCli } from '../support/cli.ts';
import { bookkeeper } from '../support/closing.ts';
import { scan, scanTask } from '../support/facts.ts';
import { asLines, readReport } from '../support/report-files.ts';
import { furtherTest } from './campaign.ts';
import { account, type PlainPostgres, startPostgres } from './postgres-plain.ts';

const month = '2026-10';

const both = (one: PlainPostgres, other: PlainPostgres): string =>
  `postgres://${account}@127.0.0.1:${one.port},127.0.0.1:${other.port}/postgres`;

async function booksOn(environment: Readonly<Record<string, string>>): Promise<Context> {
  const folder = await createTestFolder();
  const { config } = loadConfig(
    { IDSCAN_DATA_DIR: `${folder}/data`, REPORTS_DIR: `${folder}/reports`, LOG_LEVEL: 'silent', ...environment },
    { vendorKey: false },
  );
  const { context, close } = await composeBooks(config);
  atEnd(close);
  return context;
}

/** Books on a primary, read from a standby. */
async function replicated() {
  const primary = await startPostgres();
  const standby = await startPostgres(primary);
  const context = await booksOn({ DATABASE_URL: primary.url, DATABASE_READ_URL: standby.url });
  const look = bookkeeper(context);
  const attempt = (id: string) => look(id, { tasks: [scanTask([scan('2026-10-05T10:00:00Z', null)])] });
  const attempts = (on: Context['db']) =>
    withSnapshot(on, async ({ queries }) => (await queries.selectFrom('attempts').select('ordinal').execute()).length);
  return { primary, standby, context, attempt, attempts, replica: context.replica! };
}

const pause = (standby: PlainPostgres) => standby.ask('select pg_wal_replay_pause()');
const resume = (standby: PlainPostgres) => standby.ask('select pg_wal_replay_resume()');

describe('a standby that is read from', () => {
  test('gives a report the very bytes that the primary gives, however far behind it was when it was asked for', async () => {
    const { context, attempt, standby } = await replicated();
    for (let number = 0; number < 20; number += 1) await attempt(`T-${number}`);
    await pause(standby);
    await attempt('T-last');
    const written = writeReport(context, month);
    await waitFor('the report to wait for the standby', async () => {
      const waiting = await standby.ask(
        `select from pg_stat_activity where application_name = 'idscan-ledger' and query like '%pg_last_wal_replay_lsn%'`,
      );
      return waiting.length > 0;
    });
    await resume(standby);
    const { directory, manifest } = await written;
    const fromStandby = await readFile(path.join(directory, manifest.name), 'utf8');
    await writeReport({ ...context, replica: undefined }, month);
    expect(await readFile(path.join(directory, manifest.name), 'utf8')).toBe(fromStandby);
    expect(fromStandby).toContain('"attempts": 21');
  });

  test('that does not catch up gives no report, but says so', async () => {
    const { context, standby, attempt } = await replicated();
    await pause(standby);
    await attempt('T-1');
    await expect(withReportSnapshot(context, () => Promise.resolve('read'), { withinMs: 300 })).rejects.toMatchObject({
      code: 'replica_behind',
    });
  });

  furtherTest(
    'is not behind where nobody writes, and is as far behind as it says where it does not replay',
    async () => {
      const { context, standby, primary, attempt, attempts, replica } = await replicated();
      await attempt('T-1');
      await waitFor('the standby to have it', async () => (await attempts(replica.db)) === 1);
      // Long enough for the age of the last commit to be noticed, if that were what is looked at.
      await waitFor('a while without commits', async () => {
        const [row] = await standby.ask<{ is_old: boolean }>(
          `select clock_timestamp() - pg_last_xact_replay_timestamp() > interval '3 seconds' as is_old`,
        );
        return row?.is_old;
      });
      expect(await replicaLag(context.db, replica)).toEqual({ seconds: 0 });
      expect(await checkReplica(context.db, replica)).toBe('standby, not behind');
      await pause(standby);
      await attempt('T-2');
      const { value, behind } = await readForPage(context, (on) => attempts(on.db));
      expect(value).toBe(1);
      expect(behind?.seconds).toBeGreaterThanOrEqual(3);
      expect((await readMonthForPage(context, month)).behind?.seconds).toBeGreaterThanOrEqual(3);
      await resume(standby);
      await primary.kill();
      expect(await replicaLag(context.db, replica)).toMatchObject({ seconds: expect.any(Number) as number });
    },
  );

  furtherTest('shows months and figures without writing anything, and the primary does where it is away', async () => {
    const { context, standby, attempt, attempts, replica } = await replicated();
    await attempt('T-1');
    await waitFor('the standby to have it', async () => (await attempts(replica.db)) === 1);
    const { value: months, behind } = await readForPage(context, knownMonths);
    expect(months.map(({ period }) => period)).toContain(month);
    expect(behind).not.toBeNull();
    expect((await readMonthForPage(context, month)).lines.totals.attempts).toBe(1n);
    await standby.kill();
    expect(await readForPage(context, (on) => attempts(on.db))).toEqual({ value: 1, behind: null });
    expect((await writeReport(context, month)).lines.totals.attempts).toBe(1n);
    await standby.start();
    replica.rest.untilMs = 0;
    expect((await readForPage(context, (on) => attempts(on.db))).behind).not.toBeNull();
  });

  furtherTest(
    'that ends a reading for replication’s sake is asked again, and is then named as the reason',
    async () => {
      const { context, standby, primary, attempt } = await replicated();
      await attempt('T-1');
      await standby.ask(`alter system set max_standby_streaming_delay = '0'`);
      await standby.ask('select pg_reload_conf()');
      let tries = 0;
      const conflicting = withReportSnapshot(context, async ({ queries }) => {
        tries += 1;
        await queries.selectFrom('attempts').select('ordinal').execute();
        const reading = sql`select pg_sleep(60)`.execute(queries);
        reading.catch(() => undefined);
        await waitFor('the reading to be under way', async () => {
          const active = await standby.ask(
            `select from pg_stat_activity where state = 'active' and query = 'select pg_sleep(60)'`,
          );
          return active.length > 0;
        });
        await primary.ask('vacuum full attempts');
        await reading;
      });
      await expect(conflicting).rejects.toMatchObject({ code: 'replica_behind', fields: { conflict: true } });
      expect(tries).toBe(3);
      // A page is read from the primary then.
      expect((await readMonthForPage(context, month)).lines.totals.attempts).toBe(1n);
    },
  );

  furtherTest('is refused where it is no standby of these books', async () => {
    const { context, standby } = await replicated();
    const stranger = openReplica((await startPostgres()).url, context.db, {});
    atEnd(stranger.db.close);
    await expect(checkReplica(context.db, stranger)).rejects.toMatchObject({ code: 'database_misconfigured' });
    await standby.ask('select pg_promote()');
    const promoted = openReplica(standby.url, context.db, {});
    atEnd(promoted.db.close);
    await expect(checkReplica(context.db, promoted)).rejects.toMatchObject({ code: 'database_misconfigured' });
    const same = openReplica(context.config.databaseUrl!, context.db, {});
    atEnd(same.db.close);
    expect(await checkReplica(context.db, same)).toBe('the primary itself, not behind');
  });
});

describe('a failover', () => {
  test('a standby alone is no place for the books', async () => {
    const primary = await startPostgres();
    const standby = await startPostgres(primary);
    const db = openDatabase(standby.url);
    atEnd(db.close);
    await expect(checkDatabase(db, Date.now)).rejects.toMatchObject({ code: 'database_misconfigured' });
    await expect(withSnapshot(db, () => Promise.resolve())).rejects.toMatchObject({ code: 'database_unavailable' });
  });

  furtherTest('under load loses nothing: the promoted standby is found', async () => {
    const primary = await startPostgres();
    const standby = await startPostgres(primary);
    // As nothing may be lost, commits wait for the standby.
    await primary.ask(`alter system set synchronous_standby_names = '*'`);
    await primary.ask('select pg_reload_conf()');
    const folder = await createTestFolder();
    const services = await acquireServices({ dataDir: `${folder}/servers`, databaseUrl: primary.url });
    atEnd(services.release);
    const simulator = await startSimulator({ seed: 'failover', month, transactions: 150, latencyMs: 20 });
    atEnd(simulator.close);
    const environment = {
      folder,
      DATABASE_URL: both(primary, standby),
      REDIS_URL: services.redisUrl,
      LOG_LEVEL: 'silent',
      IDSCAN_DATA_DIR: `${folder}/data`,
      REPORTS_DIR: `${folder}/reports`,
      IDSCAN_BASE_URL: simulator.baseUrl,
      IDSCAN_KEY_ID: simulator.keyId,
      IDSCAN_KEY_SECRET: simulator.secret,
    };
    expect(await runCli(['enqueue', '-'], environment, simulator.idsCsv())).toMatchObject({ code: 0 });
    const worker = startCli(['worker', '--until-idle'], environment);
    await waitFor('work under way', async () => {
      const [row] = await primary.ask<{ count: number }>(
        `select count(*)::int as count from obligations where kind = 'result' and state = 'done'`,
      );
      return (row?.count ?? 0) > 10;
    });
    await primary.kill();
    await standby.ask(`alter system set synchronous_standby_names = ''`);
    await standby.ask('select pg_promote(), pg_reload_conf()');
    const worked = await worker.result;
    expect(worked.code, worked.stderr).toBe(0);
    expect(worked.stdout).toContain(' 0 failed');
    expect(await runCli(['report', month], environment)).toMatchObject({ code: 0 });
    const { detail } = await readReport(environment.REPORTS_DIR, month);
    expect(asLines(detail)).toEqual(asLines(simulator.invoice()));
  });
});
