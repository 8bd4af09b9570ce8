import { Redis } from 'ioredis';
import { describe, expect, test as sequentialTest } from 'vitest';
import { drained, timeout, transactions, whileWorking } from './support-kills.ts';
import { createWorld, enqueueAll, faultsInBooks, isFull, seeds } from './world.ts';

/** The short versions mostly wait, for locks to expire and servers to come back: side by side they take less long. */
const test = isFull ? sequentialTest : sequentialTest.concurrent;

describe.each(seeds(1, 2, 3))('seed %i', (seed) => {
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
