import { sql } from 'kysely';
import { describe, expect, test, vi } from 'vitest';
import { placeHold } from '../../../src/db/holds.ts';
import { requestErasures } from '../../../src/db/erasures.ts';
import { errorCode, LedgerError } from '../../../src/errors.ts';
import { custodyRounds } from '../../../src/jobs/custody/custody-round.ts';
import { carryOutErasures } from '../../../src/jobs/custody/destroy.ts';
import type { ObjectStore, OpenedStore } from '../../../src/store/object-store.ts';
import { asOwner, createTestContext, openTestDatabase, type TestContext } from '../../support/books.ts';
import { png, storeDocuments } from '../../support/documents.ts';
import { namesInStore } from '../../support/documents-by-hand.ts';

vi.setConfig({ testTimeout: 180_000 });

const wish = () => ({ requestedBy: 'anna', reason: 'wish', destroyAt: new Date(Date.now() - 1_000) });

/** Books with the documents of these transactions, which ended long ago, and a retention that is over for them. */
async function booksWith(...transactionIds: string[]): Promise<TestContext> {
  const context = await createTestContext();
  for (const id of transactionIds) await storeDocuments(context, id, [png]);
  return context;
}

const withRetention = async (context: TestContext): Promise<TestContext> => {
  await context.db.kysely
    .updateTable('transactions')
    .set({ completed_at: new Date('2020-01-01') })
    .execute();
  const retentionDays = { document: 30, audit_report: undefined };
  return { ...context, config: { ...context.config, custody: { ...context.config.custody, retentionDays } } };
};

/** One round with a store that fails in some way. */
async function round(context: TestContext, broken: (store: OpenedStore) => Partial<ObjectStore>) {
  const documents = context.documents!;
  const store = { ...documents.store, ...broken(documents.store) };
  const done = await custodyRounds(context, { ...documents, store })(new AbortController().signal);
  return { ...done, codes: new Set(done?.failures.map(errorCode)) };
}

/** The transactions of which anything is in the store. */
const inStore = async ({ config }: TestContext): Promise<string[]> => {
  const names = (await namesInStore(config.dataDir)).flatMap((name) => /^[0-9a-f]{2}\/(t-\d)\./.exec(name)?.[1] ?? []);
  return [...new Set(names)].sort();
};

const keysOf = async ({ db }: TestContext): Promise<string[]> =>
  (await db.kysely.selectFrom('document_keys').select('transaction_id as id').orderBy('id').execute()).map(
    ({ id }) => id,
  );

const full = () => Promise.reject(new LedgerError('storage_full', 'no room'));
const failed = () => Promise.reject(new LedgerError('storage_failed', 'refused'));

describe('a failure keeps custody from nothing else', () => {
  test('on a full disk what is ordered is destroyed, and what was kept for long enough', async () => {
    const context = await withRetention(await booksWith('t-1', 't-2', 't-3', 't-4'));
    await requestErasures(context.db, ['t-1'], wish());
    await carryOutErasures({ ...context, now: () => new Date(0) }, context.documents!.store, []);
    await requestErasures(context.db, ['t-2'], wish());
    for (const id of ['t-2', 't-3'])
      await placeHold(context.db, { transactionId: id, placedBy: 'anna', reason: 'court order' });
    const done = await round(context, () => ({ put: full }));
    expect(done).toMatchObject({ erased: 1, retired: 1, ordered: 0 });
    expect(done.codes).toEqual(new Set(['storage_full']));
    expect(await inStore(context)).toEqual(['t-2', 't-3']);
  });

  test('an object that cannot be removed keeps no keys, and no other documents', async () => {
    const context = await booksWith('t-1', 't-2', 't-3');
    const { store } = context.documents!;
    await requestErasures(context.db, ['t-3'], wish());
    await carryOutErasures(context, store, []);
    await context.db.kysely
      .updateTable('later_looks')
      .set({ look_at: new Date(0) })
      .execute();
    await requestErasures(context.db, ['t-1'], wish());
    await requestErasures(context.db, ['t-2'], wish());
    const done = await round(context, ({ removeUnder }) => ({
      removeUnder: (prefix) => (prefix.includes('/t-2.') ? removeUnder(prefix) : failed()),
    }));
    expect(done).toMatchObject({ erased: 1, lookedAgain: 0 });
    expect(done.failures).toHaveLength(3);
    expect(await keysOf(context)).toEqual([]);
    expect(await inStore(context)).toEqual(['t-1']);
  });

  test('nor does retention stop at what cannot be removed', async () => {
    const context = await withRetention(await booksWith('t-1', 't-2', 't-3'));
    const done = await round(context, ({ removeUnder }) => ({
      removeUnder: (prefix) => (prefix.includes('/t-1.') ? failed() : removeUnder(prefix)),
    }));
    expect(done).toMatchObject({ retired: 2 });
    expect(await inStore(context)).toEqual(['t-1']);
    expect(await keysOf(context)).toEqual([]);
  });
});

test('while nobody knows what is held, nothing is destroyed', async () => {
  const context = await withRetention(await booksWith('t-1', 't-2'));
  await requestErasures(context.db, ['t-1'], wish());
  const list = (store: OpenedStore): Partial<ObjectStore> => ({
    list: (prefix, options) => {
      if (prefix === 'holds/') throw new LedgerError('storage_failed', 'refused');
      return store.list(prefix, options);
    },
  });
  expect(await round(context, list)).toMatchObject({ erased: 0, retired: 0 });
  expect(await inStore(context)).toEqual(['t-1', 't-2']);
  expect(await round(context, () => ({}))).toMatchObject({ erased: 1, retired: 1 });
});

test('an order that a restore under running workers lost is carried out by them', async () => {
  const context = await booksWith('t-1');
  await requestErasures(context.db, ['t-1'], wish());
  await carryOutErasures({ ...context, now: () => new Date(0) }, context.documents!.store, []);
  const owner = await openTestDatabase(asOwner(context.config.databaseUrl ?? ''));
  const rounds = custodyRounds(context, context.documents!);
  const { signal } = new AbortController();
  const clock = vi.spyOn(performance, 'now');
  const forget = () => sql`delete from erasures`.execute(owner.kysely);
  await forget();
  expect(await rounds(signal)).toMatchObject({ erased: 1 });
  // And again, while they run.
  await forget();
  await rounds(signal);
  expect(await context.db.kysely.selectFrom('erasures').select('id').execute()).toEqual([]);
  const soonMs = performance.now() + 310_000;
  clock.mockReturnValue(soonMs);
  expect(await rounds(signal)).toMatchObject({ erased: 1 });
  clock.mockRestore();
});
