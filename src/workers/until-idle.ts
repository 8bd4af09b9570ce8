import { setTimeout as delay } from 'node:timers/promises';
import { asDatabaseError } from '../db/errors.ts';
import { pendingWork } from '../db/obligations.ts';
import { reportRuns } from '../db/report-runs.ts';
import type { LedgerError } from '../errors.ts';
import { type VendorContext, wantedKinds } from '../jobs/context.ts';
import { sayDatabaseAway } from '../jobs/database-away.ts';
import { misconfigured, refusalOf } from '../redis/refusal.ts';
import type { WorkerState } from './process-job.ts';

const idleCheckIntervalMs = 250;

/** How long a batch run waits for a server or document store that is away or refuses. */
const patienceMs = 120_000;

/** Waits until nothing is due and nothing is running. @throws the failure that has lasted for too long. */
export async function untilIdle(
  context: VendorContext,
  activeJobs: () => number,
  { store, databaseAway }: Pick<WorkerState, 'store' | 'databaseAway'>,
  signal: AbortSignal,
): Promise<{ nextDueAt: Date | null }> {
  let answeredAtMs = performance.now();
  let wroteAtMs = performance.now();
  for (;;) {
    try {
      const { isIdle, nextDueAt } = await idleState(context, activeJobs);
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

/** After such a wait, a refusal needs a person to correct something. */
function waitedInVain(trouble: LedgerError | undefined): Error {
  const refusal = refusalOf(trouble?.cause);
  return refusal ? misconfigured(refusal, trouble) : (trouble ?? new Error('Redis does not answer.'));
}

async function idleState(context: VendorContext, activeJobs: () => number) {
  if (activeJobs() > 0) return { isIdle: false, nextDueAt: null };
  const { dueNow, nextDueAt } = await pendingWork(context.db.kysely, wantedKinds(context.config));
  const reports = (await reportRuns(context.db.kysely)).filter(({ dueAt }) => dueAt !== null);
  return { isIdle: dueNow === 0 && reports.length === 0 && activeJobs() === 0, nextDueAt };
}
