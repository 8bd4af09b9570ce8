import { setTimeout as delay } from 'node:timers/promises';
import type { Job, Worker } from 'bullmq';
import type { RedisClient } from '../redis/connect.ts';
import { asDatabaseError, isDatabaseAway, meetsAll } from '../db/errors.ts';
import { forgiveStarts, type ObligationKey, pendingWork } from '../db/obligations.ts';
import { failReport, isReportDue, reportRuns } from '../db/report-runs.ts';
import type { ObligationKind } from '../db/schema.ts';
import { errorTable } from '../error-table.ts';
import { errorCode, type LedgerError } from '../errors.ts';
import { noteRules } from '../jobs/month/closed-months.ts';
import { type NotifyingContext, type VendorContext, wantedJobs, wantedKinds } from '../jobs/context.ts';
import { sayDatabaseAway } from '../jobs/database-away.ts';
import { fetchAuditReport } from '../jobs/fetch-audit-report.ts';
import { fetchDocuments } from '../jobs/fetch-documents.ts';
import { fetchResult } from '../jobs/fetch-result.ts';
import { type Meter, noMeter } from '../jobs/meter.ts';
import { parseReportWake, queueNames } from '../jobs/queues.ts';
import { recheckSettled } from '../jobs/recheck-settled.ts';
import { scheduleReports } from '../jobs/month/schedule-reports.ts';
import type { Checks } from '../jobs/shared-check.ts';
import { sweep } from '../jobs/sweep.ts';
import { checkOpenStore } from '../store/store.ts';
import { createBreaker, noBreaker } from './breaker.ts';
import { createWorker, type WorkerSetup } from './create-worker.ts';
import { misconfigured, refusalOf } from '../redis/refusal.ts';
import { createSeldom } from '../seldom.ts';
import { startHeartbeat } from './heartbeat.ts';
import { createHolds, type Holds } from './holds.ts';
import { createIsolation } from './isolation.ts';
import { collectLate } from './memory.ts';
import { createPauses } from './pauses.ts';
import { type DatabaseAway, jobProcessor, type Watch } from './process-job.ts';
import { workerChecks } from './readiness.ts';
import { createStoreWatch, noStoreWatch, type StoreWatch } from './store-watch.ts';
import { createTally, type Tally } from './tally.ts';

const sweepIntervalMs = 2_000;
const scheduleIntervalMs = 60_000;
const notifyIntervalMs = 10_000;
const idleCheckIntervalMs = 250;

const performs = { result: fetchResult, documents: fetchDocuments, audit_report: fetchAuditReport };

export type RunningWorkers = {
  readonly tally: Tally;
  /** Whether work can be done, by what it needs: Postgres, Redis, and that the sweep comes round. */
  readonly checks: Checks;
  /** Resolves when nothing is due and nothing is being done; with what is due later. */
  readonly idle: (signal: AbortSignal) => Promise<{ nextDueAt: Date | null }>;
  /** Takes no new job, lets the running ones finish, and gives up waiting at the deadline. */
  readonly stop: (deadlineMs: number) => Promise<void>;
};

/**
 * Starts a worker per queue and the sweep; for lasting service also the report schedule and the breaker.
 *
 * @param isBatch whether the run shall end when nothing is left to do: then it writes no reports that nobody asked for,
 * and a vendor that is down ends in failures rather than in waiting.
 * @param redis is duplicated for every worker; it stays the caller's.
 */
export function runWorkers(
  context: VendorContext,
  { redis, prefix, isBatch, meter = noMeter }: { redis: RedisClient; prefix: string; isBatch: boolean; meter?: Meter },
): RunningWorkers {
  collectLate();
  const tally = createTally();
  const holds = createHolds((error) => context.log.warn({ err: error }, 'a worker did not pause'));
  const watch = {
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
  const checks = workerChecks(context, () => sweptAtMs);
  const counted = (process: (job: Job) => Promise<void>) => async (job: Job) => {
    active += 1;
    try {
      await process(job);
    } finally {
      active -= 1;
    }
  };
  const fileWorkers: Worker[] = [];
  const workers = createWorkers(context, watch, counted, { redis, prefix });
  fileWorkers.push(...workers.filter(({ name }) => name === queueNames.files));
  const pauses = createPauses(context, holds, stopping.signal);
  for (const worker of workers) pauses.guard(worker);
  const repeat = repeating(context);
  const noted = new AbortController();
  const rechecked = new AbortController();
  const loops = [
    repeat('note of the rules', sweepIntervalMs, AbortSignal.any([stopping.signal, noted.signal]), async () => {
      await noteRules(context);
      noted.abort();
    }),
    repeat('sweep', sweepIntervalMs, stopping.signal, async () => {
      await noteEnds(context, watch.unnotedEnds);
      meter.swept(await sweep(context, stopping.signal));
      sweptAtMs = performance.now();
    }),
    rechecking(context, repeat, isBatch, { stopping: stopping.signal, rechecked }),
    ...(!isBatch
      ? [
          repeat('report schedule', scheduleIntervalMs, stopping.signal, () => scheduleReports(context)),
          notifying(context, repeat, stopping.signal).catch((error: unknown) => {
            context.log.error({ err: error, code: errorCode(error) }, 'nobody is notified until the next start');
          }),
        ]
      : []),
  ];
  const endHeartbeat = startHeartbeat(context, checks, () => active);
  return {
    tally,
    checks,
    idle: (signal) => untilIdle(context, () => (rechecked.signal.aborted ? active : active + 1), watch, signal),
    stop: async (deadlineMs) => {
      stopping.abort();
      const closed = Promise.allSettled([...workers.map((worker) => worker.close()), ...loops, watch.store.end()]);
      const isClosed = await Promise.race([closed.then(() => true), delay(deadlineMs, false, { ref: false })]);
      if (!isClosed) context.log.warn({ active }, 'stopped before all work had ended; it will be done again');
      await endHeartbeat();
    },
  };
}

type Counted = (process: (job: Job) => Promise<void>) => (job: Job) => Promise<void>;

/** A worker for each queue. */
function createWorkers(
  context: VendorContext,
  watch: Watch,
  counted: Counted,
  connection: Pick<WorkerSetup, 'redis' | 'prefix'>,
): Worker[] {
  const concurrency = context.config.workerConcurrency;
  const workers = wantedJobs(context.config).map(({ job, kinds }) =>
    createWorker(context, job, counted(jobProcessor(context, kinds, performs, watch)), { ...connection, concurrency }),
  );
  const reports = createWorker(context, 'report', counted(reportProcessor(context)), { ...connection, concurrency: 1 });
  return [...workers, reports];
}

/** Work whose end could not be noted when it ended did not kill its worker. */
async function noteEnds({ db }: VendorContext, unnoted: ObligationKey[]): Promise<void> {
  const ended = [...unnoted];
  if (ended.length > 0) await forgiveStarts(db.kysely, ended);
  unnoted.splice(0, ended.length);
}

/** Of this process alone: another machine's disk is its own. */
function storeWatchOf(
  { store, log }: VendorContext,
  { hold, release }: Holds,
  fileWorkers: () => readonly Worker[],
): StoreWatch {
  if (!store) return noStoreWatch;
  const onEach = (act: Holds['hold']) => () => {
    for (const worker of fileWorkers()) act(worker, 'store');
  };
  return createStoreWatch({ check: () => checkOpenStore(store), pause: onEach(hold), resume: onEach(release), log });
}

/** A batch run makes due what is to be asked for again once, and is not idle before. */
const rechecking = (
  context: VendorContext,
  repeat: Repeat,
  isBatch: boolean,
  { stopping, rechecked }: { stopping: AbortSignal; rechecked: AbortController },
): Promise<void> =>
  repeat(
    'recheck of settled transactions',
    scheduleIntervalMs,
    isBatch ? AbortSignal.any([stopping, rechecked.signal]) : stopping,
    () => recheckSettled(context, stopping).finally(() => rechecked.abort()),
  );

/** A receiver that hangs keeps nobody from being noted, and what cannot be noted keeps nothing from being delivered. */
async function notifying(context: VendorContext, repeat: Repeat, signal: AbortSignal): Promise<void> {
  const { notifications } = context;
  if (!notifications) return;
  const teller: NotifyingContext = { ...context, notifications };
  const { checkThresholds, noteReports } = await import('../jobs/check-notifications.ts');
  const { deliverNotifications } = await import('../jobs/deliver-notifications.ts');
  await Promise.all([
    repeat('notifications of reports', notifyIntervalMs, signal, () => noteReports(teller)),
    repeat('check of thresholds', notifyIntervalMs, signal, () => checkThresholds(teller)),
    repeat('delivery of notifications', notifyIntervalMs, signal, () => deliverNotifications(teller, signal)),
  ]);
}

function reportProcessor(context: VendorContext): (job: Job) => Promise<void> {
  return async (job) => {
    const { period, generation } = parseReportWake(job.data);
    if (!(await isReportDue(context.db.kysely, period, generation))) return;
    try {
      const { writeReport } = await import('../jobs/month/write-report.ts');
      const { directory, lines } = await writeReport(context, period, { generation });
      context.log.info({ period, directory, attempts: String(lines.totals.attempts) }, 'report written');
    } catch (error) {
      // The report is due as before: nobody could note that it failed, and it has not.
      if (meetsAll(error)) {
        sayDatabaseAway(context.log, error);
        throw error;
      }
      const code = errorCode(error);
      const isLastTry = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
      const givesUp = errorTable[code].job === 'never' || (errorTable[code].job === 'retry' && isLastTry);
      await failReport(context.db.kysely, period, generation, code, givesUp);
      context.log.error({ err: error, code, period, givesUp }, 'report failed');
      throw error;
    }
  };
}

/** Runs `work` again and again; a failure is logged and the next round tries again. */
type Repeat = (name: string, intervalMs: number, signal: AbortSignal, work: () => Promise<unknown>) => Promise<void>;

/** All that is repeated tells of the same failure once in half a minute: when a server is away, it fails all of it. */
function repeating({ log, onRedisTrouble }: VendorContext): Repeat {
  const isToTell = createSeldom();
  return async (name, intervalMs, signal, work) => {
    while (!signal.aborted) {
      try {
        await work();
      } catch (thrown) {
        const error = asDatabaseError(thrown);
        const code = errorCode(error);
        if (code === 'queue_unavailable') onRedisTrouble(error);
        else if (isDatabaseAway(thrown)) sayDatabaseAway(log, thrown);
        else if (isToTell(`${name} ${code}`))
          log.warn({ err: error, code }, `${name} failed, next try in ${intervalMs / 1_000} s`);
      }
      await delay(intervalMs, undefined, { signal }).catch(() => undefined);
    }
  };
}

/** A server or a document store that is away or refuses is waited for this long before a batch run gives up. */
const patienceMs = 120_000;

async function untilIdle(
  context: VendorContext,
  activeJobs: () => number,
  { store, databaseAway }: Pick<Watch, 'store' | 'databaseAway'>,
  signal: AbortSignal,
): Promise<{ nextDueAt: Date | null }> {
  let answeredAtMs = performance.now();
  let wroteAtMs = performance.now();
  for (;;) {
    try {
      const { isIdle, nextDueAt } = await look(context, activeJobs);
      if (isIdle) return { nextDueAt };
      answeredAtMs = performance.now();
    } catch (thrown) {
      const error = asDatabaseError(thrown);
      if (performance.now() - answeredAtMs > patienceMs) throw error;
      sayDatabaseAway(context.log, error);
    }
    if (await context.redisHealth.isUsable()) wroteAtMs = performance.now();
    else if (performance.now() - wroteAtMs > patienceMs) throw waitedInVain(context.redisHealth.trouble());
    for (const trouble of [store.trouble(), ...databaseAway.values()])
      if (trouble && performance.now() - trouble.sinceMs > patienceMs) throw trouble.error;
    await delay(idleCheckIntervalMs, undefined, { signal });
  }
}

/** What a batch run has waited for long enough is for a person to put right. */
function waitedInVain(trouble: LedgerError | undefined): Error {
  const refusal = refusalOf(trouble?.cause);
  return refusal ? misconfigured(refusal, trouble) : (trouble ?? new Error('Redis does not answer.'));
}

async function look(context: VendorContext, activeJobs: () => number) {
  if (activeJobs() > 0) return { isIdle: false, nextDueAt: null };
  const { dueNow, nextDueAt } = await pendingWork(context.db.kysely, wantedKinds(context.config));
  const reports = (await reportRuns(context.db.kysely)).filter(({ dueAt }) => dueAt !== null);
  return { isIdle: dueNow === 0 && reports.length === 0 && activeJobs() === 0, nextDueAt };
}
