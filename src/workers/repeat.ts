import { setTimeout as delay } from 'node:timers/promises';
import { asDatabaseError, isDatabaseAway } from '../db/errors.ts';
import { errorCode } from '../errors.ts';
import type { VendorContext } from '../jobs/context.ts';
import { sayDatabaseAway } from '../jobs/database-away.ts';
import { createSeldom } from '../seldom.ts';

/** Runs `work` at intervals. A failure is logged, and the next round tries again. */
export type Repeat = (
  name: string,
  intervalMs: number,
  signal: AbortSignal,
  work: () => Promise<unknown>,
) => Promise<void>;

/**
 * Each failure of a task is logged once in half a minute. A server that is away fails all tasks and is logged for all
 * together.
 */
export function repeating({ log, onRedisTrouble }: VendorContext): Repeat {
  const shouldReport = createSeldom();
  return async (name, intervalMs, signal, work) => {
    while (!signal.aborted) {
      try {
        await work();
      } catch (thrown) {
        const error = asDatabaseError(thrown);
        const code = errorCode(error);
        if (code === 'queue_unavailable') onRedisTrouble(error);
        else if (isDatabaseAway(thrown)) sayDatabaseAway(log, thrown);
        else if (shouldReport(`${name} ${code}`))
          log.warn({ err: error, code }, `${name} failed, next try in ${intervalMs / 1_000} s`);
      }
      await delay(intervalMs, undefined, { signal }).catch(() => undefined);
    }
  };
}
