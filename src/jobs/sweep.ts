import { claimDue, isAnyOverdue, kindsMissing } from '../db/obligations.ts';
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
  const queues = await Promise.all(kinds.map(async (kind) => ({ kind, ...(await context.queues.counts(kind)) })));
  const short = queues.filter(({ waiting }) => waiting < refillBelow);
  const missing = short.length > 0 ? await kindsMissing(context.db.kysely, short, leaseMs) : [];
  const others = queues.filter(({ kind, waiting }) => waiting < maxBacklog && !missing.includes(kind));
  const filledUp = await fillUp(context, missing, signal);
  const kindsOfOthers = others.map(({ kind }) => kind);
  return filledUp + (others.length > 0 ? await putBack(context, kindsOfOthers, longOverdueMs) : 0);
}

async function sweepReports(context: QueueContext): Promise<number> {
  const wakes = await claimDueReports(context.db.kysely, leaseMs);
  for (const wake of wakes) await context.queues.wakeReport(wake);
  return wakes.length;
}

async function fillUp(context: QueueContext, kinds: readonly ObligationKind[], signal?: AbortSignal): Promise<number> {
  let swept = 0;
  for (let left = kinds; left.length > 0 && !signal?.aborted;) {
    const batch = await putBack(context, left, 0);
    swept += batch;
    if (batch < batchSize) break;
    left = await kindsWithRoom(context, left);
  }
  return swept;
}

async function kindsWithRoom({ queues }: QueueContext, kinds: readonly ObligationKind[]): Promise<ObligationKind[]> {
  const waiting = await Promise.all(kinds.map(async (kind) => (await queues.counts(kind)).waiting));
  return kinds.filter((_, index) => (waiting[index] ?? 0) < maxBacklog);
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
