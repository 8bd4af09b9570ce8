import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, test as sequentialTest } from 'vitest';
import { waitFor } from '../support/books.ts';
import {
  createWorld,
  doneWork,
  enqueueAll,
  faultsInBooks,
  isFull,
  openWork,
  seededRandom,
  seeds,
  type World,
} from './world.ts';

/** The short versions mostly wait, for locks to expire and servers to come back: side by side they take less long. */
const test = isFull ? sequentialTest : sequentialTest.concurrent;

const transactions = isFull ? 3_000 : 120;
const timeout = isFull ? 1_200_000 : 300_000;
/** With production settings: locks of killed workers expire, the sweep finds what nobody holds. */
const drainDeadlineMs = 60_000;

const drained = (world: World) => waitFor('all work done', async () => (await openWork(world)) === 0, drainDeadlineMs);

/** Spreads faults over the work: each comes once its share of all obligations is done, whatever the machine's speed. */
async function whileWorking(world: World, faults: number, fault: (index: number) => Promise<void>): Promise<void> {
  // A worker that finds no Postgres when it starts ends with a message; here all have started.
  await waitFor('workers at work', async () => (await doneWork(world)) >= 40, 60_000);
  const expectedWork = transactions * 2.5;
  for (let index = 0; index < faults; index += 1) {
    const due = Math.floor((expectedWork * index) / (faults + 2));
    await waitFor(
      'more work done',
      async () => (await doneWork(world)) >= due || (await openWork(world)) === 0,
      60_000,
    );
    await fault(index);
  }
}

describe.each(seeds(1, 2, 3))('seed %i', (seed) => {
  test('random kill -9 of workers: nothing lost, nothing doubled', { timeout }, async () => {
    const kills = isFull ? 200 : 6;
    const random = seededRandom(seed);
    const world = await createWorld({ seed, transactions, workers: 3 });
    await enqueueAll(world);
    world.fleet.start();
    await whileWorking(world, kills, async () => {
      await waitFor('a worker to kill', () => world.fleet.killOne(random()));
      await delay(random() * 100);
    });
    await waitFor('the last death', () => world.fleet.deaths() === kills);
    await drained(world);
    expect(await faultsInBooks(world)).toEqual([]);
    await world.fleet.end();
  });

  test(
    'Redis killed without persistence, flushed, replaced by an old snapshot: nothing lost, nothing doubled',
    { timeout },
    async () => {
      const faults = isFull ? 21 : 3;
      const world = await createWorld({ seed, transactions, workers: 2 });
      await enqueueAll(world);
      const restoreOld = await world.servers.snapshotRedis();
      world.fleet.start();
      await whileWorking(world, faults, async (index) => {
        if (index === Math.floor(faults / 2)) {
          await world.servers.kill('redis');
          await restoreOld();
          await world.servers.restart();
        } else if (index % 2 === 0) {
          await world.servers.kill('redis');
          await world.servers.forgetRedis();
          await world.servers.restart();
        } else {
          const redis = new Redis(world.environment.REDIS_URL);
          await redis.flushall();
          await redis.quit();
        }
      });
      await drained(world);
      expect(await faultsInBooks(world)).toEqual([]);
      expect(world.fleet.deaths()).toBe(0);
      await world.fleet.end();
    },
  );

  test(
    'Postgres stopped as by pg_ctl -m immediate, under load: nothing lost, nothing doubled, the workers live',
    { timeout },
    async () => {
      const faults = isFull ? 20 : 2;
      const world = await createWorld({ seed, transactions, workers: 2 });
      await enqueueAll(world);
      world.fleet.start();
      await whileWorking(world, faults, async () => {
        await world.servers.kill('postgres');
        await world.servers.restart();
      });
      await drained(world);
      expect(await faultsInBooks(world)).toEqual([]);
      expect(world.fleet.deaths()).toBe(0);
      await world.fleet.end();
    },
  );
});
