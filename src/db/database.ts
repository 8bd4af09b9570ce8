import {
  Kysely,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type QueryResult,
  type RawBuilder,
  sql,
} from 'kysely';
import type pg from 'pg';
import { errorCode, LedgerError } from '../errors.ts';
import { parseServers, type Purpose } from './addresses.ts';
import { type Connections, openServers, unsuitable } from './hosts.ts';
import type { Schema } from './schema.ts';

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
  const list = parseServers(url, purpose);
  if (typeof list === 'string') throw new LedgerError('config_invalid', `${variable} ${list}.`);
  const queryTimeoutMs = options.queryTimeoutMs ?? 60_000;
  const limits = { statement_timeout: queryTimeoutMs - 1_000, lock_timeout: options.lockTimeoutMs ?? 0 };
  const servers = openServers({
    ...list,
    ...{ variable, queryTimeoutMs, maxConnections: options.maxConnections ?? 10, examine: options.examine },
    connection: {
      application_name: 'idscan-ledger',
      // The system's own default begins to ask after two hours whether the other end is still there.
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
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
      const client = await pool.connect();
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

/**
 * Checks that Postgres answers and takes writes, and that its clock and ours agree: settlement depends on ours, due times
 * on its.
 *
 * @throws LedgerError `database_unavailable`, `database_misconfigured`, `clock_skewed`
 */
export async function checkDatabase(db: Database, nowMs: () => number): Promise<void> {
  let skewMs: number;
  try {
    const askedAtMs = nowMs();
    const { rows } = await sql<{ now: Date; read_only: boolean }>`
      select clock_timestamp() as now, current_setting('transaction_read_only') = 'on' as read_only`.execute(db.kysely);
    if (rows[0]?.read_only) throw notForBooks('The server in DATABASE_URL takes no writes.');
    const answeredAtMs = nowMs();
    const databaseMs = rows[0]?.now.getTime() ?? answeredAtMs;
    skewMs = Math.max(0, askedAtMs - databaseMs, databaseMs - answeredAtMs);
  } catch (cause) {
    if (cause instanceof LedgerError && unsuitable(cause)) throw notForBooks(cause.message, cause);
    throw asDatabaseError(cause);
  }
  if (skewMs > maxClockSkewMs)
    throw new LedgerError(
      'clock_skewed',
      `This machine's clock and Postgres' are ${Math.round(skewMs / 1_000)} s apart.`,
      {
        fields: { skewMs },
        hint: 'Synchronise both clocks (NTP): when a transaction is past its expiry must not depend on who asks.',
      },
    );
}

const maxClockSkewMs = 60_000;

const notForBooks = (message: string, cause?: unknown): LedgerError =>
  new LedgerError('database_misconfigured', `${message} The books are written, so they need a primary.`, {
    hint: 'Set DATABASE_URL to the primary; of a cluster name all servers: postgres://user@first:5432,second:5432/database. If the server is read-only by its settings, see default_transaction_read_only.',
    cause,
  });

/** What a server says that became a standby, or was made read-only, while we were connected to it. */
const readOnlyTransaction = '25006';

/** Whether Postgres, not the query, is the reason of a failure: it may work later. */
export function isConnectionFailure(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === readOnlyTransaction || errorCode(error) === 'database_unavailable') return true;
  if (typeof code === 'string' && /^(08|57P|53|28|3D000)/.test(code)) return true;
  if (typeof code === 'string' && /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_)/.test(code))
    return true;
  return (
    typeof message === 'string' &&
    /connection terminated|connection timeout|timeout exceeded|timeout expired|read timeout|client has encountered/i.test(
      message,
    )
  );
}

/** Whether others were in the way: a lock that was not to be had in time, a deadlock, a statement that took too long. */
export function isInTheWay(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '55P03' || code === '57014' || code === '40P01' || code === '40001';
}

/** Wraps a failure of Postgres itself as `database_unavailable`; other errors are returned as they are. */
export function asDatabaseError(error: unknown): Error {
  if (errorCode(error) === 'internal' && isInTheWay(error))
    return new LedgerError('database_unavailable', 'Postgres was kept from doing it in time, by other work.', {
      hint: 'Nothing was lost: workers try again by themselves. Run a command again; if it stays so, look for what holds locks (pg_stat_activity).',
      cause: error,
    });
  if (errorCode(error) !== 'internal' || !isConnectionFailure(error))
    return error instanceof Error ? error : new Error(String(error));
  const isReadOnly = (error as { code?: unknown }).code === readOnlyTransaction;
  const what = isReadOnly ? 'takes no writes any more: it was demoted or made read-only' : 'does not answer';
  return new LedgerError('database_unavailable', `Postgres ${what}${refusalOf(error)}.`, {
    hint: 'Check DATABASE_URL (address, user, password, database) and that the server runs. Nothing was lost: what was committed stays, the rest is retried.',
    cause: error,
  });
}

/** That a server is there and refuses us is worth saying; its words name user or database, never a password. */
function refusalOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' && /^(28|3D)/.test(code) ? ` (${String(message)})` : '';
}
