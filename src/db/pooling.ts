import type pg from 'pg';
import { errorCode, LedgerError } from '../errors.ts';
import { asDatabaseError, type Database } from './database.ts';
import { orAfter } from '../within.ts';

/** A pooler that has no server for us says nothing at all. */
const answerMs = 2_000;
const rounds = 3;

/**
 * Checks that a connection is ours alone, by nothing but what every role may ask. A pooler in transaction or statement
 * mode gives one connection to several clients by turns: locks of sessions would stay behind on connections of others,
 * and prepared statements would be missing. Costs nothing where Postgres itself answers.
 *
 * @returns what stands between.
 * @throws LedgerError `database_misconfigured`, `database_unavailable`
 */
export async function checkPooling(db: Database, variable = 'DATABASE_URL'): Promise<string> {
  if (db.isDirect()) return 'direct connections';
  const clients: pg.Client[] = [];
  try {
    const one = await opened(db, clients);
    const other = await opened(db, clients);
    for (let round = 0; round < rounds; round += 1) {
      const sharing = await findSharing(one, other);
      if (sharing === 'cannot tell') break;
      if (sharing !== undefined) throw shared(variable, sharing);
    }
    return 'a pooler in session mode';
  } catch (error) {
    throw asDatabaseError(error);
  } finally {
    await orAfter(answerMs, Promise.all(clients.map((client) => client.end().catch(() => undefined))), undefined);
  }
}

type Probe = { readonly client: pg.Client; readonly pids: Set<number> };

async function opened(db: Database, clients: pg.Client[]): Promise<Probe> {
  try {
    const client = await db.connect();
    clients.push(client);
    return { client, pids: new Set() };
  } catch (cause) {
    if (!isSilence(cause)) throw cause;
    throw new LedgerError('database_unavailable', 'The pooler before Postgres has no connection to spare.', {
      hint: 'A command needs 3 connections at least, a worker up to 22: raise default_pool_size, or end what holds them.',
      cause,
    });
  }
}

/**
 * A session has one process of the server, which never changes and is nobody else's. A pooler that takes the connection
 * used last gives both clients the same one; one that takes them by turns changes a client's own; and while a
 * transaction holds one, the other client cannot have it.
 */
async function findSharing(one: Probe, other: Probe): Promise<'transaction' | 'statement' | 'cannot tell' | undefined> {
  await ask(one);
  await ask(one);
  try {
    await ask(other, 'begin; ');
  } catch (error) {
    if (isStatementMode(error)) return 'statement';
    if (!isSilence(error)) throw error;
    // All of the pooler's servers are in use. One that is ours alone answers all the same.
    await ask(one);
    return one.pids.size > 1 ? 'transaction' : 'cannot tell';
  }
  // Before the next question, which would wait for ever where the transaction holds the only server.
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
const isSilence = (error: unknown): boolean =>
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
