import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import type { Database, Queries } from './database.ts';
import { asConnectError, asDatabaseError } from './errors.ts';
import type { Schema } from './schema.ts';

/**
 * Settings for queries over whole months:
 * - Joins and sorts get more memory than the default of 4 MB, which is meant for many small queries.
 * - Random reads are priced for fast disks, so that one month is looked up by index rather than found by a full scan.
 * - Merge joins are off, because walking whole indexes in order gains nothing.
 * - JIT is off: it pays only for long computations, and the cost estimates that trigger it are the least reliable ones.
 */
export const forMonths = `
  set work_mem = '64MB'; set random_page_cost = 1.1; set enable_mergejoin = off; set jit = off`;

/** A connection outside the pool, with typed queries. */
export type Dedicated = { readonly client: pg.Client; readonly queries: Queries };

/** A connection on which all reads see the same moment. */
export type Snapshot = Dedicated;

/**
 * Runs `work` on a connection of its own, without the pool's limit on query times, because its duration grows with the
 * month. When the connection ends, so do its transaction, its locks and an unfinished COPY.
 */
export async function withDedicatedClient<T>(db: Database, work: (connection: Dedicated) => Promise<T>): Promise<T> {
  const { client, end } = await db.connect().catch((error: unknown) => {
    throw asDatabaseError(asConnectError(error));
  });
  try {
    // If this process vanishes, Postgres notices within two minutes instead of two hours and releases the locks.
    await client.query(`
      set tcp_keepalives_idle = 60; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 6; ${forMonths}`);
    return await work({ client, queries: queriesOn(client) });
  } catch (error) {
    throw asDatabaseError(error);
  } finally {
    await end();
  }
}

/**
 * Runs `read` on a connection of its own, in one transaction as {@link inSnapshot}.
 *
 * @param before runs first, on the same connection and outside the transaction.
 */
export function withSnapshot<T>(
  db: Database,
  read: (snapshot: Snapshot) => Promise<T>,
  before?: (connection: Dedicated) => Promise<void>,
): Promise<T> {
  return withDedicatedClient(db, async (connection) => {
    await before?.(connection);
    return inSnapshot(connection, read);
  });
}

/**
 * Runs `read` in one repeatable-read, read-only transaction, so that the files of a report agree with each other
 * whatever is written in the meantime. If `read` throws, the connection has to end.
 */
export async function inSnapshot<T>(connection: Dedicated, read: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  await connection.client.query('begin transaction isolation level repeatable read read only');
  const result = await read(connection);
  await connection.client.query('commit');
  return result;
}

/**
 * Runs `book` in one repeatable-read transaction that may write, and commits it. If `book` throws, nothing is written,
 * and the connection has to end.
 *
 * @param isDryRun writes nothing either.
 */
export async function inBooking<T>(
  connection: Dedicated,
  book: (booking: Snapshot) => Promise<T>,
  { isDryRun = false } = {},
): Promise<T> {
  await connection.client.query('begin transaction isolation level repeatable read');
  const result = await book(connection);
  await connection.client.query(isDryRun ? 'rollback' : 'commit');
  return result;
}

/** Kysely on a connection that the caller owns. */
function queriesOn(client: pg.Client): Queries {
  const borrowed = {
    connect: () => Promise.resolve({ query: client.query.bind(client), release: () => undefined }),
    end: () => Promise.resolve(),
  };
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: borrowed as unknown as pg.Pool }) });
}

/**
 * Runs queries that join whole months by hashes, without nested loops and without sorting what is grouped. Of tables that
 * were just written, and of what is matched on the way, Postgres expects a few rows, and would go through a million of
 * them for each of a million others.
 */
export async function withHashJoins<T>({ client }: Snapshot, work: () => Promise<T>): Promise<T> {
  await client.query('set local enable_nestloop = off; set local enable_sort = off');
  const result = await work();
  await client.query('set local enable_nestloop = on; set local enable_sort = on');
  return result;
}
