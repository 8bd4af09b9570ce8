import { databaseReadiness, notReady } from '../db/readiness.ts';
import { sayDatabaseNewer } from '../jobs/database-away.ts';
import type { QueueContext } from '../jobs/context.ts';
import { sharedCheck } from '../jobs/queue/shared-check.ts';

/** The sweep runs every 2 s. If none succeeds for this long, jobs that Redis lost are not put back. */
const sweptWithinMs = 60_000;

/**
 * Whether this process can do its work, by what the work needs.
 *
 * @param sweptAtMs when a sweep last succeeded, by the clock of `performance`.
 */
export function workerChecks(
  { db, redisHealth, log }: Pick<QueueContext, 'db' | 'redisHealth' | 'log'>,
  sweptAtMs: () => number,
) {
  const database = sharedCheck(async () => {
    const readiness = await databaseReadiness(db);
    if (readiness.isNewer) sayDatabaseNewer(log);
    return readiness;
  }, notReady);
  return {
    postgres: async () => (await database()).postgres,
    migrations: async () => (await database()).migrations,
    redis: redisHealth.isUsable,
    work: () => Promise.resolve(performance.now() - sweptAtMs() < sweptWithinMs),
  };
}
