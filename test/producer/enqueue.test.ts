import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import { openProducer } from '../../src/producer/index.ts';
import type { TransactionIds } from '../../src/producer/index.ts';
import { atEnd, createEmptyDatabase, createTestDatabase } from '../support/books.ts';
import { connect, known, noRedis, openTestProducer } from './support.ts';

const uuid = 'ABCDEF01-2222-4333-8444-555555555555';

async function jobsOf(queuePrefix: string): Promise<number> {
  const redis = new Redis(inject('redisUrl'));
  try {
    return await redis.llen(`${queuePrefix}:results:wait`);
  } finally {
    await redis.quit();
  }
}

test('IDs are registered and counted as by the command, and workers are woken', async () => {
  const { producer, databaseUrl, queuePrefix } = await openTestProducer();
  const ids = [
    { transactionId: ` ${uuid} `, resultId: 'r-1' },
    { transactionId: uuid.toLowerCase() },
    { transactionId: 't-2', resultId: null },
    { transactionId: 't-2', resultId: 'r-2' },
    { transactionId: 't-2', resultId: 'another' },
    { transactionId: '' },
    { transactionId: 'no ID' },
    { transactionId: 't-3', resultId: 'no ID' },
  ];
  expect(await producer.enqueue(ids)).toEqual({
    accepted: 2,
    alreadyKnown: 2,
    rejected: [
      { index: 4, reason: 'the transaction is known with another result_id' },
      { index: 5, reason: 'transaction_id is empty' },
      { index: 6, reason: 'transaction_id is not an ID' },
      { index: 7, reason: 'result_id is not an ID' },
    ],
    isQueued: true,
  });
  expect(await known(await connect(databaseUrl))).toEqual([
    { id: uuid.toLowerCase(), resultId: 'r-1', source: 'library' },
    { id: 't-2', resultId: 'r-2', source: 'library' },
  ]);
  expect(await jobsOf(queuePrefix)).toBe(2);
  expect(await producer.enqueue(ids)).toMatchObject({ accepted: 0, alreadyKnown: 4 });
  expect(await jobsOf(queuePrefix)).toBe(2);
});

test('what is no pair of IDs is rejected at its place; any iterable is read', async () => {
  const { producer } = await openTestProducer();
  const given = [null, 'text', { transactionId: 7 }, { transactionId: 't-1', resultId: 7 }, { transactionId: 't-1' }];
  const answer = await producer.enqueue(new Set(given) as unknown as Iterable<TransactionIds>);
  expect(answer).toMatchObject({ accepted: 1, alreadyKnown: 0 });
  expect(answer.rejected.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  expect(new Set(answer.rejected.map(({ reason }) => reason)).size).toBe(1);
  // oxlint-disable-next-line typescript/require-await -- an asynchronous list
  async function* later() {
    yield { transactionId: 't-1' };
    yield { transactionId: 't-2' };
  }
  expect(await producer.enqueue(later())).toMatchObject({ accepted: 1, alreadyKnown: 1, rejected: [] });
  expect(await producer.enqueue([])).toEqual({ accepted: 0, alreadyKnown: 0, rejected: [], isQueued: true });
});

test('without Redis everything is registered, and said not to be queued', async () => {
  const { producer, databaseUrl } = await openTestProducer({ redisUrl: noRedis });
  const ids = Array.from({ length: 600 }, (_, index) => ({ transactionId: `t-${index}` }));
  expect(await producer.enqueue(ids)).toEqual({ accepted: 600, alreadyKnown: 0, rejected: [], isQueued: false });
  expect(await known(await connect(databaseUrl))).toHaveLength(600);
});

test('what a list throws is passed on; what was committed before stays', async () => {
  const { producer, databaseUrl } = await openTestProducer();
  const broken = new Error('the list broke off');
  function* breaking() {
    for (let index = 0; index < 300; index += 1) yield { transactionId: `t-${index}` };
    throw broken;
  }
  await expect(producer.enqueue(breaking())).rejects.toBe(broken);
  expect(await known(await connect(databaseUrl))).toHaveLength(250);
});

test.each([undefined, null, 't-1', { transactionId: 't-1' }])('%j is no list of IDs', async (given) => {
  const { producer } = await openTestProducer({ redisUrl: noRedis });
  await expect(producer.enqueue(given as unknown as [])).rejects.toMatchObject({ code: 'input_invalid' });
});

test('closed, it takes nothing', async () => {
  const { producer } = await openTestProducer();
  await producer.close();
  await producer.close();
  await expect(producer.enqueue([{ transactionId: 't-1' }])).rejects.toMatchObject({ code: 'interrupted' });
});

test.each([
  ['no options', {}],
  ['no Redis', { databaseUrl: 'postgres://127.0.0.1/books' }],
  ['no URL of Postgres', { databaseUrl: 'books', redisUrl: noRedis }],
  ['no URL of Redis', { databaseUrl: 'postgres://127.0.0.1:1/books', redisUrl: 'books' }],
  ['a prefix without braces', { databaseUrl: 'postgres://127.0.0.1/books', redisUrl: noRedis, queuePrefix: 'x' }],
  ['no connections', { databaseUrl: 'postgres://127.0.0.1/books', redisUrl: noRedis, maxConnections: 0 }],
])('is refused with %s', async (_, options) => {
  await expect(openProducer(options as never)).rejects.toMatchObject({ code: 'config_invalid' });
});

test('Postgres has to be there, with the books of this version', async () => {
  const open = (databaseUrl: string) => openProducer({ databaseUrl, redisUrl: noRedis });
  await expect(open('postgres://127.0.0.1:1/books')).rejects.toMatchObject({ code: 'database_unavailable' });
  const empty = await createEmptyDatabase();
  await expect(open(empty)).rejects.toMatchObject({ code: 'database_outdated' });
  const { rows } = await (await connect(empty)).query(`select to_regclass('transactions') as made`);
  expect(rows).toEqual([{ made: null }]);
});

test('a Postgres that goes away is an error with a code', async () => {
  const databaseUrl = await createTestDatabase();
  const { producer } = await openTestProducer({ databaseUrl });
  const admin = await connect(inject('adminUrl'));
  const name = new URL(databaseUrl).pathname.slice(1);
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
  await admin.query(`alter database ${name} rename to ${name}_away`);
  atEnd(() => admin.query(`alter database ${name}_away rename to ${name}`));
  await expect(producer.enqueue([{ transactionId: 't-1' }])).rejects.toMatchObject({
    code: 'database_unavailable',
  });
});
