import { createHash, randomUUID } from 'node:crypto';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from 'vitest';
import type { DocumentStore } from '../../src/store/document-store.ts';
import { folderStore } from '../../src/store/folder-store.ts';
import { createTestFolder } from '../support/books.ts';

const passport = Buffer.from('an image of a passport');
const hashOf = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const claimed = { sha256: hashOf(passport), bytes: String(passport.length) };

let store: DocumentStore;
beforeEach(async () => {
  store = folderStore(path.join(await createTestFolder(), 'documents'));
  await store.mark(randomUUID());
});

const putAll = (content: Buffer) => store.put((sink) => sink(content));
const bytesOf = async (content: typeof claimed) => buffer(await store.get(content));

async function namesOf(): Promise<string[]> {
  const names = [];
  for await (const { name } of store.entries()) names.push(name);
  return names.sort();
}

describe('a content', () => {
  test('that was put is there, and is given back as it was', async () => {
    expect(await putAll(passport)).toEqual(claimed);
    expect(await store.has(claimed)).toBe(true);
    expect(await store.examine(claimed)).toBe('stored');
    expect(await bytesOf(claimed)).toEqual(passport);
    expect(await namesOf()).toEqual([claimed.sha256]);
  });

  test('is the same whatever pieces it came in', async () => {
    await store.put(async (sink) => {
      for (const byte of passport) await sink(Buffer.from([byte]));
    });
    expect(await bytesOf(claimed)).toEqual(passport);
  });

  test('that was never put is lost, and there is nothing to get', async () => {
    expect(await store.has(claimed)).toBe(false);
    expect(await store.examine(claimed)).toBe('lost');
    await expect(store.get(claimed)).rejects.toMatchObject({ code: 'storage_failed' });
  });

  test('of another size, or with other bytes, is damaged', async () => {
    await putAll(passport);
    expect(await store.has({ ...claimed, bytes: '1' })).toBe(false);
    expect(await store.examine({ ...claimed, bytes: '1' })).toBe('damaged');
    await writeFile(path.join(store.place, claimed.sha256.slice(0, 2), claimed.sha256), 'x'.repeat(passport.length));
    expect(await store.has(claimed)).toBe(true);
    expect(await store.examine(claimed)).toBe('damaged');
  });

  test('that failed to come whole is not kept', async () => {
    const cause = new Error('cut');
    const filling = store.put(async (sink) => {
      await sink(passport);
      throw cause;
    });
    await expect(filling).rejects.toBe(cause);
    expect(await store.examine(claimed)).toBe('lost');
    expect(await readdir(path.join(store.place, 'incoming'))).toEqual([]);
  });

  test('is removed alone, and once', async () => {
    const other = await putAll(Buffer.from('another'));
    await putAll(passport);
    await store.remove(claimed);
    await store.remove(claimed);
    expect(await store.examine(claimed)).toBe('lost');
    expect(await namesOf()).toEqual([other.sha256]);
  });
});

describe('what is in a store', () => {
  test('is told with its age, whoever put it there; its marker and what is unfinished are not', async () => {
    await store.mark('00000000-0000-4000-8000-000000000000');
    await writeFile(path.join(store.place, 'incoming', 'part'), 'part of a passport');
    await writeFile(path.join(store.place, 'notes.txt'), 'whose?');
    await utimes(path.join(store.place, 'notes.txt'), 1_000, 1_000);
    const ages = [];
    for await (const { name, writtenAtMs } of store.entries()) ages.push([name, await writtenAtMs()]);
    expect(ages).toEqual([['notes.txt', 1_000_000]]);
  });

  test('is nothing where there is no folder', async () => {
    await rm(store.place, { recursive: true });
    expect(await namesOf()).toEqual([]);
  });
});

describe('what a killed worker left unfinished', () => {
  const hourMs = 3_600_000;

  test('is removed an hour after its last byte, and nothing that may still be under way or is stored', async () => {
    const { sha256 } = await putAll(passport);
    const incoming = path.join(store.place, 'incoming');
    const nowMs = Date.parse('2026-10-01T12:00:00Z');
    const ages = { old: hourMs + 1, young: hourMs, new: 0, ahead: -hourMs };
    for (const [name, ageMs] of Object.entries(ages)) {
      await writeFile(path.join(incoming, name), 'part of a passport');
      await utimes(path.join(incoming, name), new Date(nowMs - ageMs), new Date(nowMs - ageMs));
    }
    await utimes(path.join(store.place, sha256.slice(0, 2), sha256), new Date(0), new Date(0));
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
