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
  expect(new Set(await states())).toEqual(new Set(['due 0']));
  expect(await kysely.selectFrom('document_keys').select('id').execute()).toEqual([]);
  await changeMasters(context.db, context.documents!.masters);
  await waitFor('all files', async () => (await states()).every((one) => one === 'done 0'));
  expect(await kysely.selectFrom('document_keys').select('master').distinct().execute()).toEqual(
    context.documents!.masters.map((master) => ({ master })),
  );
});
