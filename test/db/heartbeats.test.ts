import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { beat, countWorkers, endHeartbeat, type Heartbeat, readWorkers } from '../../src/db/heartbeats.ts';
import { openTestDatabase } from '../support/books.ts';

const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const worker = (n: number, more: Partial<Heartbeat> = {}): Heartbeat => ({
  id: idOf(n),
  host: 'machine-1',
  pid: 100 + n,
  version: '1.2.3',
  redisUsable: true,
  storeErrorCode: null,
  activeJobs: 0,
  ...more,
});

/** Makes it as if a worker had last been heard of so long ago. */
const backdate = ({ kysely }: Database, n: number, seconds: number) =>
  sql`update worker_heartbeats set seen_at = now() - make_interval(secs => ${seconds}) where id = ${idOf(n)}`.execute(
    kysely,
  );

test('a worker is one row, however often it is heard of, with what it said last', async () => {
  const { kysely } = await openTestDatabase();
  await beat(kysely, worker(1));
  const [first] = (await readWorkers(kysely)).alive;
  await beat(kysely, worker(1, { redisUsable: false, activeJobs: 7 }));
  const { alive } = await readWorkers(kysely);
  expect(alive).toMatchObject([
    { host: 'machine-1', pid: 101, version: '1.2.3', redisUsable: false, activeJobs: 7, startedAt: first!.startedAt },
  ]);
  expect(alive[0]!.seenAt.getTime()).toBeGreaterThan(first!.seenAt.getTime());
});

test('a worker counts as alive for 30 s, by Postgres’ clock', async () => {
  const db = await openTestDatabase();
  for (const n of [1, 2, 3]) await beat(db.kysely, worker(n));
  await backdate(db, 1, 29);
  await backdate(db, 2, 31);
  expect((await readWorkers(db.kysely)).alive.map(({ pid }) => pid).sort()).toEqual([101, 103]);
  await beat(db.kysely, worker(3, { storeErrorCode: 'store_mismatch' }));
  expect(await countWorkers(db.kysely)).toEqual({ alive: 2, withoutStore: 1 });
});

test('one that ends in good order is gone at once, and none is left to be seen', async () => {
  const { kysely } = await openTestDatabase();
  expect(await readWorkers(kysely)).toEqual({ alive: [], lastSeenAt: null });
  await beat(kysely, worker(1));
  await endHeartbeat(kysely, idOf(1));
  expect(await readWorkers(kysely)).toEqual({ alive: [], lastSeenAt: null });
});

test('rows of those that were killed go after a day, a hundred with each beat, and never the own one', async () => {
  const db = await openTestDatabase();
  for (let n = 1; n <= 150; n += 1) await beat(db.kysely, worker(n));
  for (let n = 2; n <= 140; n += 1) await backdate(db, n, 24 * 3_600 + 60);
  await backdate(db, 1, 90_000);
  await backdate(db, 150, 23 * 3_600);
  const count = async () =>
    (await sql<{ n: number }>`select count(*)::int as n from worker_heartbeats`.execute(db.kysely)).rows[0]!.n;
  await beat(db.kysely, worker(1));
  expect(await count()).toBe(50);
  await beat(db.kysely, worker(1));
  expect(await count()).toBe(11);
  expect((await readWorkers(db.kysely)).alive).toHaveLength(10);
});

test('many at once are in nobody’s way', async () => {
  const db = await openTestDatabase();
  for (let n = 1; n <= 40; n += 1) await beat(db.kysely, worker(n));
  for (let n = 21; n <= 40; n += 1) await backdate(db, n, 90_000);
  await Promise.all(Array.from({ length: 40 }, (_, n) => beat(db.kysely, worker((n % 20) + 1))));
  expect((await countWorkers(db.kysely)).alive).toBe(20);
});
