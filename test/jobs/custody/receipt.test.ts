import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { requestErasures } from '../../../src/db/erasures.ts';
import { carryOutErasures } from '../../../src/jobs/custody/destroy.ts';
import { receiptOf } from '../../../src/jobs/custody/receipt.ts';
import { storing } from '../../../src/jobs/fetch/download.ts';
import { documentName } from '../../../src/store/layout.ts';
import { asOwner, createTestContext, openTestDatabase, type TestContext } from '../../support/books.ts';
import { pdf, png, storeDocuments } from '../../support/documents.ts';

vi.setConfig({ testTimeout: 180_000 });

/** Books in which the documents of `t-1` were erased, and those of `t-2` were not. */
async function erased(): Promise<TestContext> {
  const context = await createTestContext();
  for (const id of ['t-1', 't-2']) await storeDocuments(context, id, [png, pdf]);
  await requestErasures(context.db, ['t-1'], { requestedBy: 'anna', reason: 'wish', destroyAt: new Date(0) });
  await carryOutErasures(context, context.documents!.store, []);
  return context;
}

const receipt = (context: TestContext) => receiptOf(context, context.documents!.store, 't-1');
const nothing = { files: 0, keys: 0, elsewhere: 0, objects: 0, drafts: 0, jobs: 0 };

test('finds nothing once it is destroyed, although another transaction has all of it', async () => {
  expect(await receipt(await erased())).toMatchObject({ found: nothing, isProven: true });
});

test('finds what a worker is writing, and what a killed one was', async () => {
  const context = await erased();
  /** Resolves once something is in the store's folder for unfinished files. */
  const write = (transactionId: string) =>
    new Promise<() => Promise<unknown>>((resolve) => {
      let goOn: () => void = () => undefined;
      const going = new Promise<void>((on) => (goOn = on));
      const storage = storing(context.documents!, { transactionId, kind: 'document', fence: '1' });
      const stored = storage.storeDownload({ origin: 'result', position: 0 }, 'document', async (sink) => {
        await sink(png);
        await sink(Buffer.alloc(100_000));
        resolve(() => (goOn(), stored.catch(() => undefined)));
        await going;
        throw new Error('the connection broke');
      });
      stored.catch(() => undefined);
    });
  const other = await write('t-2');
  expect(await receipt(context)).toMatchObject({ found: nothing });
  const own = await write('t-1');
  expect(await receipt(context)).toMatchObject({ found: { ...nothing, drafts: 1 }, isProven: false });
  await own();
  await other();
  expect(await receipt(context)).toMatchObject({ found: nothing, isProven: true });
});

test('finds what a later version says of a file, and an object’s name in any table, with what was before', async () => {
  const context = await erased();
  const owner = await openTestDatabase(asOwner(context.config.databaseUrl ?? ''));
  const run = (text: string) => sql.raw(text).execute(owner.kysely);
  await run('alter table files add column country text');
  await run(`update files set country = 'NLD' where transaction_id = 't-1' and position = 0`);
  expect(await receipt(context)).toMatchObject({ found: { ...nothing, files: 1 }, isProven: false });
  await run('update files set country = null');
  const name = documentName({ transactionId: 't-1', kind: 'document', origin: 'result', position: 0 }, '1-0123abcd');
  const saying = (table: string, text: string) =>
    run(`insert into ${table} (transaction_id, task_type, level, recorded_at, replaced_at)
      values ('t-1', 'document_scan', '${text}', now() - interval '1 hour', now())`);
  await run('alter table tasks_history disable trigger user');
  await saying('tasks_history', name.replace('t-1', 't-10'));
  expect(await receipt(context)).toMatchObject({ found: nothing });
  await saying('tasks_history', name);
  expect(await receipt(context)).toMatchObject({ found: { ...nothing, elsewhere: 1 }, isProven: false });
});
