import { type JobsOptions, Queue, type Telemetry } from 'bullmq';
import { z } from 'zod';
import type { Wake } from '../../db/obligations.ts';
import type { ObligationKind } from '../../db/schema.ts';
import { isPeriod } from '../../domain/billing-month.ts';
import type { LedgerError } from '../../errors.ts';
import { isReady, type RedisClient } from '../../redis/connect.ts';
import { asQueueError } from '../../redis/refusal.ts';

/**
 * Which obligations one job serves: what follows the result is fetched together. Listed in the order in which rows are
 * locked.
 */
export const jobKinds = {
  result: ['result'],
  files: ['audit_report', 'documents'],
} as const satisfies Record<string, readonly ObligationKind[]>;
export type JobKind = keyof typeof jobKinds;

export const queueNames = {
  result: 'results',
  files: 'files',
  report: 'reports',
} as const satisfies Record<JobKind | 'report', string>;
export type QueueKind = keyof typeof queueNames;

/**
 * Job data are IDs, never personal data, URLs or tokens. Postgres says which of the transaction's obligations are due.
 */
const wakePayload = z.strictObject({
  kind: z.enum(Object.keys(jobKinds) as JobKind[]),
  transactionId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/),
  generation: z.int().min(1),
});
type WakePayload = z.output<typeof wakePayload>;
const reportPayload = z.strictObject({
  period: z.string().refine(isPeriod),
  generation: z.int().min(1),
});
export type ReportWake = z.output<typeof reportPayload>;

/** Parsed on enqueue and on receipt. @throws ZodError for a payload that no producer of ours makes. */
export const parseWake = (data: unknown): WakePayload => wakePayload.parse(data);
export const parseReportWake = (data: unknown): ReportWake => reportPayload.parse(data);

/** Failed attempts before an obligation is parked as failed. With the backoff below they span about 50 s. */
export const maxAttempts = 8;
/** Unfinished starts in a row before a job counts as one that kills its worker. */
export const maxStarts = 5;

/** With more unfinished starts than this, a job runs alone in its process: it may be the one that kills workers. */
export const maxStartsInCompany = 1;
/** How long the sweep trusts that a queue still holds a job. */
export const leaseMs = 10_000;
/** With this many jobs waiting in a queue, what is due stays in Postgres until the queue has room. */
export const maxBacklog = 10_000;
/** With fewer jobs waiting in a queue, the sweep refills it, oldest obligations first. */
export const refillBelow = maxBacklog / 2;
/**
 * Some queues seem to hold everything already: they are half full, or have as many jobs as there are obligations due.
 * For them the sweep waits this long beyond the lease, because the job is most likely still waiting there. It does not
 * wait for ever, or newer work could keep a lost job out of the queue.
 */
export const longOverdueMs = 30_000;

/** Exponential backoff with jitter on its upper half: 0.5 s, 1 s, 2 s … capped at 30 s. */
export function backoffMs(attemptsMade: number, random: () => number = Math.random): number {
  const ceilingMs = Math.min(30_000, 500 * 2 ** Math.max(0, attemptsMade - 1));
  return Math.round(ceilingMs * (0.5 + random() / 2));
}

/** Postgres keeps how a job ended. Redis forgets it, because BullMQ ignores an `add` with the ID of a kept job. */
const jobOptions: JobsOptions = {
  attempts: maxAttempts,
  backoff: { type: 'custom' },
  removeOnComplete: true,
  removeOnFail: true,
};

const wakeJobId = ({ transactionId, generation }: WakePayload): string => `t_${transactionId}_${generation}`;
const reportJobId = ({ period, generation }: ReportWake): string => `r_${period}_${generation}`;

export type Queues = {
  /** Enqueues jobs. @throws LedgerError `queue_unavailable`; what is due then waits for the sweep. */
  readonly wake: (wakes: readonly Wake[]) => Promise<void>;
  readonly wakeReport: (wake: ReportWake) => Promise<void>;
  /** Enqueues jobs for new work, except into queues that are full: that work is left to the sweep. */
  readonly wakeForNew: (wakes: readonly Wake[]) => Promise<void>;
  /** Jobs of one kind: `waiting` ones, and `jobs`, which adds those being worked on. Delayed jobs are in neither. */
  readonly counts: (kind: JobKind) => Promise<{ waiting: number; jobs: number }>;
  /** How many jobs there are on a transaction's files, of generations up to this one. */
  readonly fileJobs: (transactionId: string, upTo: number) => Promise<number>;
  /** Stops all workers for a while from taking jobs that call the vendor. */
  readonly pauseVendorCalls: (durationMs: number) => Promise<void>;
  /** Why the last call failed; `undefined` = it did not fail. */
  readonly trouble: () => LedgerError | undefined;
  /** The BullMQ queues, for the operators' page. */
  readonly all: readonly Queue[];
  readonly close: () => Promise<void>;
};

/** Opens the producers' side of all queues on one connection. The caller keeps ownership of the connection. */
export function openQueues(
  redis: RedisClient,
  prefix: string,
  onError: (error: Error) => void,
  telemetry?: Telemetry,
): Queues {
  const open = (kind: QueueKind) => {
    const queue = new Queue(queueNames[kind], {
      connection: redis,
      prefix,
      skipVersionCheck: true,
      ...(telemetry ? { telemetry } : {}),
    });
    queue.on('error', onError);
    return queue;
  };
  const byKind = { result: open('result'), files: open('files') };
  const reports = open('report');
  const { reachable, trouble } = whileReachable(redis);
  const hasRoom = roomFor((kind) => byKind[kind].getWaitingCount());
  const add = async (
    wakes: readonly Wake[],
    isWanted: (kind: JobKind, jobs: number) => Promise<boolean>,
  ): Promise<void> => {
    for (const kind of Object.keys(byKind) as JobKind[]) {
      const jobs = payloadsOf(kind, wakes).map((data) => ({
        name: kind,
        data: wakePayload.parse(data),
        opts: { ...jobOptions, jobId: wakeJobId(data) },
      }));
      if (jobs.length > 0 && (await isWanted(kind, jobs.length))) await byKind[kind].addBulk(jobs);
    }
  };
  return {
    wake: async (wakes) => {
      if (wakes.length > 0) await reachable(() => add(wakes, () => Promise.resolve(true)));
    },
    wakeForNew: (wakes) => reachable(() => add(wakes, hasRoom)),
    wakeReport: (wake) =>
      reachable(async () => {
        await reports.add('report', reportPayload.parse(wake), { ...jobOptions, jobId: reportJobId(wake) });
      }),
    counts: (kind) =>
      reachable(async () => {
        const { waiting = 0, active = 0 } = await byKind[kind].getJobCounts('waiting', 'active');
        return { waiting, jobs: waiting + active };
      }),
    fileJobs: (transactionId, upTo) =>
      reachable(async () => {
        const generations = Array.from({ length: upTo }, (_, index) => index + 1);
        const jobs = await Promise.all(
          generations.map((generation) => byKind.files.getJob(wakeJobId({ kind: 'files', transactionId, generation }))),
        );
        return jobs.filter((job) => job !== undefined).length;
      }),
    pauseVendorCalls: (durationMs) =>
      reachable(async () => {
        await Promise.all(
          Object.values(byKind).map(async (queue) => {
            // A shorter pause must not end a longer one early.
            if ((await queue.getRateLimitTtl()) < durationMs) await queue.rateLimit(durationMs);
          }),
        );
      }),
    trouble,
    all: [...Object.values(byKind), reports],
    close: async () => {
      await Promise.allSettled([...Object.values(byKind), reports].map((queue) => queue.close()));
    },
  };
}

/** One payload per transaction and generation: whichever of its obligations are woken, they share one job. */
function payloadsOf(kind: JobKind, wakes: readonly Wake[]): WakePayload[] {
  const kinds: readonly ObligationKind[] = jobKinds[kind];
  const payloads = wakes
    .filter((wake) => kinds.includes(wake.kind))
    .map(({ transactionId, generation }) => ({ kind, transactionId, generation }));
  return [...new Map(payloads.map((payload) => [wakeJobId(payload), payload])).values()];
}

/**
 * Whether a queue has room. Redis is asked once a second, and whenever the queue may be full. In between, added jobs
 * are counted here.
 */
function roomFor(waitingOf: (kind: JobKind) => Promise<number>): (kind: JobKind, jobs: number) => Promise<boolean> {
  const counted = new Map<JobKind, { waiting: number; readonly atMs: number }>();
  return async (kind, jobs) => {
    let known = counted.get(kind);
    if (!known || known.waiting >= maxBacklog || performance.now() - known.atMs > 1_000) {
      known = { waiting: await waitingOf(kind), atMs: performance.now() };
      counted.set(kind, known);
    }
    if (known.waiting >= maxBacklog) return false;
    known.waiting += jobs;
    return true;
  };
}

/** What commands fail with while there is no connection. An earlier error already said why there is none. */
const betweenConnections = /isn't writeable|Connection is closed|not connected/;

/**
 * After a failure, later calls do not wait for the connection: it comes back by itself, and the sweep enqueues what is
 * due.
 */
function whileReachable(redis: RedisClient) {
  let trouble: LedgerError | undefined;
  let lastError: unknown;
  redis.on('error', (error: Error) => (lastError = error));
  const reachable = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      if (!(await isReady(redis, trouble ? 0 : 3_000))) throw new Error('not connected');
      const answer = await work();
      trouble = lastError = undefined;
      return answer;
    } catch (error) {
      if (!(error instanceof Error && betweenConnections.test(error.message))) lastError = error;
      trouble = asQueueError(lastError ?? error);
      throw trouble;
    }
  };
  return { reachable, trouble: () => trouble };
}
