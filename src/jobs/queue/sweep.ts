import { claimDue, isAnyOverdue, kindsMissing } from '../../db/obligations.ts';
import type { ObligationKind } from '../../db/schema.ts';
import { claimDueReports } from '../../db/report-runs.ts';
import { type QueueContext, type WantedJob, wantedJobs } from '../context.ts';
import { leaseMs, longOverdueMs, maxBacklog, refillBelow } from './queues.ts';

const batchSize = 1_000;

/**
 * Puts back into the queues what is due in Postgres and not known to be in a queue. A queue ignores a job that it holds
 * already, so this is safe at any time and in any number of processes.
 *
 * @returns how many were put back.
 */
export async function sweep(context: QueueContext, signal?: AbortSignal): Promise<number> {
  const jobs = wantedJobs(context.config);
  const overdue = await isAnyOverdue(context.db.kysely, kindsOf(jobs));
  const obligations = overdue.obligations ? await sweepObligations(context, jobs, signal) : 0;
  return obligations + (overdue.reports ? await sweepReports(context) : 0);
}

const kindsOf = (jobs: readonly WantedJob[]): ObligationKind[] => jobs.flatMap(({ kinds }) => kinds);

async function sweepObligations(context: QueueContext, wanted: readonly WantedJob[], signal?: AbortSignal) {
  const queues = await Promise.all(wanted.map(async (one) => ({ ...one, ...(await context.queues.counts(one.job)) })));
  const short = queues.filter(({ waiting }) => waiting < refillBelow);
  const held = short.flatMap(({ kinds, jobs }) => kinds.map((kind) => ({ kind, jobs })));
  const kindsToFill = held.length > 0 ? await kindsMissing(context.db.kysely, held, leaseMs) : [];
  const isMissing = ({ kinds }: WantedJob) => kinds.some((kind) => kindsToFill.includes(kind));
  const others = queues.filter((queue) => queue.waiting < maxBacklog && !isMissing(queue));
  const filledUp = await fillUp(context, queues.filter(isMissing), signal);
  return filledUp + (others.length > 0 ? await putBack(context, others, longOverdueMs) : 0);
}

async function sweepReports(context: QueueContext): Promise<number> {
  const wakes = await claimDueReports(context.db.kysely, leaseMs);
  for (const wake of wakes) await context.queues.wakeReport(wake);
  return wakes.length;
}

async function fillUp(context: QueueContext, jobs: readonly WantedJob[], signal?: AbortSignal): Promise<number> {
  let swept = 0;
  for (let left = jobs; left.length > 0 && !signal?.aborted;) {
    const batch = await putBack(context, left, 0);
    swept += batch;
    if (batch < batchSize) break;
    left = await withRoom(context, left);
  }
  return swept;
}

async function withRoom({ queues }: QueueContext, jobs: readonly WantedJob[]): Promise<WantedJob[]> {
  const waiting = await Promise.all(jobs.map(async ({ job }) => (await queues.counts(job)).waiting));
  return jobs.filter((_, index) => (waiting[index] ?? 0) < maxBacklog);
}

async function putBack({ db, queues }: QueueContext, jobs: readonly WantedJob[], overdueMs: number): Promise<number> {
  const wakes = await claimDue(db.kysely, kindsOf(jobs), { limit: batchSize, leaseMs, overdueMs });
  await queues.wake(wakes);
  return wakes.length;
}
