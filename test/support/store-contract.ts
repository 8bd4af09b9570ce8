import { createHash, randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../src/store/object-store.ts';

/** An empty store, and somebody who writes to it without asking. */
export type StoreUnderTest = {
  readonly store: ObjectStore;
  readonly overwrite: (name: string, content: Buffer) => Promise<void>;
};

const passport = Buffer.from('an image of a passport');
const hashOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const claimed = { name: 'documents/1/passport', sha256: hashOf(passport), bytes: String(passport.length) };

export async function namesIn(store: ObjectStore, prefix = '', options = {}): Promise<string[]> {
  const names = [];
  for await (const { name } of store.list(prefix, options)) names.push(name);
  return names.sort();
}

/** What every store does, whatever it is made of. */
export function storeContract(open: () => Promise<StoreUnderTest>): void {
  let store: ObjectStore;
  let overwrite: StoreUnderTest['overwrite'];
  beforeEach(async () => {
    ({ store, overwrite } = await open());
  });
  const put = (name: string, content = passport) => store.put(name, (sink) => sink(content));
  const read = async (name: string) => buffer(await store.get(name));

  describe('an object', () => {
    test('that was put is there, and is given back as it was', async () => {
      expect(await put(claimed.name)).toEqual(claimed);
      expect(await store.has(claimed)).toBe(true);
      expect(await store.examine(claimed)).toBe('stored');
      expect(await read(claimed.name)).toEqual(passport);
      expect(await namesIn(store)).toEqual([claimed.name]);
    });

    test('is the same whatever pieces it came in, though each is used again', async () => {
      const piece = Buffer.alloc(1);
      const stored = await store.put(claimed.name, async (sink) => {
        for (const byte of passport) {
          piece[0] = byte;
          await sink(piece);
        }
      });
      expect(stored).toEqual(claimed);
      expect(await read(claimed.name)).toEqual(passport);
    });

    test('may be empty', async () => {
      const stored = await put('empty', Buffer.of());
      expect(stored).toEqual({ name: 'empty', sha256: hashOf(Buffer.of()), bytes: '0' });
      expect(await store.has(stored)).toBe(true);
      expect(await store.examine(stored)).toBe('stored');
      expect(await read('empty')).toEqual(Buffer.of());
    });

    test('that was never put is lost, and there is nothing to get', async () => {
      expect(await store.has(claimed)).toBe(false);
      expect(await store.examine(claimed)).toBe('lost');
      await expect(store.get(claimed.name)).rejects.toMatchObject({ code: 'storage_failed' });
    });

    test('of another size, or with other bytes, is damaged', async () => {
      await put(claimed.name);
      expect(await store.has({ ...claimed, bytes: '1' })).toBe(false);
      expect(await store.examine({ ...claimed, bytes: '1' })).toBe('damaged');
      await overwrite(claimed.name, Buffer.alloc(passport.length, 'x'));
      expect(await store.has(claimed)).toBe(true);
      expect(await store.examine(claimed)).toBe('damaged');
    });

    test('that failed to come whole is not kept', async () => {
      const reason = new Error('the vendor broke off');
      const broken = store.put(claimed.name, async (sink) => {
        await sink(passport);
        throw reason;
      });
      await expect(broken).rejects.toBe(reason);
      expect(await namesIn(store)).toEqual([]);
      expect(await put(claimed.name)).toEqual(claimed);
    });

    test('is written once: a second one of its name is refused, and the first stays', async () => {
      await put(claimed.name);
      await expect(put(claimed.name, Buffer.from('another'))).rejects.toMatchObject({ code: 'storage_conflict' });
      await expect(put(claimed.name)).rejects.toMatchObject({ code: 'storage_conflict' });
      expect(await store.examine(claimed)).toBe('stored');
    });

    test('that was removed is gone, removing it again is no error, and its name is free', async () => {
      await put(claimed.name);
      await store.remove(claimed.name);
      await store.remove(claimed.name);
      expect(await store.has(claimed)).toBe(false);
      expect(await namesIn(store, '', { everyVersion: true })).toEqual([]);
      expect(await put(claimed.name)).toEqual(claimed);
    });

    test('is removed with all others whose names begin as is said, and no others', async () => {
      for (const name of ['a/b.c', 'a/b.d', 'a/bc', 'b']) await put(name);
      await store.removeUnder('a/b.');
      await store.removeUnder('a/b.');
      expect(await namesIn(store, '', { everyVersion: true })).toEqual(['a/bc', 'b']);
    });

    test('is removed alone, whatever begins with its name', async () => {
      for (const name of ['a', 'a.b', 'ab', 'b']) await put(name);
      await store.remove('a');
      expect(await namesIn(store, '', { everyVersion: true })).toEqual(['a.b', 'ab', 'b']);
    });
  });

  test('objects are listed by the beginning of their names, with when they were written', async () => {
    const beforeMs = Date.now() - 60_000;
    for (const name of ['documents/1/a', 'documents/12/a', 'erasures/1']) await put(name);
    expect(await namesIn(store, 'documents/1')).toEqual(['documents/1/a', 'documents/12/a']);
    expect(await namesIn(store, 'documents/1/')).toEqual(['documents/1/a']);
    expect(await namesIn(store, 'nothing')).toEqual([]);
    for await (const { writtenAtMs } of store.list('')) {
      expect(await writtenAtMs()).toBeGreaterThan(beforeMs);
      expect(await writtenAtMs()).toBeLessThan(Date.now() + 60_000);
    }
  });

  test('the marker says which store it is, and is no object', async () => {
    const id = randomUUID();
    expect(await store.marker()).toBeUndefined();
    await store.mark(id);
    await store.mark(id);
    expect(await store.marker()).toBe(id);
    expect(await namesIn(store)).toEqual([]);
    await overwrite('store.json', Buffer.from('{}'));
    await expect(store.marker()).rejects.toMatchObject({ code: 'store_mismatch' });
  });

  test('everything is told at any depth, what is none of ours first, with what it begins with', async () => {
    const long = Buffer.alloc(20_000, 7);
    for (const name of ['00/own', 'erasures/order', 'old/deep/scan', '00/deep/scan', 'scan']) await put(name, long);
    const found = [];
    for await (const { name, begin } of store.everything()) found.push({ name, begin: await begin() });
    const names = found.map(({ name }) => name);
    expect(names.toSorted()).toEqual(['00/deep/scan', '00/own', 'erasures/order', 'old/deep/scan', 'scan']);
    expect(names.indexOf('old/deep/scan')).toBeLessThan(names.indexOf('00/own'));
    for (const { begin } of found) expect(begin).toEqual(long.subarray(0, 8_192));
  });

  test('a probe leaves nothing behind', async () => {
    await store.probe();
    expect(await namesIn(store, '', { everyVersion: true })).toEqual([]);
  });
}
