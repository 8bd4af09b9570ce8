import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { recordAccess } from '../../../src/db/document-accesses.ts';
import { requestErasures } from '../../../src/db/erasures.ts';
import { placeHold, releaseHolds } from '../../../src/db/holds.ts';
import { countReprocess, reprocess } from '../../../src/db/reprocess.ts';
import { carryOutErasures } from '../../../src/jobs/custody/destroy.ts';
import { createTestContext, type TestContext } from '../../support/books.ts';
import { png, storeDocuments } from '../../support/documents.ts';

const refused = { code: '23001' };
const forbidden = { code: '42501' };

async function ordered(destroyAt: Date) {
  const context = await createTestContext();
  await storeDocuments(context, 't-1', [png]);
  await requestErasures(context.db, ['t-1'], { requestedBy: 'anna', reason: 'wish', destroyAt });
  const update = (set: string) => sql.raw(`update erasures set ${set}`).execute(context.db.kysely);
  return { context, update };
}

const erasureOf = async ({ db }: TestContext) => (await db.kysely.selectFrom('erasures').selectAll().execute())[0]!;

test('the program’s role cannot say of an erasure what is not so', async () => {
  const { context, update } = await ordered(new Date(Date.now() + 86_400_000));
  const { kysely } = context.db;
  // Its time has not come, and it is not put off.
  await expect(update('keys_destroyed_at = now()')).rejects.toMatchObject(refused);
  await expect(update(`destroy_at = destroy_at + interval '1 day'`)).rejects.toMatchObject(refused);
  await update(`destroy_at = now() - interval '1 minute'`);
  await placeHold(context.db, { transactionId: 't-1', placedBy: 'anna', reason: 'court order' });
  await expect(update('keys_destroyed_at = now()')).rejects.toMatchObject(refused);
  await releaseHolds(kysely, { transactionId: 't-1', releasedBy: 'anna', reason: 'settled' });
  const before = new Date();
  await update(`keys_destroyed_at = '2020-01-01'`);
  expect((await erasureOf(context)).keys_destroyed_at!.getTime()).toBeGreaterThan(before.getTime() - 60_000);
  await expect(update('keys_destroyed_at = null')).rejects.toMatchObject(refused);
  // The keys are still there, and then the files.
  const finished = `destroyed_at = '2020-01-01', documents = 1, audit_reports = 0`;
  await expect(update(finished)).rejects.toMatchObject(refused);
  await kysely.deleteFrom('document_keys').execute();
  await expect(update(finished)).rejects.toMatchObject(refused);
  await update('ordered_at = now()');
  await carryOutErasures(context, context.documents!.store, []);
  expect((await erasureOf(context)).destroyed_at!.getTime()).toBeGreaterThan(before.getTime() - 60_000);
  await expect(update(`destroyed_at = destroyed_at - interval '1 day'`)).rejects.toMatchObject(refused);
});

test('the program’s role cannot order what is destroyed already, nor date readings and holds back', async () => {
  const context = await createTestContext();
  await storeDocuments(context, 't-1', [png]);
  const { kysely } = context.db;
  const insert = (statement: string) => sql.raw(`insert into ${statement}`).execute(kysely);
  const erasure = `'t-1', 'anna', 'wish', now(), now()`;
  await expect(
    insert(`erasures (transaction_id, requested_by, reason, destroy_at, keys_destroyed_at) values (${erasure})`),
  ).rejects.toMatchObject(forbidden);
  const place = { kind: 'document' as const, origin: 'result', position: 0 };
  const access = { ...place, transactionId: 't-1', accessedBy: 'anna', reason: 'case', address: null };
  await recordAccess(context.db, { ...access, via: 'command' });
  await expect(
    insert(`document_accesses (accessed_at, accessed_by, reason, via, transaction_id, kind, origin, position)
      values ('2020-01-01', 'anna', 'case', 'command', 't-1', 'document', 'result', 0)`),
  ).rejects.toMatchObject(forbidden);
  await expect(
    insert(`holds (id, transaction_id, placed_by, reason) overriding system value values (7, 't-1', 'anna', 'case')`),
  ).rejects.toMatchObject(forbidden);
});

test('reprocess says of no documents that they are due again which nobody fetches again', async () => {
  const context = await createTestContext();
  const { kysely } = context.db;
  for (const id of ['t-1', 't-2', 't-3']) await storeDocuments(context, id, [png]);
  await kysely
    .updateTable('transactions')
    .set({ fetched_at: new Date(), created_at: new Date(), state: 'completed' })
    .execute();
  await requestErasures(context.db, ['t-1'], { requestedBy: 'anna', reason: 'wish', destroyAt: new Date() });
  const retired = { state: 'erased' as const, object_name: null, key_id: null, sha256: null, bytes: null };
  const nothing = { media_type: null, category: null, type: null, name: null, url_sha256: null };
  await kysely
    .updateTable('files')
    .set({ ...retired, ...nothing })
    .where('transaction_id', '=', 't-2')
    .execute();
  const kinds = ['result', 'documents'] as const;
  const due = [
    { kind: 'documents', count: 1 },
    { kind: 'result', count: 3 },
  ];
  const filter = { transactionIds: ['t-1', 't-2', 't-3'] };
  expect(await countReprocess(kysely, filter, kinds)).toEqual(due);
  expect(await reprocess(kysely, filter, kinds, { requestedBy: 'anna', reason: null, filter })).toEqual(due);
});
