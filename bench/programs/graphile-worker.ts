import { makeWorkerUtils, run } from 'graphile-worker';
import { openWork, peerInput } from './one-result.ts';

/** The same work as tasks of graphile-worker, configured for speed: its local queue, and batched completions. */
const input = peerInput();
const utils = await makeWorkerUtils({ connectionString: input.databaseUrl });
await utils.migrate();
for (let first = 0; first < input.count; first += 1_000)
  await utils.addJobs(
    Array.from({ length: Math.min(1_000, input.count - first) }, (_, index) => ({
      identifier: 'result',
      payload: { index: first + index },
      maxAttempts: 8,
    })),
  );
await utils.release();

const work = openWork(input);
let done = 0;
const all = Promise.withResolvers<undefined>();
const runner = await run({
  connectionString: input.databaseUrl,
  preset: {
    worker: {
      concurrentJobs: input.concurrency,
      maxPoolSize: 10,
      pollInterval: 1_000,
      localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
  noHandleSignals: true,
  taskList: {
    result: async (payload) => {
      await work.one((payload as { index: number }).index);
      done += 1;
      if (done === input.count) all.resolve(undefined);
    },
  },
});
await all.promise;
await runner.stop();
await work.close();
