import { randomUUID } from 'node:crypto';
import { Kysely, PostgresDialect, type PostgresPool, sql } from 'kysely';
import { LedgerError } from '../errors.ts';
import { asDatabaseError, type Queries } from './database.ts';
import type { PostgresClient } from './postgres-client.ts';
import type { Schema } from './schema.ts';

/** Where the books are: in which database, and in which of its schemas. The name of the schema is quoted as SQL needs it. */
export type BooksPlace = { readonly database: string; readonly schema: string };

export async function placeOfBooks(db: Queries): Promise<BooksPlace> {
  const { rows } = await sql<BooksPlace>`
    select current_database() as database, quote_ident(current_schema()) as schema`.execute(db);
  const [place] = rows;
  if (!place) throw new Error('Postgres knows no current database');
  return place;
}

/** Work of one connection is done in turn: a `search_path` that somebody else set meanwhile would be restored wrongly. */
const lastWork = new WeakMap<PostgresClient, Promise<unknown>>();

/**
 * Runs queries on somebody else's connection, in the transaction that is open there. Nothing is committed. The names of
 * tables mean those of the books, whatever the connection's `search_path` is; it is as before afterwards.
 *
 * @throws LedgerError `input_invalid` if no transaction is open there, or one that has failed;
 * `database_misconfigured` if the connection leads to another database than that of the books; `database_…`
 */
export async function onClient<T>(
  client: PostgresClient,
  place: BooksPlace,
  work: (db: Queries) => Promise<T>,
): Promise<T> {
  const before = lastWork.get(client) ?? Promise.resolve();
  const done = before.then(() => inTransaction(client, place, work));
  lastWork.set(
    client,
    done.catch(() => undefined),
  );
  return done;
}

async function inTransaction<T>(
  client: PostgresClient,
  place: BooksPlace,
  work: (db: Queries) => Promise<T>,
): Promise<T> {
  try {
    const db = queriesOn(client);
    const path = await enter(db, place);
    const answer = await work(db);
    await sql`select set_config('search_path', ${path}, true)`.execute(db);
    return answer;
  } catch (error) {
    throw asClientError(error);
  }
}

/** Points the names of tables to the books. @returns the `search_path` to be restored. */
async function enter(db: Queries, { database, schema }: BooksPlace): Promise<string> {
  const mark = randomUUID();
  const { rows: found } = await sql<{ database: string; isHere: boolean; path: string }>`
    select current_database() as database, to_regclass(${`${schema}.obligations`}) is not null as "isHere",
      current_setting('search_path') as path, set_config('idscan_ledger.transaction', ${mark}, true)`.execute(db);
  const [here] = found;
  if (!here || here.database !== database || !here.isHere)
    throw new LedgerError(
      'database_misconfigured',
      'The client is connected to another database than the books are in.',
      {
        hint: 'Pass a client of the database in databaseUrl, or leave it out.',
      },
    );
  // A local setting that is gone with the next statement was never in a transaction.
  const { rows: kept } = await sql<{ mark: string | null }>`
    select current_setting('idscan_ledger.transaction', true) as mark`.execute(db);
  if (kept[0]?.mark !== mark)
    throw new LedgerError('input_invalid', 'No transaction is open on the client.', {
      hint: 'Run begin on it first, and pass the client itself, not its pool. Or leave it out: the producer has connections of its own.',
    });
  // Named last, temporary tables of the caller's hide none of the books.
  await sql`select set_config('search_path', ${`${schema}, pg_temp`}, true)`.execute(db);
  return here.path;
}

/** Queries on one connection that is neither opened nor closed here. */
function queriesOn(client: PostgresClient): Queries {
  const connection = {
    query: (text: string, values: readonly unknown[]) => client.query(text, [...values]),
    release: () => undefined,
  };
  const pool = { options: {}, connect: () => Promise.resolve(connection), end: () => Promise.resolve() };
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: pool as unknown as PostgresPool }) });
}

function asClientError(error: unknown): Error {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === '25P02')
    return new LedgerError('input_invalid', 'The transaction that is open on the client has failed already.', {
      hint: 'Roll it back; nothing of it can be committed.',
      cause: error,
    });
  if (typeof message === 'string' && /client was closed|not queryable/i.test(message))
    return new LedgerError('database_unavailable', 'The client’s connection to Postgres is closed.', {
      hint: 'Nothing of its transaction was committed. Repeat it on another client.',
      cause: error,
    });
  return asDatabaseError(error);
}
