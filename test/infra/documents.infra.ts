import { rename } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { startRedis } from '../support/redis-servers.ts';
import { campaign, furtherTest, test, workersOf } from './campaign.ts';
import { freePorts } from './processes.ts';
import { limitFiles, singleRedis } from './redis.ts';
import { createWork, startBatch } from './redis-support.ts';
import { createWorld, onePostgres } from './world.ts';

test('the disk of the documents is full', async () => {
  const [port = 0] = await freePorts(1);
  const { url: REDIS_URL } = await singleRedis('redis', port);
  const books = await onePostgres();
  const world = await createWorld({ REDIS_URL, DATABASE_URL: books.app, owner: books.owner }, books);
  const workers = workersOf(world);
  const limit = async (bytes: string) => {
    for (const { child } of workers) await limitFiles(child.pid ?? 0, bytes);
  };
  await campaign('Documents', 'disk full', world, () => ({
    // What is fetched is larger than that.
    begin: () => limit('100'),
    end: () => limit('unlimited'),
  }));
});

furtherTest('documents whose folder goes away, and stays away, end a batch run after two minutes', async () => {
  const work = await createWork((await startRedis()).url);
  await work.enqueue(60);
  const run = await startBatch(work.environment);
  const folder = path.join(work.environment.folder, 'data', 'documents');
  await rename(folder, `${folder}-away`);
  const { code, stderr } = await run.result;
  expect(stderr).toContain('"code":"store_mismatch"');
  expect(code, stderr).toBe(3);
});
