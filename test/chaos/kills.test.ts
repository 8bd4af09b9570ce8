import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../support/books.ts';
import { drained, timeout, transactions, whileWorking } from './support-kills.ts';
import { createWorld, enqueueAll, faultsInBooks, isFull, seededRandom, seeds } from './world.ts';

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
});
