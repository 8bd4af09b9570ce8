import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { putOnce } from '../../src/jobs/custody/orders.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { s3Store } from '../../src/store/s3-store.ts';
import { namesIn, storeContract } from '../support/store-contract.ts';
import { bareClient, type Bucket, credentialsInEnvironment, ownAddress, putText, refusal } from './support.ts';

credentialsInEnvironment();

describe.each<Bucket>(['plain', 'versioned'])('a store in a bucket that is %s', (bucket) => {
  storeContract(() => {
    const address = ownAddress(bucket);
    const overwrite = async (name: string, content: Buffer) => {
      await bareClient().putObject({ Bucket: bucket, Key: address.prefix + name, Body: content });
    };
    return Promise.resolve({ store: s3Store(address), overwrite });
  });

  test('is listed to its end, a page at a time', async () => {
    const store = s3Store(ownAddress(bucket));
    const names = Array.from({ length: 1_003 }, (_, place) => `n/${String(place).padStart(4, '0')}`);
    for (let at = 0; at < names.length; at += 40)
      await Promise.all(names.slice(at, at + 40).map((name) => putText(store, name, name)));
    expect(await namesIn(store, 'n/')).toEqual(names);
    expect(await namesIn(store, 'n/', { everyVersion: true })).toEqual(names);
  });

  test('belongs to whoever marked it first', async () => {
    const address = ownAddress(bucket);
    const ids = [randomUUID(), randomUUID()] as const;
    await s3Store(address).mark(ids[0]);
    await refusal(s3Store(address).mark(ids[1]), 'store_mismatch');
    expect(await s3Store(address).marker()).toBe(ids[0]);
  });

  test('unfinished uploads go with their object, and those of others once they are old', async () => {
    const address = ownAddress(bucket);
    const store = s3Store(address);
    const s3 = bareClient();
    const begin = (name: string) => s3.createMultipartUpload({ Bucket: bucket, Key: address.prefix + name });
    const unfinished = async () =>
      ((await s3.listMultipartUploads({ Bucket: bucket, Prefix: address.prefix })).Uploads ?? [])
        .map(({ Key = '' }) => Key.slice(address.prefix.length))
        .sort();
    for (const name of ['a', 'ab', 'b']) await begin(name);
    const shown: (string | undefined)[] = [];
    for await (const { name } of store.unfinished()) shown.push(name);
    expect(shown.sort()).toEqual(['a', 'ab', 'b']);
    await store.remove('a');
    expect(await unfinished()).toEqual(['ab', 'b']);
    await store.removeStale(Date.now());
    expect(await unfinished()).toEqual(['ab', 'b']);
    await store.removeStale(Date.now() + 3_700_000);
    expect(await unfinished()).toEqual([]);
  });

  test('test objects of killed workers are no objects, and go once they are old', async () => {
    const address = ownAddress(bucket);
    const store = s3Store(address);
    const Key = `${address.prefix}probes/left-behind`;
    await bareClient().putObject({ Bucket: bucket, Key, Body: Buffer.of(1) });
    expect(await namesIn(store)).toEqual([]);
    const isThere = () =>
      bareClient()
        .listObjectVersions({ Bucket: bucket, Prefix: Key })
        .then(({ Versions = [] }) => Versions.length);
    await store.removeStale(Date.now());
    expect(await isThere()).toBe(1);
    await store.removeStale(Date.now() + 3_700_000);
    expect(await isThere()).toBe(0);
  });
});

describe('several who store under one name at once', () => {
  async function race(address: ReturnType<typeof ownAddress>): Promise<{ stored: string[]; store: ObjectStore }> {
    const texts = Array.from({ length: 8 }, (_, place) => `of worker ${place}`);
    const results = await Promise.allSettled(texts.map((text) => putText(s3Store(address), 'passport', text)));
    for (const one of results)
      if (one.status === 'rejected') await refusal(Promise.reject(one.reason as Error), 'storage_conflict');
    return { stored: texts.filter((_, place) => results[place]!.status === 'fulfilled'), store: s3Store(address) };
  }

  test('one of them has stored it', async () => {
    const { stored, store } = await race(ownAddress('plain'));
    expect(stored).toHaveLength(1);
    expect((await buffer(await store.get('passport'))).toString()).toBe(stored[0]);
  });

  test('with versions one of them has, or none and the name is free', async () => {
    const { stored, store } = await race(ownAddress('versioned'));
    expect(stored.length).toBeLessThanOrEqual(1);
    if (stored.length === 0) await putText(store, 'passport', (stored[0] = 'later'));
    expect((await buffer(await store.get('passport'))).toString()).toBe(stored[0]);
    await store.remove('passport');
    expect(await namesIn(store, '', { everyVersion: true })).toEqual([]);
  });

  test.each<Bucket>(['plain', 'versioned'])(
    '%s: what each would write alike is there, and nobody is refused',
    async (bucket) => {
      const address = ownAddress(bucket);
      for (let order = 0; order < 20; order += 1)
        await Promise.all([1, 2].map(() => putOnce(s3Store(address), `erasures/${order}.json`, { order })));
      expect(await namesIn(s3Store(address), '', { everyVersion: true })).toHaveLength(20);
    },
  );
});

test.each<Bucket>(['plain', 'versioned'])(
  '%s: nobody who marks it alike is told that it is of others',
  async (bucket) => {
    for (let round = 0; round < 20; round += 1) {
      const [address, id] = [ownAddress(bucket), randomUUID()];
      const results = await Promise.allSettled([1, 2].map(() => s3Store(address).mark(id)));
      for (const one of results)
        if (one.status === 'rejected') await refusal(Promise.reject(one.reason as Error), 'storage_conflict');
    }
  },
);

test('older versions and marks of deletions go with their object', async () => {
  const address = ownAddress('versioned');
  const store = s3Store(address);
  const s3 = bareClient();
  const Key = `${address.prefix}passport`;
  for (const text of ['first', 'second']) await s3.putObject({ Bucket: 'versioned', Key, Body: text });
  await s3.deleteObject({ Bucket: 'versioned', Key });
  await s3.putObject({ Bucket: 'versioned', Key, Body: 'third' });
  await s3.deleteObject({ Bucket: 'versioned', Key });
  expect(await namesIn(store)).toEqual([]);
  expect(await namesIn(store, 'pass', { everyVersion: true })).toEqual(['passport']);
  await store.remove('passport');
  const { Versions = [], DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket: 'versioned', Prefix: Key });
  expect([...Versions, ...DeleteMarkers]).toEqual([]);
  expect(await namesIn(store, '', { everyVersion: true })).toEqual([]);
});
