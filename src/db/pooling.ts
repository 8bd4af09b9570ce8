import type pg from 'pg';
import { errorCode, LedgerError } from '../errors.ts';
import { asDatabaseError, type Database } from './database.ts';
import type { DedicatedConnection } from './dedicated.ts';
import { orAfter } from '../within.ts';

/** A pooler without a free server does not answer at all. */
const answerMs = 2_000;
const rounds = 3;

/**
 * Checks that a connection is not shared, using only queries that every role may run. A pooler in transaction or
 * statement mode gives one server connection to several clients in turn: session locks would stay on other clients'
 * connections, and prepared statements would be missing. Costs nothing if Postgres itself answers.
 *
 * @returns what is between this process and Postgres.
 * @throws LedgerError `database_misconfigured`, `database_unavailable`
 */
export async function checkPooling(db: Database, variable = 'DATABASE_URL'): Promise<string> {
  if (db.isDirect()) return 'direct connections';
  const dedicated: DedicatedConnection[] = [];
  try {
    const one = await opened(db, dedicated);
    const other = await opened(db, dedicated);
    for (let round = 0; round < rounds; round += 1) {
      const sharing = await findSharing(one, other);
      if (sharing === 'cannot tell') break;
      if (sharing !== undefined) throw shared(variable, sharing);
    }
    return 'a pooler in session mode';
  } catch (error) {
    throw asDatabaseError(error);
  } finally {
    await orAfter(answerMs, Promise.all(dedicated.map(({ end }) => end())), undefined);
  }
}

type Probe = { readonly client: pg.Client; readonly pids: Set<number> };

async function opened(db: Database, dedicated: DedicatedConnection[]): Promise<Probe> {
  try {
    const connection = await db.connect();
    dedicated.push(connection);
    return { client: connection.client, pids: new Set() };
  } catch (cause) {
    if (!isNoAnswer(cause)) throw cause;
    throw new LedgerError('database_unavailable', 'The pooler in front of Postgres has no free connection.', {
      hint: 'A command needs up to 8 connections, a worker or service up to 20: raise default_pool_size, or end what holds them.',
      cause,
    });
  }
}

/**
 * An unshared session has one server process, which never changes and serves nobody else. A pooler that picks the most
 * recently used connection gives both clients the same process. One that picks in turn changes a client's process. And
 * while a transaction holds a connection, the other client cannot get it.
 */
async function findSharing(one: Probe, other: Probe): Promise<'transaction' | 'statement' | 'cannot tell' | undefined> {
  await ask(one);
  await ask(one);
  try {
    await ask(other, 'begin; ');
  } catch (error) {
    if (isStatementMode(error)) return 'statement';
    if (!isNoAnswer(error)) throw error;
    // All of the pooler's servers are in use. A session of our own still answers.
    await ask(one);
    return one.pids.size > 1 ? 'transaction' : 'cannot tell';
  }
  // Checked before the next query, which would wait for ever if the transaction holds the only server.
  if (isShared(one, other)) return 'transaction';
  await ask(one);
  await other.client.query('rollback');
  await ask(other);
  return isShared(one, other) ? 'transaction' : undefined;
}

const isShared = (one: Probe, other: Probe): boolean =>
  one.pids.size > 1 || other.pids.size > 1 || [...one.pids].some((pid) => other.pids.has(pid));

async function ask({ client, pids }: Probe, before = ''): Promise<void> {
  const query = { text: `${before}select pg_backend_pid() as pid`, query_timeout: answerMs };
  const answer = (await client.query(query)) as pg.QueryResult<{ pid: number }> | pg.QueryResult<{ pid: number }>[];
  const pid = [answer].flat().at(-1)?.rows[0]?.pid;
  if (pid !== undefined) pids.add(pid);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '');
const isStatementMode = (error: unknown): boolean =>
  /statement pooling|transaction blocks not allowed/i.test(messageOf(error));
const isNoAnswer = (error: unknown): boolean =>
  /query read timeout|query_wait_timeout/i.test(messageOf(error)) || errorCode(error) === 'database_unavailable';

const shared = (variable: string, mode: 'transaction' | 'statement'): LedgerError =>
  new LedgerError(
    'database_misconfigured',
    `The pooler in ${variable} shares connections between clients: it is in ${mode} mode.`,
    {
      fields: { mode },
      hint: 'Set it to session mode (PgBouncer: pool_mode = session), or connect to Postgres itself. Locks that last as long as a report is written, prepared statements and COPY need a session.',
    },
  );
