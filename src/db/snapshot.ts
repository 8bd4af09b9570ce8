import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { asDatabaseError, type Database, type Queries } from './database.ts';
import type { Schema } from './schema.ts';

/** One connection on which everything read is of the same moment. */
export type Snapshot = { readonly client: pg.Client; readonly queries: Queries };

/**
 * Runs `read` in one repeatable-read, read-only transaction, so that a report's files agree with one another whatever
 * is written meanwhile. It has a connection of its own, without the pool's limit on how long a query may take: a month
 * of millions is sorted and counted here.
 */
export async function withSnapshot<T>(db: Database, read: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  const client = db.dedicatedClient();
  try {
    await client.connect();
    await client.query('begin transaction isolation level repeatable read read only');
    return await read({ client, queries: queriesOn(client) });
  } catch (error) {
    throw asDatabaseError(error);
  } finally {
    // Nothing was written, so there is nothing to commit; ending the connection ends a COPY broken off half way, too.
    await client.end().catch(() => undefined);
  }
}

/** Kysely on a connection that somebody else owns. */
function queriesOn(client: pg.Client): Queries {
  const borrowed = {
    connect: () => Promise.resolve({ query: client.query.bind(client), release: () => undefined }),
    end: () => Promise.resolve(),
  };
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: borrowed as unknown as pg.Pool }) });
}
