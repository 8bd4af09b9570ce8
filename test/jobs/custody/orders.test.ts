import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { sql } from 'kysely';
import { cancelErasure, erasuresOf, requestErasures } from '../../../src/db/erasures.ts';
import { placeHold } from '../../../src/db/holds.ts';
import { LedgerError } from '../../../src/errors.ts';
import { erase } from '../../../src/jobs/custody/erase.ts';
import { keepHoldCopies } from '../../../src/jobs/custody/hold-copies.ts';
import { replayOrders, writeOrder } from '../../../src/jobs/custody/orders.ts';
import { asOwner, createTestContext, openTestDatabase } from '../../support/books.ts';
import { createCliEnvironment, runCli } from '../../support/cli.ts';
import { png, storeDocuments } from '../../support/documents.ts';
import { objectsIn, storedMonth } from './books.ts';

vi.setConfig({ testTimeout: 180_000 });

type Books = Awaited<ReturnType<typeof storedMonth>>;

const firstId = async ({ rows }: Books): Promise<string> =>
  (await rows<{ id: string }>('select min(transaction_id) as id from files'))[0]?.id ?? '';
const objectsOf = async ({ folder }: Books, id: string): Promise<string[]> =>
  (await objectsIn(folder)).filter((name) => name.startsWith(`${id}.`));

describe('a store that was restored from a backup of before', () => {
  test('gets its orders and cancellations again, so that they outlive a later restore of the database', async () => {
    const books = await storedMonth();
    const { run, rows, folder } = books;
    const ids = (await rows<{ id: string }>('select distinct transaction_id as id from files order by 1 limit 2')).map(
      ({ id }) => id,
    );
    const [destroyed = '', cancelled = ''] = ids;
    await run(['erase', '--transaction', destroyed, '--reason', 'wish', '--now']);
    await run(['erase', '--transaction', cancelled, '--reason', 'by mistake']);
    await run(['erase', '--transaction', cancelled, '--reason', 'the other one', '--cancel']);
    const orders = path.join(folder, 'erasures');
    const before = new Map<string, string>();
    for (const name of await readdir(orders)) before.set(name, await readFile(path.join(orders, name), 'utf8'));
    await rm(orders, { recursive: true });
    expect((await run(['worker', '--until-idle'])).code).toBe(0);
    for (const name of await readdir(orders))
      expect(await readFile(path.join(orders, name), 'utf8')).toBe(before.get(name));
    const erasures = await rows<{ id: string; isOpen: boolean }>(
      'select id, cancelled_at is null as "isOpen" from erasures',
    );
    expect((await readdir(orders)).sort()).toEqual(
      erasures.map(({ id, isOpen }) => `${id}.${isOpen ? '' : 'cancelled.'}json`).sort(),
    );
    await rows('delete from erasures');
    await run(['worker', '--until-idle']);
    expect(await rows('select transaction_id as id, requested_by from erasures')).toEqual([
      { id: destroyed, requested_by: 'restored' },
    ]);
  });
});

describe('orders in the store, once an older database was restored', () => {
  test('a later order is carried out also where the books still have an earlier one that was cancelled', async () => {
    const books = await storedMonth();
    const { run, rows } = books;
    const id = await firstId(books);
    await run(['erase', '--transaction', id, '--reason', 'by mistake']);
    const [earlier] = await rows<{ id: string }>('select id from erasures');
    await run(['erase', '--transaction', id, '--reason', 'the other one was meant', '--cancel']);
    await run(['erase', '--transaction', id, '--reason', 'it was this one after all']);
    // The backup is from before the cancellation.
    await rows('delete from erasures where id <> $1', [earlier?.id]);
    await rows('update erasures set cancelled_at = null, cancelled_by = null, cancel_reason = null');
    expect((await run(['worker', '--until-idle'])).code).toBe(0);
    expect(
      await rows('select cancelled_at is null as is_open, requested_by from erasures order by requested_at'),
    ).toEqual([
      { is_open: false, requested_by: expect.any(String) as string },
      { is_open: true, requested_by: 'restored' },
    ]);
  });

  test('a cancellation that was broken off before it was in the store is written there by the next worker', async () => {
    const books = await storedMonth();
    const { run, rows, environment, folder } = books;
    const id = await firstId(books);
    await run(['erase', '--transaction', id, '--reason', 'by mistake']);
    const { kysely } = await openTestDatabase(environment['DATABASE_URL']);
    const cancelled = await cancelErasure(kysely, id, { cancelledBy: 'anna', reason: 'no' });
    await run(['worker', '--until-idle']);
    expect(await readdir(path.join(folder, 'erasures'))).toContain(`${cancelled?.id}.cancelled.json`);
    await rows('delete from erasures');
    await run(['worker', '--until-idle']);
    expect(await rows('select from erasures')).toEqual([]);
    expect(await objectsOf(books, id)).not.toEqual([]);
  });

  test('what the books still want to fetch of an erased transaction is not fetched', async () => {
    const books = await storedMonth();
    const { run, rows } = books;
    const id = await firstId(books);
    await run(['erase', '--transaction', id, '--reason', 'wish', '--now']);
    await rows('delete from erasures');
    await rows('delete from files where transaction_id = $1', [id]);
    await rows(
      `update obligations set state = 'due', generation = generation + 1, due_at = now() + interval '1 hour', sweep_at = now() + interval '1 hour'
      where transaction_id = $1 and kind <> 'result'`,
      [id],
    );
    expect((await run(['worker', '--until-idle'])).code).toBe(0);
    expect(
      await rows(`select from obligations where transaction_id = $1 and kind <> 'result' and state = 'due'`, [id]),
    ).toEqual([]);
  });
});

describe('an order and its store', () => {
  const inAWeek = () => ({ requestedBy: 'anna', reason: 'wish', destroyAt: new Date(Date.now() + 7 * 86_400_000) });
  const now = { requestedBy: 'anna', reason: 'wish', isNow: true };

  /** Books with an order for `t-1`, and what only their owner may do. */
  async function ordered() {
    const context = await createTestContext();
    await storeDocuments(context, 't-1', [png]);
    const { store } = context.documents!;
    const owner = await openTestDatabase(asOwner(context.config.databaseUrl ?? ''));
    const restore = (statement: string) =>
      sql
        .raw(
          `alter table erasures disable trigger guard_erasure; ${statement};
        alter table erasures enable trigger guard_erasure`,
        )
        .execute(owner.kysely);
    await requestErasures(context.db, ['t-1'], inAWeek());
    const of = async () => (await erasuresOf(context.db.kysely, 't-1'))[0]!;
    return { context, store, restore, of };
  }

  test('one that is refused as written already, and is not there, does not count as written', async () => {
    const { context, store, of } = await ordered();
    const put = () => Promise.reject(new LedgerError('storage_conflict', 'two at once'));
    await expect(writeOrder(context, { ...store, put }, await of())).rejects.toMatchObject({
      code: 'storage_conflict',
    });
    expect(await of()).toMatchObject({ orderedAt: null });
    await writeOrder(context, store, await of());
    await writeOrder(context, { ...store, put }, await of());
    expect(await of()).toMatchObject({ orderedAt: expect.any(Date) as Date });
  });

  test('one that was ordered again with --now is due at once also after a restore of older books', async () => {
    const { context, store, restore, of } = await ordered();
    await writeOrder(context, store, await of());
    const { destroyAt } = await of();
    expect(await erase(context, () => Promise.resolve(store), ['t-1'], now)).toMatchObject([{ isDestroyed: true }]);
    const isDue = async () => (await of()).destroyAt.getTime() < Date.now();
    await restore('delete from erasures');
    expect(await replayOrders(context, store)).toBe(1);
    expect(await isDue()).toBe(true);
    await restore(`update erasures set destroy_at = '${destroyAt.toISOString()}'`);
    expect(await isDue()).toBe(false);
    expect(await replayOrders(context, store)).toBe(0);
    expect(await isDue()).toBe(true);
  });

  test('with --now nothing is destroyed that the store knows as held and restored books do not', async () => {
    const { context, store } = await ordered();
    await placeHold(context.db, { transactionId: 't-1', placedBy: 'anna', reason: 'court order' });
    await keepHoldCopies(context, store, []);
    const owner = await openTestDatabase(asOwner(context.config.databaseUrl ?? ''));
    await sql`alter table holds disable trigger refuse_change`.execute(owner.kysely);
    await sql`delete from holds`.execute(owner.kysely);
    const erased = await erase(context, () => Promise.resolve(store), ['t-1'], now);
    expect(erased).toMatchObject([{ isDestroyed: false, isHeld: true }]);
    expect(await context.db.kysely.selectFrom('document_keys').select('id').execute()).toHaveLength(1);
  });
});

test('where the books know no store yet, erase makes none theirs: workers go on', async () => {
  const environment = await createCliEnvironment();
  const run = (args: string[]) => runCli(args, environment);
  await run(['enqueue', 't-1']);
  expect(await run(['erase', '--transaction', 't-1', '--reason', 'wish', '--now'])).toMatchObject({ code: 0 });
  expect((await run(['erase', '--receipt', 't-1'])).stdout).toContain('closed, to be destroyed');
  expect(await run(['erase', '--transaction', 't-1', '--reason', 'no', '--cancel'])).toMatchObject({ code: 0 });
  const { kysely } = await openTestDatabase(environment['DATABASE_URL']);
  expect(await kysely.selectFrom('document_store').select('id').execute()).toEqual([]);
  expect(await kysely.selectFrom('erasures').select(['ordered_at', 'cancel_reason']).execute()).toEqual([
    { ordered_at: null, cancel_reason: 'no' },
  ]);
});
