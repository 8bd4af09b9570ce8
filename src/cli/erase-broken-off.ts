import { erasuresDone } from '../db/erasures.ts';
import { counted } from '../domain/wording.ts';
import { storeCodes } from '../error-table.ts';
import { errorCode } from '../errors.ts';
import type { Context } from '../jobs/context.ts';
import { remark } from './output.ts';

/** Says how far an erasure has come that the document store broke off, and fails as it did. */
export const howFar =
  ({ db }: Pick<Context, 'db'>, transactionIds: readonly string[]) =>
  async (error: unknown): Promise<never> => {
    if (!isOfStore(error)) throw error;
    const { closed, unordered, unreadable, destroyed, held } = await erasuresDone(db.kysely, transactionIds);
    const of = (count: number): string => counted(count, 'transaction');
    if (destroyed > 0) remark(`Destroyed: the documents of ${of(destroyed)}.`);
    if (closed > 0)
      remark(
        `Closed: the documents of ${of(closed)}. Nobody reads them. Workers go on once the store can be used again.`,
      );
    if (held > 0) remark(`Held: the documents of ${of(held)} are not destroyed before they are released.`);
    if (unreadable > 0)
      remark(`Unreadable: the keys of ${of(unreadable)} are destroyed; their objects are still there.`);
    if (unordered > 0)
      remark(
        `The order of ${unordered} is not in the store yet: a restore of an older database would lose it. Workers write it, or this command if it is run again.`,
      );
    throw error;
  };

/** Says that an erasure is cancelled although the document store could not be told, and fails as it did. */
export const stillCancelled =
  (transactionId: string) =>
  (error: unknown): never => {
    if (isOfStore(error))
      remark(
        `The erasure of ${transactionId} is cancelled: its documents can be read again. The document store could not be told, so a restore of an older database would undo it. Workers tell it once it can be used again.`,
      );
    throw error;
  };

const isOfStore = (error: unknown): boolean => storeCodes.includes(errorCode(error));
