import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { asDatabaseError, type Database, type Queries } from './database.ts';
import type { Schema } from './schema.ts';

/** One connection on which everything read is of the same moment. */
export type Snapshot = { readonly client: pg.PoolClient; readonly queries: Queries };

/**
 * Runs `read` in one repeatable-read, read-only transaction, so that a report's files agree with one another whatever
 * is written meanwhile.
 */
export async function withSnapshot<T>(db: Database, read: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  const client = await db.pool.connect().catch((cause: unknown) => {
    throw asDatabaseError(cause);
  });
  let broken: Error | undefined;
  try {
    await client.query('begin transaction isolation level repeatable read read only');
    await client.query('set local statement_timeout = 0');
    const result = await read({ client, queries: queriesOn(client) });
    await client.query('commit');
    return result;
  } catch (error) {
    broken = asDatabaseError(error);
    throw broken;
  } finally {
    // A connection in an unknown state (a COPY broken off half way) is not given back to the pool.
    client.release(broken);
  }
}

/** Sorting and counting a month of millions may take longer than any other query is allowed to. */
export const snapshotTimeoutMs = 6 * 3_600_000;

/** Kysely on a connection that somebody else owns. */
function queriesOn(client: pg.PoolClient): Queries {
  const query = (text: string, values: unknown[]) =>
    client.query({ text, values, query_timeout: snapshotTimeoutMs } as pg.QueryConfig);
  const borrowed = {
    connect: () => Promise.resolve({ query, release: () => undefined }),
    end: () => Promise.resolve(),
  };
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: borrowed as unknown as pg.Pool }) });
}
