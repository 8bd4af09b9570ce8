import { describe, expect, test } from 'vitest';
import { resolveCreation } from '../../../src/db/creation-resolutions.ts';
import { possiblyCreated } from '../../../src/db/creations.ts';
import { LedgerError } from '../../../src/errors.ts';
import { createIdScanClient } from '../../../src/id-scan/index.ts';
import { waitFor } from '../../support/books.ts';
import { answered, creating, lost, scan } from './support-creating.ts';

const key = { idempotencyKey: 'order-1' };
const day = 86_400_000;

describe('a key', () => {
  test('is of one caller: another one with the same key gets a transaction of his own', async () => {
    const { create, rows } = await creating();
    const mine = await create({ ...key, askedBy: 'shop-a' });
    const theirs = await create({ ...key, askedBy: 'shop-b' });
    expect([mine.isNew, theirs.isNew]).toEqual([true, true]);
    expect(theirs.transactionId).not.toBe(mine.transactionId);
    expect((await create({ ...key, askedBy: 'shop-b' })).transactionId).toBe(theirs.transactionId);
    expect(await rows('select from creations')).toHaveLength(2);
  });

  test('gets the same transaction whatever the order of the fields', async () => {
    const { create, requests } = await creating();
    const first = await create({ ...key, wanted: { ...scan, locale: 'nl', settings: { a: 1, b: [{ c: 2, d: 3 }] } } });
    const again = await create({ ...key, wanted: { settings: { b: [{ d: 3, c: 2 }], a: 1 }, locale: 'nl', ...scan } });
    expect(again).toMatchObject({ transactionId: first.transactionId, url: first.url, isNew: false });
    await expect(create({ ...key, wanted: { ...scan, locale: 'de' } })).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
    await expect(create({ ...key, wanted: scan, browserOrigin: 'https://shop.example' })).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
    expect(requests).toHaveLength(1);
  });

  test('while its first call is running is told to wait, and then gets what that call got', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const { create, requests } = await creating(async () => {
      await promise;
      return answered('t-slow');
    });
    const first = create(key);
    await waitFor('the question', () => requests.length === 1);
    await expect(create(key)).rejects.toMatchObject({
      code: 'creation_under_way',
      fields: { retryAfterSeconds: expect.any(Number) as number },
    });
    resolve(undefined);
    const created = await first;
    expect(await create(key)).toEqual({ ...created, isNew: false });
    expect(requests).toHaveLength(1);
  });

  test('whose process died is under way for two minutes, then without an answer', async () => {
    const { create, rows } = await creating(() => new Promise(() => undefined));
    void create(key);
    await waitFor('the row', async () => (await rows('select from creations')).length === 1);
    await expect(create(key)).rejects.toMatchObject({ code: 'creation_under_way' });
    await rows(`update creations set asked_at = now() - interval '121 seconds'`);
    await expect(create(key)).rejects.toMatchObject({ code: 'creation_unanswered' });
  });

  test('gets no address that has expired', async () => {
    const { create, context, rows } = await creating(() => answered('t-1', day));
    await create(key);
    await rows(`update creations set asked_at = now() - interval '1 hour', expires_at = now() - interval '1 second'`);
    await expect(create(key)).rejects.toMatchObject({ code: 'creation_expired', fields: { transactionId: 't-1' } });
    expect(await possiblyCreated(context.db.kysely, 9)).toEqual([]);
  });

  test('gets the address also where the vendor’s clock is behind', async () => {
    const { create } = await creating(() => answered('t-1', -day));
    const { url } = await create(key);
    expect(await create(key)).toMatchObject({ url, isNew: false });
  });

  test('whose request was refused is free for another request', async () => {
    const { create, requests, rows } = await creating((_request, count) => {
      if (count === 1) throw new LedgerError('vendor_rejected', 'The vendor answered 400.');
      return answered('t-2');
    });
    await expect(create({ ...key, wanted: { ...scan, locale: 'xx', reference: 'a' } })).rejects.toMatchObject({
      code: 'vendor_rejected',
    });
    const right = { ...key, wanted: { ...scan, locale: 'nl', reference: 'b' } };
    expect(await create(right)).toMatchObject({ transactionId: 't-2', isNew: true });
    expect(await create(right)).toMatchObject({ transactionId: 't-2', isNew: false });
    expect(requests).toHaveLength(2);
    expect(await rows('select reference from transaction_references')).toEqual([{ reference: 'b' }]);
  });
});

test('what is sent is what was checked, also where the caller changes it meanwhile', async () => {
  const { create, requests } = await creating();
  const wanted = { ...scan, settings: { documentScan: { level: 'advanced' } } };
  const created = create({ wanted });
  wanted.settings.documentScan.level = 'none';
  await created;
  expect(requests).toEqual([{ ...scan, settings: { documentScan: { level: 'advanced' } } }]);
  const circle: Record<string, unknown> = { ...scan };
  circle['self'] = circle;
  await expect(create({ wanted: circle })).rejects.toMatchObject({ code: 'request_invalid' });
});

test.each([Infinity, NaN, () => 7, Symbol('x')])('%s would not be sent, and is refused', async (value) => {
  const { create, requests } = await creating();
  const settings = { documentScan: { allowedExpiration: value } };
  await expect(create({ wanted: { ...scan, settings } })).rejects.toMatchObject({ code: 'request_invalid' });
  expect(requests).toEqual([]);
});

test('an idempotency key is a text', async () => {
  const { create, requests } = await creating();
  await expect(create({ idempotencyKey: 5 as never })).rejects.toMatchObject({ code: 'request_invalid' });
  expect(requests).toEqual([]);
});

describe('a redirect', () => {
  test('is no refusal: it may be the answer to a creation', async () => {
    const { create, context } = await creating(() => {
      throw new LedgerError('vendor_redirect_refused', 'The vendor answered 303.');
    });
    await expect(create()).rejects.toMatchObject({ code: 'creation_unanswered' });
    expect(await possiblyCreated(context.db.kysely, 9)).toMatchObject([{ errorCode: 'vendor_redirect_refused' }]);
  });
});

describe('a broken connection', () => {
  const failing = (cause: Error) =>
    creating(() => {
      throw new LedgerError('vendor_unreachable', 'The vendor could not be reached.', { cause });
    });
  const failure = (code: string, syscall?: string) => Object.assign(new Error(code), { code, syscall });

  test.each([
    ['while connecting', failure('ECONNREFUSED', 'connect'), 'vendor_unreachable'],
    ['for want of a name', failure('ENOTFOUND', 'getaddrinfo'), 'vendor_unreachable'],
    ['while reading', failure('ENETUNREACH', 'read'), 'creation_unanswered'],
    ['while writing', failure('EHOSTUNREACH', 'write'), 'creation_unanswered'],
  ])('%s', async (_when, cause, code) => {
    const { create } = await failing(cause);
    await expect(create()).rejects.toMatchObject({ code });
  });

  test.each(['127.0.0.1', 'localhost'])('that never was, to %s, is said by the client of the vendor', async (host) => {
    const baseUrl = `http://${host}:9/id-scan/v1/`;
    const client = createIdScanClient({ baseUrl, keyId: 'k', keySecret: 'a secret that is long enough for HS256' });
    const { create, context } = await creating((request) => client.createTransaction(request));
    await expect(create()).rejects.toMatchObject({ code: 'vendor_unreachable' });
    expect(await possiblyCreated(context.db.kysely, 9)).toEqual([]);
    await client.close();
  });
});

describe('an answer without an address', () => {
  test('is in the books with its reference, and said to be without', async () => {
    const { create, context, rows } = await creating(() => ({ transactionId: 't-bare', url: null, expires: null }));
    const bare = { code: 'creation_without_address', fields: { transactionId: 't-bare' } };
    await expect(create({ ...key, wanted: { ...scan, reference: 'shop' } })).rejects.toMatchObject(bare);
    await expect(create({ ...key, wanted: { ...scan, reference: 'shop' } })).rejects.toMatchObject(bare);
    expect(await rows('select transaction_id, reference from transaction_references')).toEqual([
      { transaction_id: 't-bare', reference: 'shop' },
    ]);
    expect(await rows('select id from transactions')).toEqual([{ id: 't-bare' }]);
    expect(await possiblyCreated(context.db.kysely, 9)).toEqual([]);
  });
});

describe('looking after a creation', () => {
  async function withLost(count: number) {
    const set = await creating(lost);
    for (let index = 0; index < count; index += 1)
      await expect(
        set.create({ wanted: { ...scan, reference: `r-${index}` }, idempotencyKey: `order-${index}` }),
      ).rejects.toMatchObject({ code: 'creation_unanswered' });
    const { db } = set.context;
    const ids = (await possiblyCreated(db.kysely, 9)).map(({ id }) => id);
    const resolve = (id: string, transactionId: string | null) =>
      resolveCreation(db, id, { transactionId, by: 'anna', resolution: 'the portal' }, 0);
    return { ...set, ids, resolve };
  }

  test('that there is none of registers nothing', async () => {
    const { ids, resolve, rows } = await withLost(1);
    expect(await resolve('11111111-2222-4333-8444-555555555555', 't-x')).toBe('unknown');
    expect(await rows('select from transactions')).toEqual([]);
    expect(await resolve(ids[0]!, 't-x')).toBe('resolved');
    expect(await rows('select id from transactions')).toEqual([{ id: 't-x' }]);
    expect(await rows('select reference from transaction_references')).toEqual([{ reference: 'r-0' }]);
  });

  test('what was noted by mistake is put right, and all of it is kept', async () => {
    const { ids, resolve, rows, context } = await withLost(2);
    expect(await resolve(ids[1]!, 't-0')).toBe('resolved');
    expect(await resolve(ids[0]!, 't-0')).toEqual({ isOf: ids[1] });
    expect(await resolve(ids[1]!, 't-1')).toBe('resolved');
    expect(await resolve(ids[0]!, 't-0')).toBe('resolved');
    expect(await possiblyCreated(context.db.kysely, 9)).toEqual([]);
    expect(await rows('select transaction_id, resolved_by from creation_resolutions order by id')).toEqual(
      ['t-0', 't-1', 't-0'].map((transaction_id) => ({ transaction_id, resolved_by: 'anna' })),
    );
    expect(await rows('select id from transactions order by id')).toEqual([{ id: 't-0' }, { id: 't-1' }]);
    await expect(rows('delete from creation_resolutions')).rejects.toThrow(/creation_resolutions/);
  });

  test('is not for one that is answered or under way', async () => {
    const { create, context, rows } = await creating();
    await create();
    const [{ id } = { id: '' }] = (await rows('select id from creations')) as { id: string }[];
    const found = { transactionId: 't-x', by: 'anna', resolution: 'the portal' };
    expect(await resolveCreation(context.db, id, found, 0)).toBe('answered');
    await rows('update creations set transaction_id = null, url = null, answered_at = null');
    expect(await resolveCreation(context.db, id, found, 0)).toBe('under_way');
    expect(await rows('select from creation_resolutions')).toEqual([]);
  });

  test('two cannot be the same transaction', async () => {
    const { ids, resolve, context } = await withLost(2);
    expect(await resolve(ids[0]!, 't-x')).toBe('resolved');
    expect(await resolve(ids[1]!, 't-x')).toEqual({ isOf: ids[0] });
    expect((await possiblyCreated(context.db.kysely, 9)).map(({ id }) => id)).toEqual([ids[1]]);
  });

  test('the key is then answered by what somebody found out', async () => {
    const { ids, resolve, create } = await withLost(2);
    await resolve(ids[0]!, 't-x');
    await resolve(ids[1]!, null);
    const ask = (index: number) =>
      create({ wanted: { ...scan, reference: `r-${index}` }, idempotencyKey: `order-${index}` });
    await expect(ask(0)).rejects.toMatchObject({ code: 'creation_resolved', fields: { transactionId: 't-x' } });
    await expect(ask(1)).rejects.toMatchObject({
      code: 'creation_resolved',
      message: expect.stringContaining('nothing was created') as string,
    });
  });
});

test('a transaction that the vendor gives twice is of the first creation; the second one is to be looked after', async () => {
  const { create, context, logged } = await creating(() => answered('t-twice'));
  await create({ wanted: { ...scan, reference: 'a' } });
  await expect(create({ wanted: { ...scan, reference: 'b' } })).rejects.toMatchObject({
    code: 'creation_unanswered',
    fields: { transactionId: 't-twice' },
  });
  expect(await possiblyCreated(context.db.kysely, 9)).toMatchObject([
    { reference: 'b', errorCode: 'vendor_answer_mismatch' },
  ]);
  expect(logged).toMatchObject([{ transactionId: 't-twice', code: 'vendor_answer_mismatch' }]);
});
