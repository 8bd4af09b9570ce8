import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { cancelErasure } from '../../../src/db/erasures.ts';
import { openTestDatabase } from '../../support/books.ts';
import { objectsIn, storedMonth } from './books.ts';

vi.setConfig({ testTimeout: 180_000 });

type Books = Awaited<ReturnType<typeof storedMonth>>;

const firstId = async ({ rows }: Books): Promise<string> =>
  (await rows<{ id: string }>('select min(transaction_id) as id from files'))[0]?.id ?? '';
const objectsOf = async ({ folder }: Books, id: string): Promise<string[]> =>
  (await objectsIn(folder)).filter((name) => name.startsWith(`${id}.`));

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
