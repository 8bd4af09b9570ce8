import { asDatabaseError } from '../db/database.ts';
import { LedgerError } from '../errors.ts';

/** Gives every failure a code. @param words what is said of those that nobody expects. */
export async function coded<T>(
  work: Promise<T>,
  words: { readonly message: string; readonly hint: string },
): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    const error = asDatabaseError(thrown);
    if (error instanceof LedgerError) throw error;
    throw new LedgerError('internal', words.message, { hint: words.hint, cause: error });
  }
}
