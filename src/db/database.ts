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

export { asDatabaseError } from './errors.ts';

/** A connection pool with typed queries on it. */
export type Database = {
  readonly kysely: Kysely<Schema>;
  /** Opens a connection outside the pool, whose queries may take as long as they need. Whoever asks for it ends it. */
  readonly connect: () => Promise<pg.Client>;
  /** Whether the server that answered last did so itself, rather than a pooler for it. */
  readonly isDirect: () => boolean;
  readonly close: () => Promise<void>;
};

/** Queries run on the pool or inside a transaction that the caller opened. */
export type Queries = Kysely<Schema>;

export type DatabaseOptions = {
  readonly maxConnections?: number;
  /**
   * How long an answer is waited for. Postgres is told to give up a little earlier, so that nothing goes on there of
   * which nobody here knows any more.
   */
  readonly queryTimeoutMs?: number;
  /** How long a statement may wait for somebody else's lock; no limit by itself if not given. */
  readonly lockTimeoutMs?: number | undefined;
  readonly connectTimeoutMs?: number;
  /** Is told of connections that break while idle (a restart of Postgres); the pool replaces them itself. */
  readonly onError?: (error: Error) => void;
  readonly purpose?: Purpose;
  /** Looks at each new connection before it is used, and throws if it is not to be. */
  readonly examine?: (client: pg.ClientBase) => Promise<void>;
};

const variables: Record<Purpose, string> = { writing: 'DATABASE_URL', reading: 'DATABASE_READ_URL' };

/**
 * Opens a pool; connects on first use.
 *
 * @param url may name several servers, see `parseServers`.
 * @throws LedgerError `config_invalid`
 */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const purpose = options.purpose ?? 'writing';
  const variable = variables[purpose];
  const { connectionString, ssl } = protectedBy(url, variable);
  const list = parseServers(connectionString, purpose);
  if (typeof list === 'string') throw new LedgerError('config_invalid', `${variable} ${list}.`);
  const queryTimeoutMs = options.queryTimeoutMs ?? 60_000;
  const limits = { statement_timeout: queryTimeoutMs - 1_000, lock_timeout: options.lockTimeoutMs ?? 0 };
  const servers = openServers({
    ...list,
    variable,
    queryTimeoutMs,
    maxConnections: options.maxConnections ?? 10,
    examine: options.examine,
    connection: {
      application_name: 'idscan-ledger',
      // The system's own default begins to ask after two hours whether the other end is still there.
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      ...(ssl === undefined ? {} : { ssl }),
    },
    settings: Object.entries(limits)
      .map(([name, ms]) => `set ${name} = ${ms}; `)
      .join(''),
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    onError: options.onError ?? (() => undefined),
  });
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: wellKept(servers.pool) }) });
  let closing: Promise<void> | undefined;
  const { connect, isDirect } = servers;
  return { kysely, connect, isDirect, close: () => (closing ??= kysely.destroy()) };
}

/** @throws LedgerError `config_invalid` for a URL, or a file it names, that is of no use. */
function protectedBy(text: string, variable: string): { connectionString: string; ssl?: DatabaseTls } {
  const { url, tls, problems } = readDatabaseUrl(text);
  if (problems.length > 0)
    throw new LedgerError('config_invalid', `${variable} ${problems.join('; it ')}.`, {
      hint: 'Correct it; .env.example explains it.',
    });
  return { connectionString: url, ...(tls === undefined ? {} : { ssl: tls }) };
}

/** The names of statements that connections prepare. */
const preparedNames = new Map<string, string>();

/**
 * Runs a statement that is sent again and again in the same words. A connection keeps what Postgres made of them, and
 * mostly the plan, too: for a statement about one or two results planning is half of the work.
 *
 * @param name of these very words.
 */
export function executePrepared<Row>(db: Queries, name: string, statement: RawBuilder<Row>): Promise<QueryResult<Row>> {
  const compiled = statement.compile(db);
  preparedNames.set(compiled.sql, name);
  return db.executeQuery(compiled);
}

/**
 * How many rows a statement about so many shall be planned for: the next power of ten. As part of its words, so that
 * there are few of them, and each has a plan that fits.
 */
export const plannedRows = (count: number): number => 10 ** Math.ceil(Math.log10(Math.max(1, count)));

/**
 * How long a connection keeps plans: its own, those of triggers and of Postgres' checks of references. A plan made while
 * a table was all but empty reads it from end to end, however large it has become since.
 */
const planLifetimeMs = 5_000;

/**
 * A connection of the pool has its plans made anew from time to time, and is taken out once it has failed. pg gives up
 * a query that gets no answer in time, but not its connection, which would be handed out again and again although it is
 * dead. Others that have been idle since before it failed are likely to be as dead, and to find that out one after the
 * other would take a time-out each: they go, too. So do those to a server that was found to take no writes any more.
 */
function wellKept(pool: Connections): PostgresPool {
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
      // Before anything else, never within a transaction: one that has failed takes nothing but its end.
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
