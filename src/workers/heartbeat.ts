import { randomUUID } from 'node:crypto';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import packageFile from '../../package.json' with { type: 'json' };
import { asDatabaseError } from '../db/database.ts';
import { beat, endHeartbeat } from '../db/heartbeats.ts';
import { errorCode } from '../errors.ts';
import type { Context } from '../jobs/context.ts';
import { within } from '../within.ts';

const intervalMs = 10_000;
/** The end of a process does not wait for a Postgres that is away. */
const farewellMs = 1_000;

/**
 * Says in Postgres every 10 s that this process runs, until it ends. A beat that fails is said once: whatever keeps it
 * from Postgres keeps work from it as well, and that is said there.
 *
 * @param activeJobs how many jobs are under way.
 * @returns the way to take it back, for the orderly end.
 */
export function startHeartbeat(
  { db, log }: Context,
  checks: { readonly redis: () => Promise<boolean> },
  activeJobs: () => number,
): () => Promise<void> {
  const self = { id: randomUUID(), host: os.hostname() || 'unknown', pid: process.pid, version: packageFile.version };
  const ending = new AbortController();
  let hasFailed = false;
  const once = async (): Promise<void> => {
    try {
      const redisUsable = await checks.redis();
      await beat(db.kysely, { ...self, redisUsable, activeJobs: activeJobs() });
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) log.warn({ code: errorCode(asDatabaseError(error)) }, 'others cannot see that this worker runs');
      hasFailed = true;
    }
  };
  const beating = (async () => {
    while (!ending.signal.aborted) {
      await once();
      await delay(intervalMs, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  })();
  return async () => {
    ending.abort();
    const takenBack = beating.then(() => endHeartbeat(db.kysely, self.id));
    await within(farewellMs, takenBack, () => new Error('late')).catch(() => undefined);
  };
}
