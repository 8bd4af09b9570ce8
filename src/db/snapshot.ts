import { setTimeout as delay } from 'node:timers/promises';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { asDatabaseError, type Database, type Queries } from './database.ts';
import type { Schema } from './schema.ts';

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

/** One connection on which everything read is of the same moment, and a way to read two things of it at once. */
export type Snapshot = Dedicated & {
  /**
   * Does both, on connections that see the same: side by side where nothing is written, else one after the other. Waits
   * for both also if one fails, so that nothing goes on behind the failure.
   */
  readonly both: <A, B>(
    first: (connection: Dedicated) => Promise<A>,
    second: (connection: Dedicated) => Promise<B>,
  ) => Promise<[A, B]>;
};

/**
 * Runs `work` on a connection of its own, without the pool's limit on how long a query may take, for work that grows
 * with a month. Ending the connection ends its transaction, its locks and a COPY broken off half way.
 */
export async function withDedicatedClient<T>(db: Database, work: (connection: Dedicated) => Promise<T>): Promise<T> {
  const client = db.dedicatedClient();
  try {
    await client.connect();
    // Should this process vanish without a word, its locks end with the connection in two minutes, not in two hours.
    await client.query('set tcp_keepalives_idle = 60; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 6');
    await client.query(forMonths);
    return await work({ client, queries: queriesOn(client) });
  } catch (error) {
    throw asDatabaseError(error);
  } finally {
    // A server that does not answer any more does not say goodbye either.
    await Promise.race([client.end().catch(() => undefined), delay(goodbyeMs, undefined, { ref: false })]);
  }
}

/**
 * Runs `read` in one repeatable-read, read-only transaction, so that a report's files agree with one another whatever
 * is written meanwhile.
 */
export function withSnapshot<T>(db: Database, read: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  return withDedicatedClient(db, async (connection) => {
    await connection.client.query('begin transaction isolation level repeatable read read only');
    const both: Snapshot['both'] = async (first, second) => {
      const { rows } = await connection.client.query<{ name: string }>('select pg_export_snapshot() as name');
      const [here, beside] = await Promise.allSettled([
        first(connection),
        withDedicatedClient(db, async (other) => {
          await other.client.query('begin transaction isolation level repeatable read read only');
          await other.client.query(`set transaction snapshot ${pg.escapeLiteral(rows[0]?.name ?? '')}`);
          return second(other);
        }),
      ]);
      if (here.status === 'rejected') throw here.reason;
      if (beside.status === 'rejected') throw beside.reason;
      return [here.value, beside.value];
    };
    return read({ ...connection, both });
  });
}

/**
 * Runs `book` in one repeatable-read transaction that may write, and commits it. What it throws takes all of it back.
 * Nobody else sees what it wrote before that, so it reads one thing after the other.
 */
export function withBooking<T>(db: Database, book: (booking: Snapshot) => Promise<T>): Promise<T> {
  return withDedicatedClient(db, async (connection) => {
    await connection.client.query('begin transaction isolation level repeatable read');
    const both: Snapshot['both'] = async (first, second) => [await first(connection), await second(connection)];
    const result = await book({ ...connection, both });
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
