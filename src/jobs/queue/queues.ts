import { type JobsOptions, Queue, type Telemetry } from 'bullmq';
import { z } from 'zod';
import type { Wake } from '../../db/obligations.ts';
import type { ObligationKind } from '../../db/schema.ts';
import { isPeriod } from '../../domain/billing-month.ts';
import type { LedgerError } from '../../errors.ts';
import { isReady, type RedisClient } from '../../redis/connect.ts';
import { asQueueError } from '../../redis/refusal.ts';

/** Whose work is one job's: what comes after the result is fetched together. In the order in which rows are locked. */
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

/** Job data are IDs, never personal data, URLs or tokens. What is due of the transaction, Postgres says. */
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

/** Parsed on enqueue and on receipt. @throws ZodError for what no producer of ours makes. */
export const parseWake = (data: unknown): WakePayload => wakePayload.parse(data);
export const parseReportWake = (data: unknown): ReportWake => reportPayload.parse(data);

/** Attempts before an obligation is parked as failed; with the backoff below they span about 50 s. */
export const maxAttempts = 8;
/** Starts in a row without an end, after which a job counts as one that kills its worker. */
export const maxStarts = 5;

/** With more unfinished starts than this, a job runs alone in its process: it may be what kills workers. */
export const maxStartsInCompany = 1;
/** How long the sweep takes a queue's word for it that it holds a job. */
export const leaseMs = 10_000;
/** Waiting jobs per queue above which what is due stays in Postgres until the queue has room. */
export const maxBacklog = 10_000;
/** Waiting jobs per queue below which the sweep fills it up, oldest first. */
export const refillBelow = maxBacklog / 2;
/**
 * What a queue holds as many jobs of as are due waits there beyond its lease, most of it, and need not be put back again
 * and again. What has been overdue for so long is all the same: newcomers must not keep it out for ever.
 */
export const longOverdueMs = 30_000;

/** Exponential backoff with full jitter on its upper half: 0.5 s, 1 s, 2 s … capped at 30 s. */
export function backoffMs(attemptsMade: number, random: () => number = Math.random): number {
  const ceilingMs = Math.min(30_000, 500 * 2 ** Math.max(0, attemptsMade - 1));
  return Math.round(ceilingMs * (0.5 + random() / 2));
}

/** Postgres keeps what became of a job; Redis forgets it, so that an ended job never swallows a new one. */
const jobOptions: JobsOptions = {
  attempts: maxAttempts,
  backoff: { type: 'custom' },
  removeOnComplete: true,
  removeOnFail: true,
};

const wakeJobId = ({ transactionId, generation }: WakePayload): string => `t_${transactionId}_${generation}`;
const reportJobId = ({ period, generation }: ReportWake): string => `r_${period}_${generation}`;

export type Queues = {
  /** Wakes workers. @throws LedgerError `queue_unavailable`; what is due then waits for the sweep. */
  readonly wake: (wakes: readonly Wake[]) => Promise<void>;
  readonly wakeReport: (wake: ReportWake) => Promise<void>;
  /** Wakes workers for what is new, but for queues in which enough waits already: that is left to the sweep. */
  readonly wakeForNew: (wakes: readonly Wake[]) => Promise<void>;
  /** Jobs of one kind: those that wait, and these with those under way. What is to be retried later is in neither. */
  readonly counts: (kind: JobKind) => Promise<{ waiting: number; jobs: number }>;
  /** Stops all workers from taking jobs that call the vendor, for a while. */
  readonly pauseVendorCalls: (durationMs: number) => Promise<void>;
  /** Why the last call came to nothing; `undefined` = it did not. */
  readonly trouble: () => LedgerError | undefined;
  /** The queues themselves, for operators to look into. */
  readonly all: readonly Queue[];
  readonly close: () => Promise<void>;
};

/** Opens the producers' side of all queues on one connection, which stays the caller's. */
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
    pauseVendorCalls: (durationMs) =>
      reachable(async () => {
        await Promise.all(
          Object.values(byKind).map(async (queue) => {
            // A shorter pause never ends a longer one early.
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

/** One for each transaction and generation: whichever of them are woken, the same obligations have the same job. */
function payloadsOf(kind: JobKind, wakes: readonly Wake[]): WakePayload[] {
  const kinds: readonly ObligationKind[] = jobKinds[kind];
  const payloads = wakes
    .filter((wake) => kinds.includes(wake.kind))
    .map(({ transactionId, generation }) => ({ kind, transactionId, generation }));
  return [...new Map(payloads.map((payload) => [wakeJobId(payload), payload])).values()];
}

/** Whether a queue has room. What waits is asked for once a second, and whenever it may be too much; between, it is added up. */
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

/** What commands meet between two connections; why there is none, was said before. */
const betweenConnections = /isn't writeable|Connection is closed|not connected/;

/** Whoever has waited in vain does not wait again: the connection comes back by itself, what is due by the sweep. */
function whileReachable(redis: RedisClient) {
  let trouble: LedgerError | undefined;
  let lastSaid: unknown;
  redis.on('error', (error: Error) => (lastSaid = error));
  const reachable = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      if (!(await isReady(redis, trouble ? 0 : 3_000))) throw new Error('not connected');
      const answer = await work();
      trouble = lastSaid = undefined;
      return answer;
    } catch (error) {
      if (!(error instanceof Error && betweenConnections.test(error.message))) lastSaid = error;
      trouble = asQueueError(lastSaid ?? error);
      throw trouble;
    }
  };
  return { reachable, trouble: () => trouble };
}
