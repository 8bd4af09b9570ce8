import { expect, test, vi } from 'vitest';
import { addMasters, changeMasters } from '../../src/db/document-masters.ts';
import { takeIn } from '../../src/jobs/intake/intake.ts';
import { createMasterPair } from '../../src/store/encryption/keys.ts';
import { runWorkers } from '../../src/workers/run-workers.ts';
import { atEnd, createTestContext, waitFor } from '../support/books.ts';
import { withSimulator } from '../support/simulator.ts';

vi.setConfig({ testTimeout: 180_000 });

test('a running worker stores nothing for masters that were retired, and goes on once they are in use again', async () => {
  const { simulator } = await withSimulator({ transactions: 3, abandonedShare: 0 });
  const context = await createTestContext(simulator);
  const { kysely } = context.db;
  const { publicKey } = createMasterPair();
  await addMasters(kysely, [publicKey]);
  await changeMasters(context.db, [publicKey]);
  const { redis, queuePrefix: prefix } = context;
  const workers = runWorkers(context, { redis, prefix, isBatch: false });
  atEnd(() => workers.stop(10_000));
  const lines = simulator.transactions.map(({ transactionId, resultId }, line) => ({
    line,
    transactionId,
    resultId: resultId ?? '',
  }));
  const states = async () =>
    (
      await kysely
        .selectFrom('obligations')
        .select(['state', 'attempts_made as made'])
        .where('kind', '<>', 'result')
        .execute()
    ).map(({ state, made }) => `${state} ${made}`);
  // Its first look is at its start.
  const said = async () =>
    (await kysely.selectFrom('worker_heartbeats').select('store_error_code as code').execute())[0];
  await waitFor('its heartbeat', async () => (await said())?.code === 'master_mismatch');
  await takeIn(context, lines, 'file');
  await waitFor('all results', async () => (await states()).length === 6);
  // A report that the vendor has none of is done, and needs no key.
  expect(['due 0', 'done 0']).toEqual(expect.arrayContaining([...new Set(await states())]));
  expect(await kysely.selectFrom('files').select('state').where('object_name', 'is not', null).execute()).toEqual([]);
  expect(await kysely.selectFrom('document_keys').select('id').execute()).toEqual([]);
  await changeMasters(context.db, context.documents!.masters);
  await waitFor('all files', async () => (await states()).every((one) => one === 'done 0'));
  expect(await kysely.selectFrom('document_keys').select('master').distinct().execute()).toEqual(
    context.documents!.masters.map((master) => ({ master })),
  );
});

test('of files that it has stored while they were retired it keeps none and uses no attempt, and stores them anew', async () => {
  const { simulator } = await withSimulator({ transactions: 3, abandonedShare: 0 });
  const opened = await createTestContext(simulator);
  const documents = opened.documents!;
  const { kysely } = opened.db;
  const { publicKey } = createMasterPair();
  let changed: Promise<void> | undefined;
  const change = async () => {
    await addMasters(kysely, [publicKey]);
    await changeMasters(opened.db, [publicKey]);
  };
  // None is recorded before the masters have changed.
  const put = async (...args: Parameters<typeof documents.store.put>) => {
    const object = await documents.store.put(...args);
    await (changed ??= change());
    return object;
  };
  const context = { ...opened, documents: { ...documents, store: { ...documents.store, put } } };
  const { redis, queuePrefix: prefix } = context;
  await takeIn(
    context,
    simulator.transactions.map(({ transactionId, resultId }, line) => ({
      line,
      transactionId,
      resultId: resultId ?? '',
    })),
    'file',
  );
  const workers = runWorkers(context, { redis, prefix, isBatch: false });
  atEnd(() => workers.stop(10_000));
  const files = () =>
    kysely
      .selectFrom('obligations')
      .select(['state', 'attempts_made as made', 'last_error_code as code'])
      .where('kind', '<>', 'result')
      .execute();
  await waitFor('the first to be put off', async () => (await files()).some(({ code }) => code === 'master_mismatch'));
  expect(new Set((await files()).map(({ made }) => made))).toEqual(new Set([0]));
  expect(await kysely.selectFrom('document_keys').select('id').execute()).toEqual([]);
  await changeMasters(opened.db, documents.masters);
  await waitFor('all files', async () => {
    const found = await files();
    return found.length === 6 && found.every(({ state, made }) => state === 'done' && made === 0);
  });
  expect(await kysely.selectFrom('document_keys').select('master').distinct().execute()).toEqual(
    documents.masters.map((master) => ({ master })),
  );
});
