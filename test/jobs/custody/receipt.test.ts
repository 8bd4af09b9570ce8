import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { requestErasures } from '../../../src/db/erasures.ts';
import { carryOutErasures } from '../../../src/jobs/custody/destroy.ts';
import { receiptOf } from '../../../src/jobs/custody/receipt.ts';
import { straysOf } from '../../../src/jobs/custody/strays.ts';
import { storing } from '../../../src/jobs/fetch/download.ts';
import { clearName, documentName, transactionPrefix } from '../../../src/store/layout.ts';
import { asOwner, createTestContext, openTestDatabase, type TestContext } from '../../support/books.ts';
import { pdf, png, storeDocuments, storeInClear } from '../../support/documents.ts';

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
const nothing = { files: 0, keys: 0, elsewhere: 0, objects: 0, drafts: 0, strays: 0, jobs: 0 };

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
        await sink(Buffer.alloc(200_000));
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

/** The bytes of the first document of a transaction, as they lie in the store. */
async function bytesOf(context: TestContext, transactionId: string): Promise<Buffer> {
  const { store } = context.documents!;
  for await (const { name } of store.list(transactionPrefix(transactionId))) return buffer(await store.get(name));
  throw new Error('nothing is stored');
}

/** Writes what the program never would. */
async function put({ place }: { readonly place: string }, name: string, content: Buffer): Promise<void> {
  const file = path.join(place, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
}

test('finds copies anywhere below the root of the store, by their name or by what they begin with', async () => {
  const context = await createTestContext();
  for (const id of ['t-1', 't-10', 't-2']) await storeDocuments(context, id, [png]);
  const { store } = context.documents!;
  const own = await bytesOf(context, 't-1');
  const others = await bytesOf(context, 't-2');
  await requestErasures(context.db, ['t-1'], { requestedBy: 'anna', reason: 'wish', destroyAt: new Date(0) });
  await carryOutErasures(context, store, []);
  await put(store, 'old/t-10.png', png);
  await put(store, 'old/deep/other', others);
  expect((await receipt(context)).found).toMatchObject({ strays: 0 });
  const named = ['old/t-1.png', 'zz/t-1.document.result.0.1-00000000', 'old/t-1/scan', '00/deep/t-1_front'];
  for (const name of named) await put(store, name, png);
  await put(store, 'old/renamed', own);
  const { found, isProven, strays } = await receipt(context);
  expect(found).toEqual({ ...nothing, strays: 5 });
  expect(isProven).toBe(false);
  expect([...strays!.names].sort()).toEqual([...named, 'old/renamed'].sort());
});

test('says what is nobody’s, and where it stopped looking', async () => {
  const context = await erased();
  const { store } = context.documents!;
  await storeInClear(context, 't-3', pdf);
  expect((await receipt(context)).strays).toMatchObject({ strangers: 0, folders: [], isWhole: true });
  const sha256 = createHash('sha256').update('nobody’s').digest('hex');
  for (const name of [clearName(sha256), 'old/scan.png', 'scan.png']) await put(store, name, png);
  const { strays, isProven } = await receipt(context);
  expect(strays).toMatchObject({ strangers: 3, folders: ['.', sha256.slice(0, 2), 'old'].sort(), isWhole: true });
  expect(isProven).toBe(true);
  // What a killed worker left of trying the store is ours, and goes once it is old.
  await put(store, `probes/${'0'.repeat(24)}`, png);
  expect((await receipt(context)).strays).toMatchObject({ strangers: 3 });
  await put(store, 'probes/scan.png', png);
  expect((await receipt(context)).strays).toMatchObject({ strangers: 4 });
  await store.removeUnder('probes/');
  expect((await receipt(context)).strays).toMatchObject({ strangers: 3 });
  const few = (limits: { mostLooked: number; mostOpened: number }) => straysOf(context, store, 't-1', limits);
  expect(await few({ mostLooked: 2, mostOpened: 9 })).toMatchObject({ strangers: 2, looked: 2, isWhole: false });
  expect(await few({ mostLooked: 99, mostOpened: 1 })).toMatchObject({ strangers: 3, isWhole: false });
});
