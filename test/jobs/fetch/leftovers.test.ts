import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { startObligations, type Started } from '../../../src/db/obligations.ts';
import type { VendorContext } from '../../../src/jobs/context.ts';
import { fetchAuditReport } from '../../../src/jobs/fetch/fetch-audit-report.ts';
import { fetchDocuments } from '../../../src/jobs/fetch/fetch-documents.ts';
import { fetchResult } from '../../../src/jobs/fetch/fetch-result.ts';
import { takeIn } from '../../../src/jobs/intake/intake.ts';
import { asAdmin, atEnd, createTestContext, waitFor } from '../../support/books.ts';
import { createCliEnvironment, runCli, startCli } from '../../support/cli.ts';
import { faultsInStore, namesInStore, storedDocuments } from '../../support/documents-by-hand.ts';
import { withSimulator } from '../../support/simulator.ts';

const world = { transactions: 6, abandonedShare: 0, filesPerResult: 2, nullUrlShare: 0, auditReportMissingShare: 0 };

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  atEnd(() => client.end());
  return client;
}

describe('what a killed worker stored and did not record', () => {
  /** Workers killed while what they stored waits to be recorded. @returns the books as they left them. */
  async function killed() {
    const { simulator, vendor } = await withSimulator(world);
    const environment = await createCliEnvironment({ ...vendor, LOG_LEVEL: 'warn' });
    const {
      DATABASE_URL: url = '',
      IDSCAN_DATA_DIR: dataDir = '',
      REDIS_URL: redisUrl = '',
    } = environment as Record<string, string>;
    const client = await connect(url);
    const ask = async <Row extends Record<string, unknown>>(text: string) => (await client.query<Row>(text)).rows;
    await runCli(['enqueue', '-'], environment, simulator.idsCsv());
    const admin = await connect(asAdmin(url));
    const holder = await connect(asAdmin(url));
    await holder.query('begin; lock table files in exclusive mode');
    const worker = startCli(['worker'], environment);
    await waitFor(
      'objects that wait to be recorded',
      async () => {
        const { rows } = await admin.query(
          `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%with given as (%' and datname = current_database()`,
        );
        return rows.length > 0 && (await namesInStore(dataDir)).length >= world.transactions;
      },
      90_000,
    );
    worker.kill('SIGKILL');
    await worker.result;
    // A server goes on with what a killed client asked for.
    await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like '%with given as (%' and datname = current_database() and pid <> pg_backend_pid()`,
    );
    await waitFor('it to give up', async () => {
      const { rows } = await admin.query(
        `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      );
      return rows.length === 0;
    });
    await holder.query('rollback');
    expect(await ask('select from files')).toEqual([]);
    const left = (await namesInStore(dataDir)).filter((name) => !name.startsWith('incoming/'));
    expect(left.length).toBeGreaterThan(0);
    const goOn = async () => {
      // As if the locks of the dead had expired.
      const redis = new Redis(redisUrl);
      await redis.flushdb();
      await redis.quit();
      await client.query(`update obligations set sweep_at = now() where state = 'due'`);
      const { code, stderr } = await runCli(['worker', '--until-idle'], environment);
      expect(code, stderr).toBe(0);
    };
    const expectNothingLeft = async () => {
      expect(await ask(`select from obligations where state <> 'done'`)).toEqual([]);
      const names = await namesInStore(dataDir);
      const unfinished = names
        .filter((name) => name.startsWith('incoming/'))
        .map((name) => `recorded nowhere: ${name}`);
      expect(await faultsInStore(ask, dataDir)).toEqual(unfinished);
      expect(names.filter((name) => left.includes(name))).toEqual([]);
      expect(await storedDocuments(ask, dataDir)).toHaveLength(3 * world.transactions);
    };
    return { environment, client, goOn, expectNothingLeft };
  }

  test('is gone after the next run', async () => {
    const { goOn, expectNothingLeft } = await killed();
    await goOn();
    await expectNothingLeft();
  });

  test('is gone also where the files were asked for anew before the next run', async () => {
    const { environment, goOn, expectNothingLeft } = await killed();
    const only = ['--only', 'documents,audit-reports'];
    const { code, stderr } = await runCli(['reprocess', '--month', '2026-10', ...only], environment);
    expect(code, stderr).toBe(0);
    await goOn();
    await expectNothingLeft();
  });

  test('is gone also where the work was given up before it was asked for anew', async () => {
    const { environment, client, goOn, expectNothingLeft } = await killed();
    await client.query(`update obligations set starts = 5 where state = 'due' and kind <> 'result'`);
    await goOn().catch(() => undefined);
    const { rows } = await client.query(
      `select distinct last_error_code as code from obligations where state = 'failed'`,
    );
    expect(rows).toEqual([{ code: 'worker_died' }]);
    await runCli(['reprocess', '--failed'], environment);
    await goOn();
    await expectNothingLeft();
  });
});

describe('two starts of the same work', () => {
  /** A transaction whose result is fetched, and what begins its files. */
  async function fetched() {
    const { simulator } = await withSimulator({ ...world, transactions: 1 });
    const { baseUrl, keyId, secret } = simulator;
    const context = await createTestContext({ baseUrl, keyId, secret });
    const [{ transactionId, resultId }] = simulator.transactions.slice(0, 1) as [
      (typeof simulator.transactions)[number],
    ];
    await takeIn(context, [{ line: 0, transactionId, resultId: resultId ?? '' }], 'file');
    const start = async (kind: 'result' | 'documents' | 'audit_report'): Promise<Started> => {
      const wanted = { transactionId, kinds: [kind], generation: 1, maxUnfinished: null };
      const started = (await startObligations(context.db.kysely, [wanted], 60_000))[0]?.get(kind);
      if (!started) throw new Error(`no ${kind} is due`);
      return started;
    };
    await fetchResult(context, transactionId, await start('result'));
    const client = await connect(context.config.databaseUrl ?? '');
    const ask = async <Row extends Record<string, unknown>>(text: string) => (await client.query<Row>(text)).rows;
    return { context, transactionId, start, ask };
  }

  const kinds = [
    ['documents', fetchDocuments, 2],
    ['audit_report', fetchAuditReport, 1],
  ] as const;
  const interrupted = { status: 'rejected', reason: { code: 'interrupted' } };

  describe.each(kinds)('(%s)', (kind, fetch, files) => {
    type Fetched = Awaited<ReturnType<typeof fetched>>;
    const expectOneSet = async ({ context, ask }: Fetched, fence: string): Promise<void> => {
      const { dataDir } = context.config;
      expect(await faultsInStore(ask, dataDir)).toEqual([]);
      const names = await namesInStore(dataDir);
      expect(names).toHaveLength(files);
      expect(names.every((name) => name.includes(`.${fence}-`))).toBe(true);
      expect(await ask('select distinct id from document_keys')).toHaveLength(1);
    };

    test('at once leave one set of objects, the later one’s', async () => {
      const all = await fetched();
      const [first, second] = [await all.start(kind), await all.start(kind)];
      const ends = await Promise.allSettled(
        [first, second].map((started) => fetch(all.context, all.transactionId, started)),
      );
      expect(ends).toMatchObject([interrupted, { status: 'fulfilled', value: 'done' }]);
      await expectOneSet(all, second.fence);
    });

    test('of which the earlier one comes to its end last leave one set of objects', async () => {
      const all = await fetched();
      const [first, second] = [await all.start(kind), await all.start(kind)];
      expect(await fetch(all.context, all.transactionId, second)).toBe('done');
      await expect(fetch(all.context, all.transactionId, first)).rejects.toMatchObject({ code: 'interrupted' });
      await expectOneSet(all, second.fence);
    });

    test('of which the later one begins while the earlier one’s objects wait to be recorded', async () => {
      const all = await fetched();
      const { context } = all;
      const first = await all.start(kind);
      let second: Started | undefined;
      const writes: VendorContext['writes'] = {
        ...context.writes,
        recordFiles: async (given) => {
          second = await all.start(kind);
          expect(await namesInStore(context.config.dataDir)).toHaveLength(files);
          expect(await fetch(context, all.transactionId, second)).toBe('done');
          return context.writes.recordFiles(given);
        },
      };
      await expect(fetch({ ...context, writes }, all.transactionId, first)).rejects.toMatchObject({
        code: 'interrupted',
      });
      await expectOneSet(all, second!.fence);
    });
  });
});
