import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { storedMonth } from './books.ts';

vi.setConfig({ testTimeout: 180_000 });

/** A store in whose place for orders, or for holds, nothing can be written. */
async function refusing(place: 'erasures' | 'holds') {
  const books = await storedMonth({}, 3);
  const [first] = await books.rows<{ id: string }>('select min(transaction_id) as id from files');
  const { id } = first!;
  const written = path.join(books.folder, place);
  const refuse = async () => {
    await rename(written, `${written}.before`).catch(() => undefined);
    await writeFile(written, '');
  };
  const mend = async () => {
    await rm(written);
    await rename(`${written}.before`, written).catch(() => undefined);
    expect((await books.run(['worker', '--until-idle'])).code).toBe(0);
    return readdir(written);
  };
  const erase = (...more: string[]) => books.run(['erase', '--transaction', id, '--reason', 'wish', ...more]);
  const states = () =>
    books.rows('select ordered_at is not null as ordered, cancelled_at is not null as cancelled from erasures');
  return { ...books, id, refuse, mend, erase, states };
}

test.each([[[]], [['--now']]])('an order that the store does not take: erase %j says what is closed', async (more) => {
  const { refuse, mend, erase, states } = await refusing('erasures');
  await refuse();
  const { code, stderr } = await erase(...more);
  expect(code).toBe(1);
  expect(stderr).toContain('Closed: the documents of 1 transaction. Nobody reads them.');
  expect(stderr).toContain('The order of 1 is not in the store yet');
  expect(stderr).toContain('(storage_failed)');
  expect(await states()).toEqual([{ ordered: false, cancelled: false }]);
  expect(await mend()).toHaveLength(1);
  expect(await states()).toEqual([{ ordered: true, cancelled: false }]);
});

test('an order that the store does not take, of what is held: erase --now says that it is held', async () => {
  const { refuse, erase, run, id } = await refusing('erasures');
  expect((await run(['hold', '--transaction', id, '--reason', 'court'])).code).toBe(0);
  await refuse();
  const { code, stderr } = await erase('--now');
  expect(code).toBe(1);
  expect(stderr).toContain('Held: the documents of 1 transaction are not destroyed before they are released');
});

test('a cancellation that the store does not take counts, and erase --cancel says so', async () => {
  const { refuse, mend, erase, states } = await refusing('erasures');
  expect((await erase()).code).toBe(0);
  await refuse();
  const { code, stderr } = await erase('--cancel');
  expect(code).toBe(1);
  expect(stderr).toContain('is cancelled: its documents can be read again');
  expect(stderr).toContain('(storage_failed)');
  expect(await states()).toEqual([{ ordered: false, cancelled: true }]);
  expect(await mend()).toHaveLength(2);
  expect(await states()).toEqual([{ ordered: true, cancelled: true }]);
});

test('while the store is away an erasure is cancelled all the same', async () => {
  const { erase, states, folder } = await refusing('erasures');
  expect((await erase()).code).toBe(0);
  await rename(folder, `${folder}.away`);
  const { code, stderr } = await erase('--cancel');
  expect(code).toBe(3);
  expect(stderr).toContain('is cancelled: its documents can be read again');
  expect(await states()).toEqual([{ ordered: false, cancelled: true }]);
});

test('a hold that the store does not take is in force, and so is its release, and hold says so', async () => {
  const { refuse, mend, id, run, rows } = await refusing('holds');
  const hold = async (...more: string[]) => {
    const { code, stdout, stderr } = await run(['hold', '--transaction', id, '--reason', 'court', ...more]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('(storage_failed)') as string });
    expect(stderr).toContain('The document store could not be told');
    return stdout;
  };
  await refuse();
  expect(await hold()).toContain(`${id} is held`);
  expect(await rows('select transaction_id as id from holds')).toEqual([{ id }]);
  expect(await mend()).toHaveLength(1);
  await refuse();
  expect(await hold('--release')).toContain('released');
  expect(await rows('select from hold_releases')).toHaveLength(1);
  expect(await mend()).toHaveLength(2);
});

test('a copy that somebody made keeps a receipt from being proven, and is named', async () => {
  const { id, erase, folder, run } = await refusing('erasures');
  expect((await erase('--now')).code).toBe(0);
  await mkdir(path.join(folder, 'old'));
  await writeFile(path.join(folder, 'old', 'scan.png'), 'a scan');
  const unknown = await run(['erase', '--receipt', id]);
  expect(unknown.code).toBe(0);
  expect(unknown.stdout).toContain('1 file is none that the books know and does not say whose it is. In: old');
  await writeFile(path.join(folder, 'old', `${id}.png`), 'a scan');
  const copied = await run(['erase', '--receipt', id]);
  expect(copied.code).toBe(1);
  expect(copied.stdout).toContain(`1 copy in other places.`);
  expect(copied.stdout).toContain(`old/${id}.png`);
  expect(copied.stdout).not.toContain('--now');
});
