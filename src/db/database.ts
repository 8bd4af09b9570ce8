import {
  Kysely,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type QueryResult,
  type RawBuilder,
} from 'kysely';
import type pg from 'pg';
import { type DatabaseTls, readDatabaseUrl } from '../config/database-url.ts';
import { LedgerError } from '../errors.ts';
import { parseServers, type Purpose } from '../config/postgres-address.ts';
import { asConnectError, isConnectionFailure } from './errors.ts';
import { type Connections, openServers } from './hosts.ts';
import type { Schema } from './schema.ts';
import type { DedicatedConnection } from './dedicated.ts';

export { asDatabaseError } from './errors.ts';

/** A connection pool with typed queries on it. */
export type Database = {
  readonly kysely: Kysely<Schema>;
  /** Opens a connection outside the pool, without the pool's time limits on queries. The caller ends it. */
  readonly connect: () => Promise<DedicatedConnection>;
  /** Whether the connection opened last goes to the server itself rather than through a pooler. */
  readonly isDirect: () => boolean;
  readonly close: () => Promise<void>;
};

/** Queries run on the pool or inside a transaction that the caller opened. */
export type Queries = Kysely<Schema>;

export type DatabaseOptions = {
  /** How many connections the pool holds at most. */
  readonly maxConnections?: number;
  /** How many connections there are outside the pool at most. Whoever wants one more waits as for the pool's. */
  readonly maxDedicated?: number;
  /**
   * How long to wait for an answer. Postgres' statement timeout is a little shorter, so that no abandoned statement
   * keeps running there.
   */
  readonly queryTimeoutMs?: number;
  /**
   * How long a statement may wait for a lock. A `lock_timeout` that the role, the database or the URL has counts
   * instead. Default: no limit of ours.
   */
  readonly lockTimeoutMs?: number | undefined;
  readonly connectTimeoutMs?: number;
  /** Called when an idle connection breaks (a restart of Postgres). The pool replaces the connection itself. */
  readonly onError?: (error: Error) => void;
  readonly purpose?: Purpose;
  /** Checks each new connection before its first use, and throws to reject it. */
  readonly examine?: (client: pg.ClientBase) => Promise<void>;
};

const variables: Record<Purpose, string> = { writing: 'DATABASE_URL', reading: 'DATABASE_READ_URL' };

/**
 * Opens a pool. It connects on first use.
 *
 * @param url may name several servers, see `parseServers`.
 * @throws LedgerError `config_invalid`
 */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const purpose = options.purpose ?? 'writing';
  const variable = variables[purpose];
  const { connectionString, ssl } = withTls(url, variable);
  const list = parseServers(connectionString, purpose);
  if (typeof list === 'string') throw new LedgerError('config_invalid', `${variable} ${list}.`);
  const queryTimeoutMs = options.queryTimeoutMs ?? 60_000;
  const { lockTimeoutMs = 0, connectTimeoutMs = 10_000 } = options;
  const servers = openServers({
    ...list,
    variable,
    queryTimeoutMs,
    maxConnections: options.maxConnections ?? 10,
    maxDedicated: options.maxDedicated ?? 5,
    // Whoever holds a connection because of a lock gives up first, and says so.
    freeConnectionTimeoutMs: Math.max(connectTimeoutMs, lockTimeoutMs + 5_000),
    freeDedicatedTimeoutMs: lockTimeoutMs || connectTimeoutMs,
    examine: options.examine,
    connection: {
      application_name: 'idscan-ledger',
      // By default the system probes an idle connection only after two hours.
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      ...(ssl === undefined ? {} : { ssl }),
    },
    poolSettings: sessionSettings(queryTimeoutMs - 1_000, lockTimeoutMs),
    dedicatedSettings: sessionSettings(0, lockTimeoutMs),
    connectTimeoutMs,
    onError: options.onError ?? (() => undefined),
  });
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: maintained(servers.pool) }) });
  let closing: Promise<void> | undefined;
  const { connect, isDirect } = servers;
  return { kysely, connect, isDirect, close: () => (closing ??= kysely.destroy()) };
}

/**
 * What queries and the driver rely on, whatever the role, the database or the server is set to for other programs. As
 * SQL, because poolers refuse or ignore them as options of a connection.
 */
const sessionSettings = (statementTimeoutMs: number, lockTimeoutMs: number): string => `
  set statement_timeout = ${statementTimeoutMs};
  set client_encoding = 'UTF8';
  set datestyle = 'ISO, MDY';
  set intervalstyle = 'postgres';
  set timezone = 'UTC';
  set extra_float_digits = 1;
  set bytea_output = 'hex';
  set standard_conforming_strings = on;
  set default_transaction_isolation = 'read committed';
  set idle_in_transaction_session_timeout = 0;
  select set_config(name, '0', false) from unnest('{idle_session_timeout,transaction_timeout}'::text[]) as name
    where current_setting(name, true) is not null;
  select set_config('lock_timeout', '${lockTimeoutMs}', false) where current_setting('lock_timeout') = '0';`;

/** @throws LedgerError `config_invalid` for a URL, or a file that it names, which cannot be used. */
function withTls(text: string, variable: string): { connectionString: string; ssl?: DatabaseTls } {
  const { url, tls, problems } = readDatabaseUrl(text);
  if (problems.length > 0)
    throw new LedgerError('config_invalid', `${variable} ${problems.join('; it ')}.`, {
      hint: 'Correct it; .env.example explains it.',
    });
  return { connectionString: url, ...(tls === undefined ? {} : { ssl: tls }) };
}

/** Names of prepared statements by their text. */
const preparedNames = new Map<string, string>();

/**
 * Runs a statement whose text is sent again and again as a prepared statement. The connection keeps the parsed
 * statement and usually its plan: planning is half the work of a statement about one or two results.
 *
 * @param name must be unique to the statement's text.
 */
export function executePrepared<Row>(db: Queries, name: string, statement: RawBuilder<Row>): Promise<QueryResult<Row>> {
  const compiled = statement.compile(db);
  preparedNames.set(compiled.sql, name);
  return db.executeQuery(compiled);
}

/**
 * The number of rows to plan a statement for: `count` rounded up to a power of ten. It becomes part of the statement's
 * text, so that there are few different texts, each with a suitable plan.
 */
export const plannedRows = (count: number): number => 10 ** Math.ceil(Math.log10(Math.max(1, count)));

/**
 * How long a connection keeps its plans, including those of triggers and foreign key checks. A plan made while a table
 * was almost empty scans the whole table, however large it has grown since.
 */
const planLifetimeMs = 5_000;

/**
 * Wraps the pool's connections in two ways. Their plans are discarded from time to time. And they are closed after a
 * failure: when a query times out, pg keeps the dead connection and would hand it out again. Connections that have been
 * idle since before a failure are closed too, because they are probably just as dead and finding out would cost a
 * timeout each. The same goes for connections to a server that no longer accepts writes.
 */
function maintained(pool: Connections): PostgresPool {
  let failedAtMs = -Infinity;
  const answeredAtMs = new WeakMap<pg.PoolClient, number>();
  const plannedAtMs = new WeakMap<pg.PoolClient, number>();
  const connect = async (): Promise<pg.PoolClient> => {
    for (;;) {
      const client = await pool.connect().catch((error: unknown) => {
        throw asConnectError(error);
      });
      if ((answeredAtMs.get(client) ?? Infinity) > failedAtMs) return client;
      client.release(true);
    }
  };
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await connect();
      // Before the first query, so never in the middle of a transaction: a failed transaction accepts nothing but its
      // end.
      let isDiscardDue = performance.now() - (plannedAtMs.get(client) ?? Infinity) > planLifetimeMs;
      if (isDiscardDue || !plannedAtMs.has(client)) plannedAtMs.set(client, performance.now());
      let failure: Error | undefined;
      const query = async (text: string, values: unknown[]) => {
        const name = preparedNames.get(text);
        try {
          if (isDiscardDue) {
            isDiscardDue = false;
            await client.query('discard plans');
          }
          return await client.query({ text, values, ...(name === undefined ? {} : { name }) });
        } catch (error) {
          if (isConnectionFailure(error)) failure = error as Error;
          throw error;
        } finally {
          if (failure) failedAtMs = performance.now();
          else answeredAtMs.set(client, performance.now());
        }
      };
      const release = (isSpoiled?: boolean) => client.release(failure ?? isSpoiled);
      return { query, release } as unknown as PostgresPoolClient;
    },
  };
}
