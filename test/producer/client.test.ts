import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { sweep } from '../../src/jobs/queue/sweep.ts';
import { atEnd, createTestContext, createTestDatabase } from '../support/books.ts';
import { connect, known, noRedis, openTestProducer } from './support.ts';

const ids = [{ transactionId: 't-1', resultId: 'r-1' }, { transactionId: 't-2' }];

/** A producer, and a connection of the program that has it. */
async function open() {
  const { producer, databaseUrl } = await openTestProducer();
  return { producer, client: await connect(databaseUrl), others: await connect(databaseUrl) };
}

test('rows are there when the caller commits, and are gone when he rolls back', async () => {
  const { producer, client, others } = await open();
  await client.query('begin');
  expect(await producer.enqueue(ids, { client })).toEqual({
    accepted: 2,
    alreadyKnown: 0,
    rejected: [],
    isQueued: false,
  });
  expect(await known(others)).toEqual([]);
  await client.query('rollback');
  expect(await known(others)).toEqual([]);
  await client.query('begin');
  await producer.enqueue(ids, { client });
  expect(await producer.enqueue(ids, { client })).toMatchObject({ accepted: 0, alreadyKnown: 2 });
  await client.query('commit');
  expect(await known(others)).toHaveLength(2);
});

test('the sweep finds it as soon as it is committed, and not before', async () => {
  const context = await createTestContext();
  const { databaseUrl = '' } = context.config;
  const { producer } = await openTestProducer({ databaseUrl, redisUrl: noRedis });
  const client = await connect(databaseUrl);
  await client.query('begin');
  await producer.enqueue(ids, { client });
  expect(await sweep(context)).toBe(0);
  await client.query('commit');
  expect(await sweep(context)).toBe(2);
  expect(await context.queues.counts('result')).toMatchObject({ waiting: 2 });
});

test('more than a batch is one transaction', async () => {
  const { producer, client, others } = await open();
  const many = Array.from({ length: 1_100 }, (_, index) => ({ transactionId: `t-${index}` }));
  await client.query('begin');
  expect(await producer.enqueue(many, { client })).toMatchObject({ accepted: 1_100 });
  expect(await known(others)).toEqual([]);
  await client.query('commit');
  expect(await known(others)).toHaveLength(1_100);
});

test("tables of the caller's own are left alone, and his search_path is as before", async () => {
  const { producer, client, others } = await open();
  await client.query('create temporary table transactions (id text); create temporary table obligations (id text)');
  await client.query('begin');
  await client.query("set local search_path = pg_temp, 'nowhere'");
  const [first, second] = await Promise.all([
    producer.enqueue([{ transactionId: 't-1' }], { client }),
    producer.enqueue([{ transactionId: 't-2' }], { client }),
  ]);
  expect([first.accepted, second.accepted]).toEqual([1, 1]);
  const { rows } = await client.query(
    `select current_setting('search_path') as path, (select count(*)::int from pg_temp.transactions) as rows`,
  );
  expect(rows).toEqual([{ path: 'pg_temp, nowhere', rows: 0 }]);
  await client.query('commit');
  expect((await known(others)).map(({ id }) => id)).toEqual(['t-1', 't-2']);
});

test('a client without a transaction, and a pool, are refused, and write nothing', async () => {
  const { producer, databaseUrl } = await openTestProducer();
  const client = await connect(databaseUrl);
  const pool = new pg.Pool({ connectionString: databaseUrl });
  atEnd(() => pool.end());
  for (const given of [client, pool])
    await expect(producer.enqueue(ids, { client: given })).rejects.toMatchObject({ code: 'input_invalid' });
  expect(await known(client)).toEqual([]);
});

test('a transaction that has failed, and a closed client, are said to be', async () => {
  const { producer, client } = await open();
  await client.query('begin');
  await expect(client.query('select 1 / 0')).rejects.toThrow();
  await expect(producer.enqueue(ids, { client })).rejects.toMatchObject({ code: 'input_invalid' });
  await client.query('rollback');
  await client.end();
  await expect(producer.enqueue(ids, { client })).rejects.toMatchObject({ code: 'database_unavailable' });
});

test('a client of another database is refused, also of one with books', async () => {
  const { producer } = await open();
  for (const url of [inject('ownerUrl'), await createTestDatabase()]) {
    const client = await connect(url);
    await client.query('begin');
    await expect(producer.enqueue(ids, { client })).rejects.toMatchObject({ code: 'database_misconfigured' });
    await client.query('rollback');
  }
});

test('a role without the rights is told so', async () => {
  const { producer, client } = await open();
  const admin = await connect(inject('adminUrl'));
  const role = `shop_${process.pid}_${Date.now()}`;
  await admin.query(`create role ${role}; grant ${role} to ${await roleOf(client)}`);
  atEnd(() => admin.query(`drop role ${role}`));
  await client.query('begin');
  await client.query(`set local role ${role}`);
  await expect(producer.enqueue(ids, { client })).rejects.toMatchObject({ code: 'database_forbidden' });
  await client.query('rollback');
});

async function roleOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ role: string }>('select current_user as role');
  return rows[0]!.role;
}
