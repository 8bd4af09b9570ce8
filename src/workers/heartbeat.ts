import { randomUUID } from 'node:crypto';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import packageFile from '../../package.json' with { type: 'json' };
import { asDatabaseError } from '../db/database.ts';
import { beat, endHeartbeat } from '../db/heartbeats.ts';
import { type ErrorCode, errorCode } from '../errors.ts';
import type { Context } from '../jobs/context.ts';
import { within } from '../within.ts';

const intervalMs = 10_000;
/** How long the end of the process waits for Postgres. */
const farewellMs = 1_000;

/**
 * Records in Postgres every 10 s that this process is running, until it ends. Only the first of several failed beats is
 * logged: what keeps a beat from Postgres also stops the work, which logs it.
 *
 * @param activeJobs how many jobs are running.
 * @returns a function for the orderly end, which removes the record.
 */
export function startHeartbeat(
  { db, log }: Context,
  checks: { readonly redis: () => Promise<boolean>; readonly store: () => Promise<ErrorCode | null> },
  activeJobs: () => number,
): () => Promise<void> {
  const self = { id: randomUUID(), host: os.hostname() || 'unknown', pid: process.pid, version: packageFile.version };
  const ending = new AbortController();
  let hasFailed = false;
  const once = async (): Promise<void> => {
    try {
      const [redisUsable, storeErrorCode] = await Promise.all([checks.redis(), checks.store()]);
      await beat(db.kysely, { ...self, redisUsable, storeErrorCode, activeJobs: activeJobs() });
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
