import { EventEmitter, once } from 'node:events';
import pg from 'pg';
import { describe, expect, test, vi } from 'vitest';
import { addMasters, addSeals } from '../../../src/db/document-masters.ts';
import { requestErasures } from '../../../src/db/erasures.ts';
import { placeHold } from '../../../src/db/holds.ts';
import { LedgerError } from '../../../src/errors.ts';
import { recordFiles } from '../../../src/db/files.ts';
import { startObligations } from '../../../src/db/obligations.ts';
import { carryOutErasures } from '../../../src/jobs/custody/destroy.ts';
import { lookAgain } from '../../../src/jobs/custody/look-again.ts';
import { newRounds, keepRetention } from '../../../src/jobs/custody/retention.ts';
import { fetchDocuments } from '../../../src/jobs/fetch/fetch-documents.ts';
import { createMasterPair, sealTo } from '../../../src/store/encryption/keys.ts';
import { asAdmin, atEnd, createTestContext, type TestContext, waitFor } from '../../support/books.ts';
import { jpeg, pdf, png, storeDocuments } from '../../support/documents.ts';
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
    const context = await overdueBooks();
    const documents = context.documents!;
    const store = {
      ...documents.store,
      put: async (...args: Parameters<typeof documents.store.put>) => {
        const object = await documents.store.put(...args);
        expect(await keepRetention(context, documents.store, newRounds(), [])).toBe(1);
        return object;
      },
    };
    await fetchAnother({ ...context, documents: { ...documents, store } }).catch(() => undefined);
    await expectNothingLeft(context);
  });

  test('where files that retention is destroying were asked for again, and a worker has stored them', async () => {
    const context = await overdueBooks();
    const { store } = context.documents!;
    let looks = 0;
    const removeUnder = async (prefix: string) => {
      await store.removeUnder(prefix);
      looks += 1;
      if (looks === 1) expect(await fetchAnother(context)).toBe('done');
    };
    expect(await keepRetention(context, { ...store, removeUnder }, newRounds(), [])).toBe(2);
    await expectNothingLeft(context);
  });

  test('where files that retention is destroying were asked for again, and a worker is about to record them', async () => {
    const context = await overdueBooks();
    const documents = context.documents!;
    const retired = new EventEmitter();
    let fetching: Promise<unknown> = Promise.resolve();
    const fetchUntilStored = () =>
      new Promise<void>((hasStored) => {
        const put = async (...args: Parameters<typeof documents.store.put>) => {
          const object = await documents.store.put(...args);
          const ended = once(retired, 'ended');
          hasStored();
          await ended;
          return object;
        };
        fetching = fetchAnother({ ...context, documents: { ...documents, store: { ...documents.store, put } } });
        fetching.catch(() => undefined);
      });
    let looks = 0;
    const removeUnder = async (prefix: string) => {
      await documents.store.removeUnder(prefix);
      looks += 1;
      if (looks === 1) await fetchUntilStored();
    };
    expect(await keepRetention(context, { ...documents.store, removeUnder }, newRounds(), [])).toBe(1);
    retired.emit('ended');
    await expect(fetching).rejects.toMatchObject({ code: 'interrupted' });
    await expectNothingLeft(context);
  });
});

test('retention destroys also keys that no file has any more, and none of the audit report', async () => {
  const context = await overdueBooks();
  const { kysely } = context.db;
  await storeDocuments(context, 't-1', [pdf], 'audit_report');
  await storeDocuments(context, 't-1', [jpeg]);
  const keys = () => kysely.selectFrom('document_keys').select('id').execute();
  expect(await keys()).toHaveLength(3);
  expect(await keepRetention(context, context.documents!.store, newRounds(), [])).toBe(1);
  const [report] = await kysely.selectFrom('files').select('key_id').where('kind', '=', 'audit_report').execute();
  expect(await keys()).toEqual([{ id: report?.key_id }]);
});

test('a hold comes too late once retention has destroyed the keys, but not while an audit report is left', async () => {
  for (const hasReport of [false, true]) {
    const context = await overdueBooks();
    if (hasReport) await storeDocuments(context, 't-1', [pdf], 'audit_report');
    const { store } = context.documents!;
    const hold = { transactionId: 't-1', placedBy: 'anna', reason: 'court order' };
    const answers: string[] = [];
    const removeUnder = async () => {
      answers.push(await placeHold(context.db, hold));
      throw new LedgerError('storage_failed', 'away');
    };
    const failures: Error[] = [];
    await keepRetention(context, { ...store, removeUnder }, newRounds(), failures);
    expect(failures).toHaveLength(1);
    expect(answers).toEqual([hasReport ? 'held' : 'too_late']);
    if (hasReport) continue;
    await keepRetention(context, store, newRounds(), []);
    expect(await placeHold(context.db, hold)).toBe('too_late');
  }
});

/** Books with a document of `t-1`, for which retention is over. */
async function overdueBooks(): Promise<TestContext> {
  const context = await createTestContext();
  await storeDocuments(context, 't-1', [png]);
  await context.db.kysely
    .updateTable('transactions')
    .set({ completed_at: new Date('2020-01-01'), result_id: 'r-1' })
    .execute();
  const retentionDays = { document: 30, audit_report: undefined };
  return { ...context, config: { ...context.config, custody: { ...context.config.custody, retentionDays } } };
}

/** Fetches the documents of `t-1` again, as if retention were not over yet; the vendor offers another one, too. */
async function fetchAnother(context: TestContext): Promise<unknown> {
  await makeDue(context);
  const [started] = await startObligations(
    context.db.kysely,
    [{ transactionId: 't-1', kinds: ['documents'], generation: await generationOf(context), maxUnfinished: null }],
    60_000,
  );
  const start = started?.get('documents');
  if (!start) throw new Error('not due');
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
  const retentionDays = { document: undefined, audit_report: undefined };
  const config = { ...context.config, custody: { ...context.config.custody, retentionDays } };
  return fetchDocuments({ ...context, vendor, config }, 't-1', start);
}

async function expectNothingLeft({ db: { kysely }, config }: TestContext): Promise<void> {
  expect(await kysely.selectFrom('document_keys').select('id').execute()).toEqual([]);
  expect(await namesInStore(config.dataDir)).toEqual([]);
  expect(await kysely.selectFrom('files').select('state').distinct().execute()).toEqual([{ state: 'erased' }]);
}

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

test('work that somebody makes due while an erasure is being ordered waits for it, and is not due then', async () => {
  const context = await createTestContext();
  await storeDocuments(context, 't-1', [png]);
  const [ordering, watching] = [await session(context), await session(context)];
  await ordering.query(`begin; select from transactions where id = 't-1' for update`);
  await ordering.query(`insert into erasures (transaction_id, requested_by, reason, destroy_at)
    values ('t-1', 'anna', 'wish', now())`);
  const making = makeDue(context);
  await blocked(watching);
  await ordering.query('commit');
  await making;
  expect(
    await context.db.kysely.selectFrom('obligations').select('state').where('kind', '=', 'documents').execute(),
  ).toEqual([{ state: 'done' }]);
});

test('what became due before an erasure all the same ends with its keys, and what it recorded with the second look', async () => {
  const context = await createTestContext();
  await storeDocuments(context, 't-1', [png]);
  const { kysely } = context.db;
  const { store } = context.documents!;
  await requestErasures(context.db, ['t-1'], { requestedBy: 'anna', reason: 'wish', destroyAt: new Date(0) });
  // As before there was a lock.
  const owner = await session(context);
  await owner.query('alter table obligations disable trigger fetch_nothing_erased');
  await makeDue(context);
  await owner.query('alter table obligations enable trigger fetch_nothing_erased');
  await carryOutErasures(context, store, []);
  expect(await kysely.selectFrom('obligations').select('state').where('kind', '=', 'documents').execute()).toEqual([
    { state: 'done' },
  ]);
  const gone = { transaction_id: 't-1', kind: 'document' as const, origin: 'result', position: 1, name: 'passport' };
  await kysely
    .insertInto('files')
    .values({ ...gone, state: 'gone', error_code: 'vendor_gone' })
    .execute();
  await owner.query(`update later_looks set look_at = now()`);
  expect(await lookAgain(context, store, [])).toBe(2);
  expect(await kysely.selectFrom('files').select(['state', 'name']).distinct().execute()).toEqual([
    { state: 'erased', name: null },
  ]);
});
