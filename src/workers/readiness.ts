import { databaseReadiness } from '../db/readiness.ts';
import type { QueueContext } from '../jobs/context.ts';
import { sharedCheck } from '../jobs/queue/shared-check.ts';

/** The sweep comes round every 2 s. Where no round has ended well for that long, work that Redis lost stays undone. */
const sweptWithinMs = 60_000;

/**
 * Whether this process can do its work, by what that needs.
 *
 * @param sweptAtMs when a round of the sweep ended last, on the clock of `performance`.
 */
export function workerChecks({ db, redisHealth }: Pick<QueueContext, 'db' | 'redisHealth'>, sweptAtMs: () => number) {
  const database = sharedCheck(() => databaseReadiness(db), { postgres: false, migrations: false });
  return {
    postgres: async () => (await database()).postgres,
    migrations: async () => (await database()).migrations,
    redis: redisHealth.isUsable,
    work: () => Promise.resolve(performance.now() - sweptAtMs() < sweptWithinMs),
  };
}
