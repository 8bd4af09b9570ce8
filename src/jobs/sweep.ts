import { claimDue } from '../db/obligations.ts';
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
  let swept = 0;
  for (const kind of wantedKinds(context.config)) {
    let backlog = await context.queues.backlog(kind);
    const overdueMs = backlog < refillBelow ? 0 : longOverdueMs;
    while (!signal?.aborted && backlog < maxBacklog) {
      const wakes = await claimDue(context.db.kysely, [kind], { limit: batchSize, leaseMs, overdueMs });
      await context.queues.wake(wakes);
      swept += wakes.length;
      if (wakes.length < batchSize || overdueMs > 0) break;
      backlog = await context.queues.backlog(kind);
    }
  }
  for (const wake of await claimDueReports(context.db.kysely, leaseMs)) {
    await context.queues.wakeReport(wake);
    swept += 1;
  }
  return swept;
}
