import { execFileSync } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { objectsIn, storedMonth } from '../jobs/custody/books.ts';
import { atEnd } from '../support/books.ts';
import { mountDisk } from '../support/full-disk.ts';

vi.setConfig({ testTimeout: 180_000 });

/** Stored documents on a disk of their own. */
async function onDisk() {
  const { folder: disk, unmount } = mountDisk('16m');
  atEnd(() => {
    unmount();
    return Promise.resolve();
  });
  const books = await storedMonth({ IDSCAN_DATA_DIR: path.join(disk, 'data') }, 3);
  const [first] = await books.rows<{ id: string; name: string }>(
    'select transaction_id as id, object_name as name from files order by 1, 2 limit 1',
  );
  const { id, name } = first!;
  const erase = (...more: string[]) => books.run(['erase', '--transaction', id, '--reason', 'wish', ...more]);
  const work = async () => expect(await books.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  const left = async () => (await objectsIn(books.folder)).filter((one) => one.startsWith(`${id}.`));
  return { ...books, disk, id, erase, work, left, shard: path.join(books.folder, path.dirname(name)) };
}

test('on a full disk erase closes, and says that the order is not in the store', async () => {
  const { disk, erase, work, left, rows, folder, run, id } = await onDisk();
  const ballast = path.join(disk, 'ballast');
  await writeFile(ballast, Buffer.alloc(17 * 1_024 * 1_024)).catch(() => undefined);
  const { code, stderr } = await erase('--now');
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('(storage_full)') as string });
  expect(stderr).toContain('Closed: the documents of 1 transaction.');
  expect(stderr).toContain('The order of 1 is not in the store yet');
  expect(await left()).not.toEqual([]);
  const held = await run(['hold', '--transaction', id, '--reason', 'court']);
  expect(held).toMatchObject({ code: 1, stderr: expect.stringContaining('could not be told') as string });
  expect((await erase('--cancel')).stderr).toContain('is cancelled: its documents can be read again');
  expect(await rows('select from erasures where cancelled_at is not null and ordered_at is null')).toHaveLength(1);
  await rm(ballast);
  await work();
  expect(await readdir(path.join(folder, 'erasures'))).toHaveLength(1);
  expect(await readdir(path.join(folder, 'holds'))).toHaveLength(1);
  expect(await left()).not.toEqual([]);
});

test('on a read-only disk erase closes, and destroys nothing', async () => {
  const { disk, erase, work, left, rows } = await onDisk();
  const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how}`, disk]);
  remount('ro');
  const { code, stderr } = await erase('--now').finally(() => remount('rw'));
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('(storage_failed)') as string });
  expect(stderr).toContain('Closed: the documents of 1 transaction.');
  expect(await rows('select from erasures where keys_destroyed_at is not null')).toEqual([]);
  await work();
  expect(await left()).toEqual([]);
});

test('where objects cannot be removed erase says that nobody can read them any more', async () => {
  const { shard, erase, work, left, rows, id } = await onDisk();
  execFileSync('mount', ['--bind', shard, shard]);
  execFileSync('mount', ['-o', 'remount,bind,ro', shard]);
  const { code, stderr } = await erase('--now').finally(() => execFileSync('umount', [shard]));
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('(storage_failed)') as string });
  expect(stderr).toContain('Unreadable: the keys of 1 transaction are destroyed');
  expect(stderr).not.toContain('The order of');
  expect(await rows('select from document_keys where transaction_id = $1', [id])).toEqual([]);
  expect(await left()).not.toEqual([]);
  await work();
  expect(await left()).toEqual([]);
});
