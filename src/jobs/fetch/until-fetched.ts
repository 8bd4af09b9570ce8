import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../db/database.ts';
import { isBeingFetched } from '../../db/unfetched.ts';

const patienceMs = 30_000;
const pollMs = 500;

/** Waits, for at most half a minute, while workers are fetching transactions that were registered before an instant. */
export async function untilFetched(
  { kysely }: Pick<Database, 'kysely'>,
  instant: Date,
  signal?: AbortSignal,
): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (performance.now() < endMs && (await isBeingFetched(kysely, instant)))
    await delay(pollMs, undefined, { ...(signal ? { signal } : {}) });
}
