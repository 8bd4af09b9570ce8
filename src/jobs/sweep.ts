import { claimDue, isAnyOverdue } from '../db/obligations.ts';
import type { ObligationKind } from '../db/schema.ts';
import { claimDueReports } from '../db/report-runs.ts';
import { type QueueContext, wantedKinds } from './context.ts';
import { leaseMs, longOverdueMs, maxBacklog, refillBelow } from './queues.ts';

const batchSize = 1_000;

/**
 * Puts back into the queues what Postgres says is due and no queue is known to hold. A queue drops what it holds
 * already, so this is safe at any time, in any number of processes.
 *
 * @returns how many were put back.
 */
export async function sweep(context: QueueContext, signal?: AbortSignal): Promise<number> {
  const kinds = wantedKinds(context.config);
  const overdue = await isAnyOverdue(context.db.kysely, kinds);
  const obligations = overdue.obligations ? await sweepObligations(context, kinds, signal) : 0;
  return obligations + (overdue.reports ? await sweepReports(context) : 0);
}

async function sweepObligations(context: QueueContext, kinds: readonly ObligationKind[], signal?: AbortSignal) {
  const queues = await backlogs(context, kinds);
  const short = queues.filter(({ backlog }) => backlog < refillBelow).map(({ kind }) => kind);
  const long = queues.filter(({ backlog }) => backlog >= refillBelow && backlog < maxBacklog).map(({ kind }) => kind);
  const filledUp = await fillUp(context, short, signal);
  return filledUp + (long.length > 0 ? await putBack(context, long, longOverdueMs) : 0);
}

async function sweepReports(context: QueueContext): Promise<number> {
  const wakes = await claimDueReports(context.db.kysely, leaseMs);
  for (const wake of wakes) await context.queues.wakeReport(wake);
  return wakes.length;
}

const backlogs = ({ queues }: QueueContext, kinds: readonly ObligationKind[]) =>
  Promise.all(kinds.map(async (kind) => ({ kind, backlog: await queues.backlog(kind) })));

async function fillUp(context: QueueContext, kinds: readonly ObligationKind[], signal?: AbortSignal): Promise<number> {
  let swept = 0;
  for (let left = kinds; left.length > 0 && !signal?.aborted;) {
    const batch = await putBack(context, left, 0);
    swept += batch;
    if (batch < batchSize) break;
    left = (await backlogs(context, left)).filter(({ backlog }) => backlog < maxBacklog).map(({ kind }) => kind);
  }
  return swept;
}

async function putBack(
  { db, queues }: QueueContext,
  kinds: readonly ObligationKind[],
  overdueMs: number,
): Promise<number> {
  const wakes = await claimDue(db.kysely, kinds, { limit: batchSize, leaseMs, overdueMs });
  await queues.wake(wakes);
  return wakes.length;
}
