import { sql } from 'kysely';
import type { Database, Queries } from './database.ts';
import { isAborted } from './errors.ts';

const mostTries = 5;

/**
 * Workers lock the same rows, many at once and in other orders. What Postgres aborts for their sake has changed nothing,
 * and is done again.
 */
export async function retryingAborted<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1)
    try {
      return await work();
    } catch (error) {
      if (!isAborted(error) || tries === mostTries) throw error;
    }
}

/**
 * Runs `work` in a transaction that is on disk once it has ended, whatever `synchronous_commit` is by default: what is
 * on record of a document survives a crash.
 */
export const durably = <T>({ kysely }: Pick<Database, 'kysely'>, work: (db: Queries) => Promise<T>): Promise<T> =>
  retryingAborted(() =>
    kysely.transaction().execute(async (db) => {
      await sql`set local synchronous_commit = on`.execute(db);
      return work(db);
    }),
  );
