import type { Job, Worker } from 'bullmq';
import type { RedisClient } from '../redis/connect.ts';
import type { ObligationKey } from '../db/obligations.ts';
import type { ObligationKind } from '../db/schema.ts';
import { type VendorContext, wantedJobs } from '../jobs/context.ts';
import { fetchAuditReport } from '../jobs/fetch/fetch-audit-report.ts';
import { fetchDocuments } from '../jobs/fetch/fetch-documents.ts';
import { fetchResult } from '../jobs/fetch/fetch-result.ts';
import { type Meter, noMeter } from '../jobs/queue/meter.ts';
import { queueNames } from '../jobs/queue/queues.ts';
import type { Checks } from '../jobs/queue/shared-check.ts';
import { createBreaker, noBreaker } from './breaker.ts';
import { createWorker, type WorkerSetup } from './create-worker.ts';
import { startHeartbeat } from './heartbeat.ts';
import { createHolds, type Holds } from './holds.ts';
import { createIsolation } from './isolation.ts';
import { startLoops } from './loops.ts';
import { collectLate } from './memory.ts';
import { createPauses } from './pauses.ts';
import { type DatabaseAway, jobProcessor, type WorkerState } from './process-job.ts';
import { reportProcessor } from './process-report.ts';
import { checkStoring, storeCheck, workerChecks } from './readiness.ts';
import { createStoreWatch, noStoreWatch, type StoreWatch } from './store-watch.ts';
import { createTally, type Tally } from './tally.ts';
import { untilIdle } from './until-idle.ts';
import { orAfter } from '../within.ts';

const performs = { result: fetchResult, documents: fetchDocuments, audit_report: fetchAuditReport };

export type RunningWorkers = {
  readonly tally: Tally;
  /** Whether this process can work, by what the work needs: Postgres, Redis, and a running sweep. */
  readonly checks: Checks;
  /** Resolves when nothing is due and nothing is running, with when the next obligation is due. */
  readonly idle: (signal: AbortSignal) => Promise<{ nextDueAt: Date | null }>;
  /** Takes no new job, lets running ones finish, and stops waiting at the deadline. */
  readonly stop: (deadlineMs: number) => Promise<void>;
};

/**
 * Starts a worker per queue, and the sweep. Unless it is a batch run, also starts the report schedule and the breaker.
 *
 * @param isBatch whether the run ends when nothing is left to do. Then it writes only requested reports, and if the
 * vendor is down, it ends with failures instead of waiting.
 * @param redis is duplicated for every worker. The caller keeps ownership.
 */
export function runWorkers(
  context: VendorContext,
  { redis, prefix, isBatch, meter = noMeter }: { redis: RedisClient; prefix: string; isBatch: boolean; meter?: Meter },
): RunningWorkers {
  collectLate();
  const tally = createTally();
  const holds = createHolds((error) => context.log.warn({ err: error }, 'a worker did not pause'));
  const state = {
    tally,
    meter,
    breaker: isBatch ? noBreaker : createBreaker(),
    isolation: createIsolation(),
    store: storeWatchOf(context, holds, () => fileWorkers),
    unnotedEnds: [] as ObligationKey[],
    databaseAway: new Map<ObligationKind, DatabaseAway>(),
  };
  const stopping = new AbortController();
  let active = 0;
  let sweptAtMs = performance.now();
  const storeError = context.documents && storeCheck({ db: context.db, documents: context.documents });
  const checks = workerChecks(context, storeError, () => sweptAtMs);
  const counted = (process: (job: Job) => Promise<void>) => async (job: Job) => {
    active += 1;
    try {
      await process(job);
    } finally {
      active -= 1;
    }
  };
  const workers = createWorkers(context, state, counted, { redis, prefix });
  const fileWorkers = workers.filter(({ name }) => name === queueNames.files);
  const pauses = createPauses(context, holds, stopping.signal);
  for (const worker of workers) pauses.guard(worker);
  const rechecked = new AbortController();
  const keptCustody = new AbortController();
  const loops = startLoops(context, state, {
    isBatch,
    stopping: stopping.signal,
    rechecked,
    keptCustody,
    swept: (work) => {
      meter.swept(work);
      sweptAtMs = performance.now();
    },
  });
  const store = storeError ?? (() => Promise.resolve(null));
  const endHeartbeat = startHeartbeat(context, { redis: checks.redis, store }, () => active);
  return {
    tally,
    checks,
    idle: (signal) =>
      untilIdle(
        context,
        () => active + [rechecked, keptCustody].filter(({ signal }) => !signal.aborted).length,
        state,
        signal,
      ),
    stop: async (deadlineMs) => {
      stopping.abort();
      const closed = Promise.allSettled([...workers.map((worker) => worker.close()), ...loops, state.store.end()]);
      const isClosed = await orAfter(
        deadlineMs,
        closed.then(() => true),
        false,
      );
      if (!isClosed) context.log.warn({ active }, 'stopped before all work had ended; it will be done again');
      await endHeartbeat();
    },
  };
}

type Counted = (process: (job: Job) => Promise<void>) => (job: Job) => Promise<void>;

/** A worker for each queue. */
function createWorkers(
  context: VendorContext,
  state: WorkerState,
  counted: Counted,
  connection: Pick<WorkerSetup, 'redis' | 'prefix'>,
): Worker[] {
  const concurrency = context.config.workerConcurrency;
  const workers = wantedJobs(context.config).map(({ job, kinds }) =>
    createWorker(context, job, counted(jobProcessor(context, kinds, performs, state)), { ...connection, concurrency }),
  );
  const reports = createWorker(context, 'report', counted(reportProcessor(context)), { ...connection, concurrency: 1 });
  return [...workers, reports];
}

/** Watches the store for this process alone: on another machine it may be usable. */
function storeWatchOf(
  { db, documents, log }: VendorContext,
  { hold, release }: Holds,
  fileWorkers: () => readonly Worker[],
): StoreWatch {
  if (!documents) return noStoreWatch;
  const onEach = (act: Holds['hold']) => () => {
    for (const worker of fileWorkers()) act(worker, 'store');
  };
  return createStoreWatch({
    check: () => checkStoring({ db, documents }),
    pause: onEach(hold),
    resume: onEach(release),
    log,
  });
}
