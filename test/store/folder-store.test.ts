import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from 'vitest';
import { folderStore } from '../../src/store/folder-store.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { createTestFolder } from '../support/books.ts';

const passport = Buffer.from('an image of a passport');
const hashOf = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const name = '3f/t-1.document.result.0.1-00000000';
const claimed = { name, sha256: hashOf(passport), bytes: String(passport.length) };

let store: ObjectStore;
beforeEach(async () => {
  store = folderStore(path.join(await createTestFolder(), 'documents'));
  await store.mark(randomUUID());
});

const putAll = (content: Buffer, under = name) => store.put(under, (sink) => sink(content));
const bytesOf = async (of: string) => buffer(await store.get(of));

async function namesOf(prefix = ''): Promise<string[]> {
  const names = [];
  for await (const entry of store.list(prefix)) names.push(entry.name);
  return names.sort();
}

describe('an object', () => {
  test('that was put is there, and is given back as it was', async () => {
    expect(await putAll(passport)).toEqual(claimed);
    expect(await store.has(claimed)).toBe(true);
    expect(await store.examine(claimed)).toBe('stored');
    expect(await bytesOf(name)).toEqual(passport);
    expect(await namesOf()).toEqual([name]);
    expect((await stat(path.join(store.place, name))).mode & 0o777).toBe(0o600);
  });

  test('is the same whatever pieces it came in', async () => {
    await store.put(name, async (sink) => {
      for (const byte of passport) await sink(Buffer.from([byte]));
    });
    expect(await bytesOf(name)).toEqual(passport);
  });

  test('that was never put is lost, and there is nothing to get', async () => {
    expect(await store.has(claimed)).toBe(false);
    expect(await store.examine(claimed)).toBe('lost');
    await expect(store.get(name)).rejects.toMatchObject({ code: 'storage_failed' });
  });

  test('whose name a folder has is not removed, and the refusal names it', async () => {
    await mkdir(path.join(store.place, name), { recursive: true });
    await expect(store.remove(name)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining(path.join(store.place, name)) as string,
    });
  });

  test('of another size, or with other bytes, is damaged', async () => {
    await putAll(passport);
    expect(await store.has({ ...claimed, bytes: '1' })).toBe(false);
    expect(await store.examine({ ...claimed, bytes: '1' })).toBe('damaged');
    await writeFile(path.join(store.place, name), 'x'.repeat(passport.length));
    expect(await store.has(claimed)).toBe(true);
    expect(await store.examine(claimed)).toBe('damaged');
  });

  test.each([
    ['whole', passport],
    ['damaged', Buffer.from('something else')],
  ])('is never overwritten: neither a %s one', async (_, there) => {
    await putAll(passport);
    await writeFile(path.join(store.place, name), there);
    await expect(putAll(Buffer.from('another'))).rejects.toMatchObject({ code: 'storage_conflict' });
    expect(await readFile(path.join(store.place, name))).toEqual(there);
    expect(await readdir(path.join(store.place, 'incoming'))).toEqual([]);
  });

  test('that failed to come whole is not kept', async () => {
    const cause = new Error('cut');
    const filling = store.put(name, async (sink) => {
      await sink(passport);
      throw cause;
    });
    await expect(filling).rejects.toBe(cause);
    expect(await store.examine(claimed)).toBe('lost');
    expect(await readdir(path.join(store.place, 'incoming'))).toEqual([]);
  });

  test('is removed alone, and once', async () => {
    const other = await putAll(Buffer.from('another'), '3f/t-2.document.result.0.1-00000000');
    await putAll(passport);
    await store.remove(name);
    await store.remove(name);
    expect(await store.examine(claimed)).toBe('lost');
    expect(await namesOf()).toEqual([other.name]);
  });
});

describe('what is in a store', () => {
  test('is told with its age, whoever put it there; its marker and what is unfinished are not', async () => {
    await store.mark('00000000-0000-4000-8000-000000000000');
    await writeFile(path.join(store.place, 'incoming', 'part'), 'part of a passport');
    await writeFile(path.join(store.place, 'notes.txt'), 'whose?');
    await utimes(path.join(store.place, 'notes.txt'), 1_000, 1_000);
    const ages = [];
    for await (const entry of store.list('')) ages.push([entry.name, await entry.writtenAtMs()]);
    expect(ages).toEqual([['notes.txt', 1_000_000]]);
  });

  test('is told by the beginning of its name', async () => {
    const names = [
      '3f/t-1.document.a.0.1-0',
      '3f/t-1.audit_report.a.0.1-0',
      '3f/t-10.document.a.0.1-0',
      '40/t-1.d.a.0.1-0',
    ];
    for (const one of names) await putAll(passport, one);
    expect(await namesOf('3f/t-1.document.')).toEqual(names.slice(0, 1));
    expect(await namesOf('3f/t-1.')).toEqual([names[1], names[0]]);
    expect(await namesOf('3f/')).toEqual([names[1], names[0], names[2]]);
    expect(await namesOf('4')).toEqual([names[3]]);
    expect(await namesOf('41/t-1.')).toEqual([]);
    expect(await namesOf()).toEqual([...names].sort());
  });

  test('is nothing where there is no folder', async () => {
    await rm(store.place, { recursive: true });
    expect(await namesOf()).toEqual([]);
  });
});

describe('what a killed worker left unfinished', () => {
  const hourMs = 3_600_000;

  test('is removed an hour after its last byte, and nothing that may still be under way or is stored', async () => {
    await putAll(passport);
    const incoming = path.join(store.place, 'incoming');
    const nowMs = Date.parse('2026-10-01T12:00:00Z');
    const ages = { old: hourMs + 1, young: hourMs, new: 0, ahead: -hourMs };
    for (const [part, ageMs] of Object.entries(ages)) {
      await writeFile(path.join(incoming, part), 'part of a passport');
      await utimes(path.join(incoming, part), new Date(nowMs - ageMs), new Date(nowMs - ageMs));
    }
    await utimes(path.join(store.place, name), new Date(0), new Date(0));
    await store.removeStale(nowMs);
    expect((await readdir(incoming)).sort()).toEqual(['ahead', 'new', 'young']);
    expect(await store.examine(claimed)).toBe('stored');
  });

  test('is nothing where nothing was ever stored', async () => {
    await rm(store.place, { recursive: true });
    await store.removeStale(Date.now());
    expect(await readdir(path.dirname(store.place))).toEqual([]);
  });
});
