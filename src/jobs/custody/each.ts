import { asDatabaseError, meetsAll } from '../../db/errors.ts';
import { type ErrorCode, errorCode } from '../../errors.ts';

/** What a round of custody could not do, in the order in which it failed. Whatever did not need it was done. */
export type Failures = Error[];

const storeAway: readonly ErrorCode[] = ['storage_away', 'store_mismatch', 'master_mismatch'];

/** Notes a failure. @returns whether whatever comes next would fail in the same way. */
export function note(failures: Failures, thrown: unknown): boolean {
  const error = asDatabaseError(thrown);
  failures.push(error);
  return meetsAll(error) || storeAway.includes(errorCode(error));
}

/**
 * Does something to each of several. The failure of one is noted and keeps the others from nothing, unless they would
 * fail in the same way.
 *
 * @param work returns whether it did anything.
 * @returns how often it did.
 */
export async function each<Item>(
  items: readonly Item[],
  { failures, signal }: { readonly failures: Failures; readonly signal?: AbortSignal | undefined },
  work: (item: Item) => Promise<boolean>,
): Promise<number> {
  let done = 0;
  for (const item of items) {
    if (signal?.aborted) break;
    try {
      if (await work(item)) done += 1;
    } catch (error) {
      if (note(failures, error)) break;
    }
  }
  return done;
}
