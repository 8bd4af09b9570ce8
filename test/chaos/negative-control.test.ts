import path from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { atEnd, waitFor } from '../support/books.ts';
import { appRole, asRole } from '../support/roles.ts';
import { createWorld, isFull, query, seededRandom, seeds } from './world.ts';

const transactions = isFull ? 3_000 : 400;
const kills = isFull ? 60 : 12;

test('the harness finds losses or doubles in a naive pipeline', { timeout: 600_000 }, async () => {
  const [seed = 1] = seeds(1);
  const random = seededRandom(seed);
  const world = await createWorld({
    seed,
    transactions,
    workers: 3,
    workerScript: path.join(import.meta.dirname, 'naive-worker.ts'),
  });
  await asRole(
    world.ownerUrl,
    `create table naive_attempts (transaction_id text, ordinal int, code text); grant select, insert on naive_attempts to ${appRole}`,
  );
  const redis = new Redis(world.environment.REDIS_URL, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  const queue = new Queue('naive', { connection: redis });
  queue.on('error', () => undefined);
  atEnd(async () => {
    await queue.close();
    redis.disconnect();
  });
  await queue.addBulk(
    world.simulator.transactions.map(({ transactionId }) => ({
      name: 'fetch',
      data: { transactionId },
      opts: { jobId: transactionId, attempts: 10, backoff: { type: 'exponential', delay: 100 } },
    })),
  );
  world.fleet.start();
  const stored = async (): Promise<number> =>
    Number(
      (await query<{ count: string }>(world, 'select count(distinct transaction_id) as count from naive_attempts'))[0]
        ?.count,
    );
  for (let index = 0; index < kills; index += 1) {
    const due = (transactions * 0.7 * index) / kills;
    await waitFor('more work done', async () => (await stored()) >= due, 60_000);
    if (index === kills - 2) {
      await world.servers.kill('redis');
      await world.servers.forgetRedis();
      await world.servers.restart();
      break;
    }
    world.fleet.killOne(random());
  }
  await waitFor(
    'the queue to be empty',
    async () => (await queue.getJobCountByTypes('waiting', 'active', 'delayed')) === 0,
    120_000,
  );
  await world.fleet.end();
  const rows = await query<{ transaction_id: string; ordinal: number; times: string }>(
    world,
    'select transaction_id, ordinal, count(*) as times from naive_attempts group by 1, 2',
  );
  const doubled = rows.filter(({ times }) => Number(times) > 1).length;
  const scans = world.simulator.invoice().lines.filter(({ taskType }) => taskType === 'document_scan');
  const found = new Set(rows.map((row) => `${row.transaction_id} ${row.ordinal}`));
  const lost = scans.filter(({ transactionId, attempt }) => !found.has(`${transactionId} ${attempt}`)).length;
  expect(lost + doubled, `${lost} lost, ${doubled} doubled`).toBeGreaterThan(0);
});
