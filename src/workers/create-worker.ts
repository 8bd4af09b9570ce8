import { type Job, RateLimitError, UnrecoverableError, Worker } from 'bullmq';
import type { RedisClient } from '../redis/connect.ts';
import type { VendorContext } from '../jobs/context.ts';
import { backoffMs, maxStarts, queueNames, type QueueKind } from '../jobs/queue/queues.ts';
import { GivenUp, TryAgain } from './try-again.ts';

export type WorkerSetup = {
  readonly redis: RedisClient;
  readonly prefix: string;
  readonly concurrency: number;
};

/** The one place that configures BullMQ workers: options, locks, delays, and how jobs end. */
export function createWorker(
  context: VendorContext,
  kind: QueueKind,
  process: (job: Job) => Promise<void>,
  { redis, prefix, concurrency }: WorkerSetup,
): Worker {
  const worker = new Worker(queueNames[kind], (job) => process(job).catch(tellQueue), {
    connection: redis,
    prefix,
    concurrency,
    ...(context.tracing?.queues ? { telemetry: context.tracing.queues } : {}),
    // Other workers take over the jobs of a killed worker within about 16 s.
    lockDuration: 10_000,
    stalledInterval: 3_000,
    // The pause of the job loop after a connection error. ioredis reconnects by itself.
    runRetryDelay: 3_000,
    // How long one blocking request for jobs waits, in seconds. Less than a socket may stay silent (15 s).
    drainDelay: 10,
    // Postgres counts starts for each obligation of a job. BullMQ must not give up before Postgres does.
    maxStalledCount: 2 * maxStarts,
    // BullMQ pauses after a `RateLimitError` only if a limiter is set. This one never limits.
    limiter: { max: Number.MAX_SAFE_INTEGER - 1, duration: 1_000 },
    settings: {
      backoffStrategy: (attempts, _type, error) => (error instanceof TryAgain ? error.delayMs : backoffMs(attempts)),
    },
  });
  worker.on('error', context.onRedisTrouble);
  return worker;
}

function tellQueue(error: unknown): never {
  if (error instanceof GivenUp) throw new UnrecoverableError(error.message);
  // BullMQ puts a job with this error back into the queue without using up an attempt.
  if (error instanceof TryAgain && !error.counts) throw new RateLimitError();
  throw error;
}
