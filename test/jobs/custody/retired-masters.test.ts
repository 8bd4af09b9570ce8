import pg from 'pg';
import { describe, expect, test, vi } from 'vitest';
import { addMasters, changeMasters } from '../../../src/db/document-masters.ts';
import { startObligations, type Started } from '../../../src/db/obligations.ts';
import type { VendorContext } from '../../../src/jobs/context.ts';
import { rotate } from '../../../src/jobs/custody/rotate.ts';
import { takeOverClear } from '../../../src/jobs/custody/take-over.ts';
import { fetchAuditReport } from '../../../src/jobs/fetch/fetch-audit-report.ts';
import { fetchDocuments } from '../../../src/jobs/fetch/fetch-documents.ts';
import { fetchResult } from '../../../src/jobs/fetch/fetch-result.ts';
import { takeIn } from '../../../src/jobs/intake/intake.ts';
import { createMasterPair } from '../../../src/store/encryption/keys.ts';
import { readSecretKeys } from '../../../src/store/encryption/masters.ts';
import { asAdmin, atEnd, createTestContext, type TestContext, waitFor } from '../../support/books.ts';
import { png, storeDocuments, storeInClear } from '../../support/documents.ts';
import { namesInStore } from '../../support/documents-by-hand.ts';
import { withSimulator } from '../../support/simulator.ts';

vi.setConfig({ testTimeout: 180_000 });

const another = createMasterPair().publicKey;
const retire = async ({ db }: TestContext, masters = [another]): Promise<void> => {
  await addMasters(db.kysely, masters);
  await changeMasters(db, masters);
};
const mastersOfKeys = async ({ db }: TestContext): Promise<Buffer[]> =>
  (await db.kysely.selectFrom('document_keys').select('master').execute()).map(({ master }) => master);

/** A session beside the program's. */
async function session({ config }: TestContext): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: asAdmin(config.databaseUrl ?? '') });
  await client.connect();
  atEnd(() => client.end());
  return client;
}

/** Looks on from a session of its own: within a transaction Postgres shows what it has shown before. */
async function aStatementWaits(context: TestContext, like: string): Promise<void> {
  const watching = await session(context);
  await waitFor('a statement that waits', async () => {
    const { rows } = await watching.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and query like $1 and datname = current_database()`,
      [like],
    );
    return rows.length > 0;
  });
}

/** A transaction whose result is fetched, and what begins its files. */
async function fetched() {
  const { simulator } = await withSimulator({
    transactions: 1,
    abandonedShare: 0,
    filesPerResult: 2,
    nullUrlShare: 0,
    auditReportMissingShare: 0,
  });
  const { baseUrl, keyId, secret } = simulator;
  const context = await createTestContext({ baseUrl, keyId, secret });
  const [one] = simulator.transactions;
  const { transactionId, resultId } = one!;
  await takeIn(context, [{ line: 0, transactionId, resultId: resultId ?? '' }], 'file');
  const start = async (kind: 'result' | 'documents' | 'audit_report'): Promise<Started> => {
    const wanted = { transactionId, kinds: [kind], generation: 1, maxUnfinished: null };
    const started = (await startObligations(context.db.kysely, [wanted], 60_000))[0]?.get(kind);
    if (!started) throw new Error(`no ${kind} is due`);
    return started;
  };
  await fetchResult(context, transactionId, await start('result'));
  /** Does something after the files are stored and before they are recorded. */
  const before = (act: () => Promise<void>): VendorContext => ({
    ...context,
    writes: {
      ...context.writes,
      recordFiles: async (given) => {
        await act();
        return context.writes.recordFiles(given);
      },
    },
  });
  return { context, transactionId, start, before };
}

describe.each([
  ['documents', fetchDocuments],
  ['audit_report', fetchAuditReport],
] as const)('a key that a worker made for masters that are not in use any more is not kept (%s)', (kind, fetch) => {
  const cases: [string, (own: readonly Buffer[]) => readonly Buffer[]][] = [
    ['others are', () => [another]],
    ['a further one is', (own) => [...own, another]],
  ];
  test.each(cases)('where %s', async (_, masters) => {
    const { context, transactionId, start, before } = await fetched();
    const own = context.documents!.masters;
    const busy = before(() => retire(context, [...masters(own)]));
    await expect(fetch(busy, transactionId, await start(kind))).rejects.toMatchObject({ code: 'master_mismatch' });
    expect(await mastersOfKeys(context)).toEqual([]);
    expect(await namesInStore(context.config.dataDir)).toEqual([]);
    expect(await context.db.kysely.selectFrom('files').select('state').execute()).toEqual([]);
    // It is still due, and is stored by whoever has the masters in use.
    const documents = { ...context.documents!, masters: masters(own) };
    expect(await fetch({ ...context, documents }, transactionId, await start(kind))).toBe('done');
    expect(new Set(await mastersOfKeys(context))).toEqual(new Set(masters(own)));
  });

  test('where they are being changed at that moment', async () => {
    const { context, transactionId, start } = await fetched();
    await addMasters(context.db.kysely, [another]);
    const changing = await session(context);
    await changing.query('begin; update document_masters set retired_at = now() where in_use_since is not null');
    await changing.query('update document_masters set in_use_since = now() where in_use_since is null');
    const fetching = fetch(context, transactionId, await start(kind)).catch((error: unknown) => error);
    await aStatementWaits(context, '%with given as (%');
    await changing.query('commit');
    expect(await fetching).toMatchObject({ code: 'master_mismatch' });
    expect(await mastersOfKeys(context)).toEqual([]);
    expect(await namesInStore(context.config.dataDir)).toEqual([]);
  });
});

test('nor is one of what a worker encrypts that lay in the clear, which stays as it is', async () => {
  const context = await createTestContext();
  await storeInClear(context, 't-1', png);
  const documents = context.documents!;
  const put = async (...args: Parameters<typeof documents.store.put>) => {
    const object = await documents.store.put(...args);
    await retire(context);
    return object;
  };
  const failures: Error[] = [];
  expect(await takeOverClear(context, { ...documents, store: { ...documents.store, put } }, failures)).toBe(0);
  expect(failures).toMatchObject([{ code: 'master_mismatch' }]);
  expect(await mastersOfKeys(context)).toEqual([]);
  expect(await namesInStore(context.config.dataDir)).toHaveLength(1);
  expect(await takeOverClear(context, { ...documents, masters: [another] }, [])).toBe(1);
});

test('a rotation seals what was stored while it went on, too, so that nothing is left to the former master', async () => {
  const context = await createTestContext();
  await storeDocuments(context, 't-1', [png]);
  const secretKeys = await readSecretKeys(context.config);
  const holding = await session(context);
  // What a change of the masters waits for.
  const lock = String(0x1d5ca2);
  await holding.query(`begin; select pg_advisory_xact_lock(${lock})`);
  const { signal } = new AbortController();
  const rotating = rotate(context, [another], secretKeys, { signal, onProgress: () => undefined });
  await aStatementWaits(context, '%pg_advisory_xact_lock%');
  await storeDocuments(context, 't-2', [png]);
  await holding.query('commit');
  expect(await rotating).toEqual({ sealed: 2, unopened: 0, left: 0 });
  expect(await mastersOfKeys(context)).toEqual([another, another]);
});
