import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { transactionIdOf } from '../ids.ts';

/** The upper limit of intake for Redis: adds the jobs of `enqueue` by `addBulk`, and nothing else. Prints its time. */
const { redisUrl, count } = JSON.parse(process.argv[2] ?? '{}') as { redisUrl: string; count: number };
const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
const queue = new Queue('results', { connection: redis, prefix: '{idscan-ledger}' });
await queue.waitUntilReady();
const startedMs = performance.now();
for (let first = 0; first < count; first += 1_000)
  await queue.addBulk(
    Array.from({ length: Math.min(1_000, count - first) }, (_, index) => ({
      name: 'result',
      data: { kind: 'result', transactionId: transactionIdOf(first + index), generation: 1 },
      opts: {
        attempts: 8,
        backoff: { type: 'custom' },
        removeOnComplete: true,
        removeOnFail: true,
        jobId: `t_${transactionIdOf(first + index)}_1`,
      },
    })),
  );
process.stdout.write(String(performance.now() - startedMs));
await queue.close();
redis.disconnect();
