import { PgBoss } from 'pg-boss';
import { openWork, peerInput } from './one-result.ts';

/**
 * The same work as jobs of pg-boss, configured for speed: fetched and completed in batches, without a pause while there
 * are more.
 */
const input = peerInput();
const batchSize = 25;
const boss = new PgBoss({ connectionString: input.databaseUrl, max: 10 });
boss.on('error', () => undefined);
await boss.start();
await boss.createQueue('results', { retryLimit: 8 });
for (let first = 0; first < input.count; first += 1_000)
  await boss.insert(
    'results',
    Array.from({ length: Math.min(1_000, input.count - first) }, (_, index) => ({ data: { index: first + index } })),
  );

const work = openWork(input);
let done = 0;
const all = Promise.withResolvers<undefined>();
await boss.work<{ index: number }>(
  'results',
  {
    batchSize,
    localConcurrency: Math.max(1, Math.round((2 * input.concurrency) / batchSize)),
    pollingIntervalSeconds: 0.5,
    burstWhenBatchFull: true,
  },
  async (jobs) => {
    await Promise.all(jobs.map(({ data }) => work.one(data.index)));
    done += jobs.length;
    if (done === input.count) all.resolve(undefined);
  },
);
await all.promise;
await boss.stop({ graceful: true, timeout: 10_000 });
await work.close();
