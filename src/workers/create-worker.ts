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

/** The one place of what BullMQ is told: options, locks, delays and ends. */
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
    // A killed worker's jobs are taken up by others within about 16 s.
    lockDuration: 10_000,
    stalledInterval: 3_000,
    // After a lost connection, which commands that need no answer wait for by themselves.
    runRetryDelay: 3_000,
    // In seconds: how long one question for jobs waits. Less than a socket may stay silent.
    drainDelay: 10,
    // Postgres counts starts, those of each kind of work in a job; the queue must not give up before it.
    maxStalledCount: 2 * maxStarts,
    // Needed for pauses by Retry-After; no limit by itself.
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
  // What BullMQ calls a rate limit goes back to the queue without using an attempt.
  if (error instanceof TryAgain && !error.counts) throw new RateLimitError();
  throw error;
}
