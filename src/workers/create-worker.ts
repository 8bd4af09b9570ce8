import { type Job, RateLimitError, UnrecoverableError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import {
  failObligation,
  forgiveStarts,
  hasUnfinishedStarts,
  type ObligationEnd,
  type ObligationKey,
  type Started,
  type Wake,
} from '../db/obligations.ts';
import type { ObligationKind } from '../db/schema.ts';
import { asDatabaseError } from '../db/database.ts';
import { errorCode, LedgerError } from '../errors.ts';
import type { VendorContext } from '../jobs/context.ts';
import type { Meter } from '../jobs/meter.ts';
import {
  backoffMs,
  leaseMs,
  maxAttempts,
  maxStarts,
  maxStartsInCompany,
  parseWake,
  queueNames,
  type QueueKind,
} from '../jobs/queues.ts';
import type { Breaker } from './breaker.ts';
import type { Isolation } from './isolation.ts';
import { failureOutcomes } from './outcomes.ts';
import type { Tally } from './tally.ts';

/** Does what a kind of obligation asks for, and notes its end in Postgres. */
export type Perform = (
  context: VendorContext,
  transactionId: string,
  started: Started,
) => Promise<ObligationEnd['end']>;

/** What all workers of a process tell of what happens. */
export type Watch = {
  readonly tally: Tally;
  readonly meter: Meter;
  readonly breaker: Breaker;
  readonly isolation: Isolation;
  /** Work that ended while Postgres was away, to be told once it is back. */
  readonly unnotedEnds: ObligationKey[];
};

export type WorkerSetup = {
  readonly redis: Redis;
  readonly prefix: string;
  readonly concurrency: number;
};

/** The one place that talks BullMQ's language: options, locks and special errors. */
export function createWorker(
  context: VendorContext,
  kind: QueueKind,
  process: (job: Job) => Promise<void>,
  { redis, prefix, concurrency }: WorkerSetup,
): Worker {
  const worker = new Worker(queueNames[kind], process, {
    connection: redis,
    prefix,
    concurrency,
    ...(context.tracing?.queues ? { telemetry: context.tracing.queues } : {}),
    // A killed worker's jobs are taken up by others within about 16 s.
    lockDuration: 10_000,
    stalledInterval: 3_000,
    // In seconds: how long one question for jobs waits. Less than a socket may stay silent.
    drainDelay: 10,
    // Postgres counts starts; the queue must not give up before it.
    maxStalledCount: maxStarts,
    // Needed for pauses by Retry-After; no limit by itself.
    limiter: { max: Number.MAX_SAFE_INTEGER - 1, duration: 1_000 },
    settings: { backoffStrategy: (attempts, _type, error) => retryDelays.get(error as object) ?? backoffMs(attempts) },
  });
  worker.on('error', (error) => context.log.warn({ err: error, queue: queueNames[kind] }, 'queue connection trouble'));
  return worker;
}

/** The delay that was noted in Postgres for a failure, so that the queue keeps to it. */
const retryDelays = new WeakMap<object, number>();

/**
 * Turns a job into work on an obligation: starts it if Postgres agrees that it is due, performs it, and notes a failure
 * in Postgres before telling the queue.
 */
export function obligationProcessor(
  context: VendorContext,
  kind: ObligationKind,
  perform: Perform,
  watch: Watch,
): (job: Job) => Promise<void> {
  return async (job) => {
    const wake = parseWake(job.data);
    const log = context.log.child({ kind, transactionId: wake.transactionId });
    const begin = (maxUnfinished: number | null) => async (): Promise<boolean> => {
      const started = await context.writes.start({ wake, maxUnfinished });
      if (started) await run(context, wake, started, perform, { ...watch, log });
      return started !== undefined;
    };
    try {
      if (await watch.isolation.beside(begin(maxStartsInCompany))) return;
      if (await hasUnfinishedStarts(context.db.kysely, wake, maxStartsInCompany))
        await watch.isolation.alone(begin(null));
      else log.debug('not due any more');
    } catch (thrown) {
      const error = asDatabaseError(thrown);
      // Also where the start itself came to nothing: Postgres may have counted it and could not say so.
      if (errorCode(error) === 'database_unavailable')
        await forgiveStarts(context.db.kysely, [wake]).catch(() => watch.unnotedEnds.push(wake));
      throw error;
    }
  };
}

async function run(
  context: VendorContext,
  wake: Wake,
  started: Started,
  perform: Perform,
  watch: Watch & { log: VendorContext['log'] },
): Promise<void> {
  const { tally, breaker, log } = watch;
  const { kind, transactionId } = wake;
  try {
    if (started.starts > maxStarts)
      throw new LedgerError('worker_died', `This job's worker died ${maxStarts} times in a row.`, {
        hint: 'Look for what kills it, then reprocess the transaction.',
      });
    const end = await perform(context, transactionId, started);
    breaker.answered();
    tally.count(kind, end);
    log.debug({ end }, 'obligation ended');
  } catch (thrown) {
    const error = asDatabaseError(thrown);
    if (errorCode(error) === 'database_unavailable') throw error;
    await settleFailure(context, wake, started, error, watch);
  }
}

async function settleFailure(
  context: VendorContext,
  wake: Wake,
  started: Started,
  error: Error,
  { tally, meter, breaker, log }: Watch & { log: VendorContext['log'] },
): Promise<never> {
  const code = errorCode(error);
  const outagePauseMs = breaker.failed(code);
  const pauseMs = code === 'vendor_rate_limited' ? retryAfterMs(error) : outagePauseMs;
  const outcome = pauseMs === undefined ? failureOutcomes[code] : 'later';
  const delayMs = pauseMs ?? retryAfterMs(error) ?? backoffMs(started.attemptsMade + 1);
  const state = await failObligation(context.db.kysely, wake, started.fence, {
    code,
    counts: outcome !== 'later',
    final: outcome === 'never',
    maxAttempts,
    sweepAfterMs: delayMs + leaseMs,
  });
  if (state === 'failed') {
    tally.count(wake.kind, 'failed', code);
    log.error({ err: error, code, attempts: started.attemptsMade + 1 }, 'obligation failed');
    throw new UnrecoverableError(code);
  }
  tally.count(wake.kind, 'retried', code);
  meter.retried(wake.kind, code);
  log.warn({ err: error, code, attempt: started.attemptsMade + 1, delayMs }, 'will be tried again');
  if (pauseMs !== undefined) {
    meter.paused(code === 'vendor_rate_limited' ? 'rate_limited' : 'outage', pauseMs);
    await context.queues.pauseVendorCalls(pauseMs);
    throw new RateLimitError();
  }
  retryDelays.set(error, delayMs);
  throw error;
}

/** How long the vendor asked us to wait, if it did. */
function retryAfterMs(error: Error): number | undefined {
  const value = error instanceof LedgerError ? error.fields['retryAfterMs'] : undefined;
  return typeof value === 'number' ? value : undefined;
}
