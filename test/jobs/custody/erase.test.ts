import { cp, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { objectsIn, reportHashes, storedMonth } from './books.ts';

vi.setConfig({ testTimeout: 180_000 });

type Id = { id: string };
const firstIds = async ({ rows }: Awaited<ReturnType<typeof storedMonth>>, count: number): Promise<string[]> =>
  (await rows<Id>('select distinct transaction_id as id from files order by 1')).slice(0, count).map(({ id }) => id);

describe('erase', () => {
  test('closes at once, destroys after the delay, and the books come out byte for byte as before', async () => {
    const books = await storedMonth({ ERASURE_DELAY_DAYS: '7' });
    const { run, rows, folder, environment } = books;
    await run(['report', '2026-10']);
    const before = await reportHashes(environment);
    const [id = '', other = ''] = await firstIds(books, 2);
    const closed = await run(['erase', '--transaction', id, '--reason', 'case 17']);
    expect(closed).toMatchObject({ code: 0 });
    expect(closed.stdout).toContain('Closed: the documents of 1 transaction.');
    await run(['worker', '--until-idle']);
    expect((await objectsIn(folder)).filter((name) => name.startsWith(`${id}.`))).not.toEqual([]);

    // The week is over.
    await rows(`update erasures set destroy_at = now() - interval '1 second'`);
    await run(['worker', '--until-idle']);
    expect((await objectsIn(folder)).filter((name) => name.startsWith(`${id}.`))).toEqual([]);
    expect((await objectsIn(folder)).filter((name) => name.startsWith(`${other}.`))).not.toEqual([]);
    const left = await rows(
      `select distinct state, num_nonnulls(object_name, key_id, sha256, bytes, media_type, category, type, name,
      url_sha256, clear_sha256) as said from files where transaction_id = $1`,
      [id],
    );
    expect(left).toEqual([{ state: 'erased', said: 0 }]);
    expect(await rows('select from document_keys where transaction_id = $1', [id])).toEqual([]);

    const receipt = await run(['erase', '--receipt', id]);
    expect(receipt).toMatchObject({ code: 0 });
    expect(receipt.stdout).toContain('Nothing is left.');
    await run(['report', '2026-10']);
    expect(await reportHashes(environment)).toEqual(before);
  });

  test('with --now destroys at once; nothing fetches the documents again: not reprocess, not a late enqueue', async () => {
    const books = await storedMonth();
    const { run, rows, folder } = books;
    const [id = ''] = await firstIds(books, 1);
    expect(await run(['erase', '--transaction', id, '--reason', 'wish', '--now'])).toMatchObject({ code: 0 });
    expect((await objectsIn(folder)).some((name) => name.startsWith(`${id}.`))).toBe(false);
    await run(['reprocess', '--transaction', id]);
    await run(['enqueue', id]);
    expect((await run(['worker', '--until-idle'])).code).toBe(0);
    expect((await objectsIn(folder)).some((name) => name.startsWith(`${id}.`))).toBe(false);
    expect(await rows(`select from files where transaction_id = $1 and state <> 'erased'`, [id])).toEqual([]);
    expect(
      await rows(`select from obligations where transaction_id = $1 and kind <> 'result' and state = 'due'`, [id]),
    ).toEqual([]);
    const again = await run(['erase', '--transaction', id, '--reason', 'wish', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ erasures: [{ answer: 'already_destroyed' }] });
  });

  test('is cancelled as long as nothing is destroyed, and not after', async () => {
    const books = await storedMonth();
    const [id = ''] = await firstIds(books, 1);
    await books.run(['erase', '--transaction', id, '--reason', 'by mistake']);
    expect(
      await books.run(['erase', '--transaction', id, '--cancel', '--reason', 'the other one was meant']),
    ).toMatchObject({ code: 0 });
    await books.rows(`update erasures set destroy_at = now()`);
    await books.run(['worker', '--until-idle']);
    expect((await objectsIn(books.folder)).some((name) => name.startsWith(`${id}.`))).toBe(true);
    await books.run(['erase', '--transaction', id, '--reason', 'meant', '--now']);
    expect(await books.run(['erase', '--transaction', id, '--cancel', '--reason', 'no'])).toMatchObject({ code: 3 });
  });

  test('of a file: bad lines stop no good ones', async () => {
    const books = await storedMonth();
    const [one = '', two = ''] = await firstIds(books, 2);
    const csv = `transaction_id\n${one}\nnot an id!\nnever-seen\n${two}\n`;
    const { code, stdout } = await books.run(
      ['erase', '--file', '-', '--reason', 'contract ended', '--now', '--json'],
      csv,
    );
    expect(code).toBe(1);
    const answer = JSON.parse(stdout) as {
      erasures: { transaction_id: string; is_destroyed: boolean }[];
      rejected: string[];
    };
    expect(answer.erasures.map((erased) => [erased.transaction_id, erased.is_destroyed]).sort()).toEqual(
      [
        [one, true],
        [two, true],
      ].sort(),
    );
    expect(answer.rejected).toEqual([
      'line 3: transaction_id is not an ID',
      'never-seen: the books have no such transaction',
    ]);
  });
});

describe('a file with many transactions', () => {
  test('is closed whole, also while the store is away, and says so', async () => {
    const books = await storedMonth();
    const { run, rows, folder } = books;
    const [first = '', last = ''] = await firstIds(books, 2);
    const others = Array.from({ length: 600 }, (_, index) => `unknown-${index}`);
    await rename(folder, `${folder}.away`);
    const csv = `transaction_id\n${[first, ...others, last].join('\n')}\n`;
    const ordered = await run(['erase', '--file', '-', '--reason', 'contract ended'], csv);
    expect(ordered).toMatchObject({ code: 3 });
    expect(ordered.stderr).toContain('Closed: the documents of 2 transactions.');
    await rename(`${folder}.away`, folder);
    expect(await rows('select transaction_id as id from erasures order by 1')).toEqual([{ id: first }, { id: last }]);
  });
});

describe('documents that a backup of the store brought back after they were destroyed', () => {
  test('are destroyed again by whoever orders it again, with their order', async () => {
    const books = await storedMonth();
    const { run, rows, folder } = books;
    const [id = ''] = await firstIds(books, 1);
    await cp(folder, `${folder}.backup`, { recursive: true });
    await run(['erase', '--transaction', id, '--reason', 'wish', '--now']);
    await rows('update erasures set looked_again_at = now()');
    await rm(folder, { recursive: true });
    await cp(`${folder}.backup`, folder, { recursive: true });
    const receipt = await run(['erase', '--receipt', id]);
    expect(receipt).toMatchObject({ code: 1 });
    expect(receipt.stdout).toContain(`erase --transaction ${id} --now`);
    expect(await run(['erase', '--transaction', id, '--reason', 'store restored', '--now'])).toMatchObject({ code: 0 });
    expect((await objectsIn(folder)).some((name) => name.startsWith(`${id}.`))).toBe(false);
    expect(await readdir(path.join(folder, 'erasures'))).toHaveLength(1);
    expect(await run(['erase', '--receipt', id])).toMatchObject({ code: 0 });
  });
});

describe('a hold', () => {
  test('stops an erasure between its stages; once released, the erasure goes on', async () => {
    const books = await storedMonth();
    const { run, rows, folder } = books;
    const [id = ''] = await firstIds(books, 1);
    await run(['erase', '--transaction', id, '--reason', 'wish']);
    expect(await run(['hold', '--transaction', id, '--reason', 'court order'])).toMatchObject({ code: 0 });
    await rows('update erasures set destroy_at = now()');
    await run(['worker', '--until-idle']);
    expect((await objectsIn(folder)).some((name) => name.startsWith(`${id}.`))).toBe(true);
    expect(await run(['erase', '--transaction', id, '--reason', 'wish', '--now'])).toMatchObject({ code: 3 });
    expect(await run(['hold', '--release', '--transaction', id, '--reason', 'case closed'])).toMatchObject({ code: 0 });
    await run(['worker', '--until-idle']);
    expect((await objectsIn(folder)).some((name) => name.startsWith(`${id}.`))).toBe(false);
    expect(await run(['hold', '--transaction', id, '--reason', 'too late'])).toMatchObject({ code: 3 });
  });
});

describe('a hold that a restore of an older database lost', () => {
  test('is in force again before any order is carried out', async () => {
    const books = await storedMonth();
    const { run, rows, folder } = books;
    const [id = '', released = ''] = await firstIds(books, 2);
    await run(['hold', '--transaction', id, '--reason', 'Jane Doe sued']);
    await run(['hold', '--transaction', released, '--reason', 'Jane Doe sued']);
    await run(['hold', '--transaction', released, '--release', '--reason', 'Jane Doe settled']);
    expect(await run(['erase', '--transaction', id, '--reason', 'wish', '--now'])).toMatchObject({ code: 3 });
    const copies = await readdir(path.join(folder, 'holds'));
    expect(copies).toHaveLength(3);
    for (const copy of copies) expect(await readFile(path.join(folder, 'holds', copy), 'utf8')).not.toContain('Jane');
    // What a restore brings back: no orders, no holds, but for one that was released since.
    await rows('delete from erasures');
    await forgetHolds(books, [id]);
    expect((await run(['worker', '--until-idle'])).code).toBe(0);
    expect((await objectsIn(folder)).some((name) => name.startsWith(`${id}.`))).toBe(true);
    const open = 'select transaction_id from holds h where not exists (select from hold_releases where hold_id = h.id)';
    expect(await rows(open)).toEqual([{ transaction_id: id }]);
    expect(await rows('select transaction_id, placed_by from holds order by id')).toMatchObject([
      { transaction_id: released },
      { transaction_id: id, placed_by: 'restored' },
    ]);

    await run(['hold', '--transaction', id, '--release', '--reason', 'case closed']);
    await run(['worker', '--until-idle']);
    expect((await objectsIn(folder)).some((name) => name.startsWith(`${id}.`))).toBe(false);
    expect(await readdir(path.join(folder, 'holds'))).toHaveLength(4);
  });

  test('and one that was placed while the store was away is written there by the next worker', async () => {
    const books = await storedMonth();
    const { run, rows, folder } = books;
    const [id = ''] = await firstIds(books, 1);
    await rename(folder, `${folder}.away`);
    const placed = await run(['hold', '--transaction', id, '--reason', 'court order']);
    expect(placed).toMatchObject({ code: 3 });
    expect(placed.stdout).toContain(`${id} is held`);
    await rename(`${folder}.away`, folder);
    expect(await rows('select transaction_id from holds')).toEqual([{ transaction_id: id }]);
    expect((await run(['worker', '--until-idle'])).code).toBe(0);
    expect(await readdir(path.join(folder, 'holds'))).toHaveLength(1);
  });
});

/** What a restore does. Nobody but the tables' owner can. */
async function forgetHolds({ rows }: Awaited<ReturnType<typeof storedMonth>>, ids: string[]): Promise<void> {
  await rows('alter table holds disable trigger refuse_change');
  await rows('alter table hold_releases disable trigger refuse_change');
  await rows('delete from hold_releases');
  await rows('delete from holds where transaction_id = any($1)', [ids]);
  await rows('alter table holds enable trigger refuse_change');
  await rows('alter table hold_releases enable trigger refuse_change');
}

describe('an order to erase', () => {
  test('is in the store, names no person, and is carried out again after an older database was restored', async () => {
    const books = await storedMonth();
    const { run, rows, folder } = books;
    const [id = '', cancelled = ''] = await firstIds(books, 2);
    const files = await rows('select * from files where transaction_id = $1', [id]);
    const keys = await rows('select * from document_keys where transaction_id = $1', [id]);
    await run(['erase', '--transaction', cancelled, '--reason', 'Jane Doe asked']);
    await run(['erase', '--transaction', cancelled, '--reason', 'no', '--cancel']);
    await run(['erase', '--transaction', id, '--reason', 'Jane Doe asked', '--now']);
    const orders = await readdir(path.join(folder, 'erasures'));
    for (const order of orders)
      expect(await readFile(path.join(folder, 'erasures', order), 'utf8')).not.toContain('Jane');
    // What a restore brings back.
    await rows('delete from erasures');
    await rows('delete from files where transaction_id = $1', [id]);
    for (const [table, lost] of [
      ['files', files],
      ['document_keys', keys],
    ] as const)
      await rows(`insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1)`, [
        JSON.stringify(lost.map(hexed)),
      ]);
    expect((await run(['worker', '--until-idle'])).code).toBe(0);
    expect(await rows('select from document_keys where transaction_id = $1', [id])).toEqual([]);
    expect(await rows(`select from files where transaction_id = $1 and state <> 'erased'`, [id])).toEqual([]);
    expect((await objectsIn(folder)).some((name) => name.startsWith(`${cancelled}.`))).toBe(true);
    expect(await rows('select transaction_id from erasures where cancelled_at is null')).toEqual([
      { transaction_id: id },
    ]);
  });
});

/** Rows as JSON that Postgres reads back, bytea in hex. */
const hexed = (row: object): object =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : (value as unknown),
    ]),
  );
