import pg from 'pg';
import { describe, expect, test, vi } from 'vitest';
import { addMasters, addSeals } from '../../../src/db/document-masters.ts';
import { requestErasures } from '../../../src/db/erasures.ts';
import { recordFiles } from '../../../src/db/files.ts';
import { startObligations } from '../../../src/db/obligations.ts';
import { newRounds, keepRetention } from '../../../src/jobs/custody/retention.ts';
import { fetchDocuments } from '../../../src/jobs/fetch/fetch-documents.ts';
import { createMasterPair, sealTo } from '../../../src/store/encryption/keys.ts';
import { asAdmin, atEnd, createTestContext, type TestContext, waitFor } from '../../support/books.ts';
import { png, storeDocuments } from '../../support/documents.ts';
import { namesInStore } from '../../support/documents-by-hand.ts';

vi.setConfig({ testTimeout: 180_000 });

/** A session beside the program's. */
async function session({ config }: TestContext): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: asAdmin(config.databaseUrl ?? '') });
  await client.connect();
  atEnd(() => client.end());
  return client;
}

const blocked = (client: pg.Client) =>
  waitFor('a statement that waits', async () => {
    const { rows } = await client.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    );
    return rows.length > 0;
  });

describe('a key that is destroyed stays destroyed', () => {
  test('while it is sealed anew', async () => {
    const context = await createTestContext();
    const { kysely } = context.db;
    await storeDocuments(context, 't-1', [png]);
    const [{ id } = { id: '' }] = await kysely.selectFrom('document_keys').select('id').execute();
    const { publicKey } = createMasterPair();
    await addMasters(kysely, [publicKey]);
    const [destroying, watching] = [await session(context), await session(context)];
    // What retention does.
    await destroying.query(`begin; select from transactions where id = 't-1' for update; delete from document_keys`);
    const sealing = addSeals(context.db, [{ id, transactionId: 't-1', ...sealTo(publicKey, Buffer.alloc(32)) }]);
    await blocked(watching);
    await destroying.query('commit');
    await sealing;
    expect(await kysely.selectFrom('document_keys').select('id').execute()).toEqual([]);
  });

  test('where retention destroyed the files that a fetch was about to record', async () => {
    const context = await createTestContext();
    const { kysely } = context.db;
    await storeDocuments(context, 't-1', [png]);
    await kysely
      .updateTable('transactions')
      .set({ completed_at: new Date('2020-01-01'), result_id: 'r-1' })
      .execute();
    await makeDue(context);
    const keeping = {
      ...context,
      config: {
        ...context.config,
        custody: { ...context.config.custody, retentionDays: { document: 30, audit_report: undefined } },
      },
    };
    const documents = context.documents!;
    const [started] = await startObligations(
      kysely,
      [{ transactionId: 't-1', kinds: ['documents'], generation: await generationOf(context), maxUnfinished: null }],
      60_000,
    );
    const start = started?.get('documents');
    if (!start) throw new Error('not due');
    // The vendor offers another file, and retention comes between its download and its record.
    const url = 'http://127.0.0.1:9/id-scan/v1/downloads/another';
    const vendor = {
      ...context.vendor,
      getResult: () =>
        Promise.resolve({
          tasks: [{ files: [{}, { url }].map((one) => ({ category: null, type: null, name: null, url, ...one })) }],
        }),
      downloadFile: async (_: string, sink: (chunk: Uint8Array) => Promise<void>) => {
        await sink(png);
        return { bytes: png.length, contentType: 'image/png' };
      },
    } as unknown as TestContext['vendor'];
    const store = {
      ...documents.store,
      put: async (...args: Parameters<typeof documents.store.put>) => {
        const object = await documents.store.put(...args);
        expect(await keepRetention(keeping, documents.store, newRounds())).toBe(1);
        return object;
      },
    };
    await fetchDocuments({ ...context, vendor, documents: { ...documents, store } }, 't-1', start).catch(
      () => undefined,
    );
    expect(await kysely.selectFrom('document_keys').select('id').execute()).toEqual([]);
    expect(await namesInStore(context.config.dataDir)).toEqual([]);
    expect(await kysely.selectFrom('files').select('state').distinct().execute()).toEqual([{ state: 'erased' }]);
  });
});

/** Makes the documents of `t-1` due. */
const makeDue = async ({ db }: TestContext): Promise<void> => {
  const due = { state: 'due' as const, sweep_at: new Date() };
  await db.kysely
    .insertInto('obligations')
    .values({ transaction_id: 't-1', kind: 'documents', basis: 'scans:0', ...due } as never)
    .onConflict((conflict) => conflict.columns(['transaction_id', 'kind']).doUpdateSet(due))
    .execute();
};

const generationOf = async ({ db }: TestContext): Promise<number> =>
  (await db.kysely.selectFrom('obligations').select('generation').where('kind', '=', 'documents').execute())[0]
    ?.generation ?? 0;

test('ordering an erasure while a worker records files waits for it, whoever of the two Postgres aborts', async () => {
  const context = await createTestContext();
  await storeDocuments(context, 't-1', [png]);
  const { kysely } = context.db;
  await makeDue(context);
  const [recording, watching] = [await session(context), await session(context)];
  await recording.query(`begin; select from obligations where transaction_id = 't-1' for no key update`);
  const wish = { requestedBy: 'anna', reason: 'wish', destroyAt: new Date() };
  const ordering = requestErasures(context.db, ['t-1'], wish);
  ordering.catch(() => undefined);
  await blocked(watching);
  // Recording files inserts their key, whose trigger waits for the transaction. Its patience is the longer one.
  await recording.query(`set local deadlock_timeout = '1min'`);
  await recording.query(
    `insert into document_keys select gen_random_uuid(), master, transaction_id, sealed from document_keys`,
  );
  await recording.query('commit');
  expect(await ordering).toMatchObject([{ answer: 'closed' }]);
  expect(
    await recordFiles(kysely, [{ transactionId: 't-1', kind: 'documents', fence: '0', files: [], isDone: false }]),
  ).toEqual([false]);
});
