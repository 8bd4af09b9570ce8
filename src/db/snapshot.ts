import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import type { Database, Queries } from './database.ts';
import { asConnectError, asDatabaseError } from './errors.ts';
import type { Schema } from './schema.ts';
import { orAfter } from '../within.ts';

const goodbyeMs = 5_000;

/**
 * What joins and sorts a month does better with memory than on disk; the default of 4 MB is meant for many small
 * queries. One month among many is looked up, not searched for in all of them, which planning for slow disks would
 * prefer; and nothing is gained by walking through whole indexes in order. Compiling pays only where a query computes for
 * long, and what guesses of its cost rest on is what is least reliable.
 */
export const forMonths = `
  set work_mem = '64MB'; set random_page_cost = 1.1; set enable_mergejoin = off; set jit = off`;

/** A connection outside the pool, with typed queries on it. */
export type Dedicated = { readonly client: pg.Client; readonly queries: Queries };

/** One connection on which everything read is of the same moment. */
export type Snapshot = Dedicated;

/**
 * Runs `work` on a connection of its own, without the pool's limit on how long a query may take, for work that grows
 * with a month. Ending the connection ends its transaction, its locks and a COPY broken off half way.
 */
export async function withDedicatedClient<T>(db: Database, work: (connection: Dedicated) => Promise<T>): Promise<T> {
  const client = await db.connect().catch((error: unknown) => {
    throw asDatabaseError(asConnectError(error));
  });
  try {
    // Should this process vanish without a word, its locks end with the connection in two minutes, not in two hours.
    await client.query('set tcp_keepalives_idle = 60; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 6');
    await client.query(forMonths);
    return await work({ client, queries: queriesOn(client) });
  } catch (error) {
    throw asDatabaseError(error);
  } finally {
    // A server that does not answer any more does not say goodbye either.
    await orAfter(
      goodbyeMs,
      client.end().catch(() => undefined),
      undefined,
    );
  }
}

/**
 * Runs `read` in one repeatable-read, read-only transaction, so that a report's files agree with one another whatever
 * is written meanwhile.
 *
 * @param before is done first, on the same connection.
 */
export function withSnapshot<T>(
  db: Database,
  read: (snapshot: Snapshot) => Promise<T>,
  before?: (connection: Dedicated) => Promise<void>,
): Promise<T> {
  return withDedicatedClient(db, async (connection) => {
    await before?.(connection);
    await connection.client.query('begin transaction isolation level repeatable read read only');
    return read(connection);
  });
}

/**
 * Runs `book` in one repeatable-read transaction that may write, and commits it. What it throws takes all of it back.
 */
export function withBooking<T>(db: Database, book: (booking: Snapshot) => Promise<T>): Promise<T> {
  return withDedicatedClient(db, async (connection) => {
    await connection.client.query('begin transaction isolation level repeatable read');
    const result = await book(connection);
    await connection.client.query('commit');
    return result;
  });
}

/** Kysely on a connection that somebody else owns. */
function queriesOn(client: pg.Client): Queries {
  const borrowed = {
    connect: () => Promise.resolve({ query: client.query.bind(client), release: () => undefined }),
    end: () => Promise.resolve(),
  };
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: borrowed as unknown as pg.Pool }) });
}
