import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type pg from 'pg';
import { errorCode, LedgerError } from '../errors.ts';
import { asDatabaseError, type Database, type DatabaseOptions, openDatabase, type Queries } from './database.ts';
import type { Dedicated } from './snapshot.ts';

/** A standby that is read from instead of the primary. */
export type Replica = {
  readonly db: Database;
  /** After a failure it is not used until this time, so that not every page waits for it. */
  readonly rest: { untilMs: number };
};

/** How far a standby is behind its primary. `null` = unknown. */
export type Behind = { readonly seconds: number | null };

/** Short, so that a dead standby does not keep a page waiting. */
const connectTimeoutMs = 3_000;

/** Opens the pool of a standby. Each new connection is compared with the primary before its first use. */
export function openReplica(url: string, primary: Database, options: DatabaseOptions): Replica {
  let known: Promise<Identity> | undefined;
  const identity = (): Promise<Identity> => {
    known ??= identityOf(primary.kysely);
    known.catch(() => (known = undefined));
    return known;
  };
  const examine = async (client: pg.ClientBase): Promise<void> => {
    const { rows } = await client.query<Identity>(identityQuery);
    if (rows[0]) await expectStandby(rows[0], await identity(), primary.kysely);
  };
  return {
    db: openDatabase(url, { ...options, connectTimeoutMs, purpose: 'reading', examine }),
    rest: { untilMs: 0 },
  };
}

type Identity = {
  readonly cluster: string;
  readonly database: number;
  readonly started_at: string;
  readonly in_recovery: boolean;
};

const identityQuery = `
  select c.system_identifier::text as cluster, d.oid::int8::int4 as database, pg_postmaster_start_time()::text as started_at,
    pg_is_in_recovery() as in_recovery
  from pg_control_system() c, pg_database d where d.datname = current_database()`;

async function identityOf(db: Queries): Promise<Identity> {
  const { rows } = await sql.raw<Identity>(identityQuery).execute(db);
  if (!rows[0]) throw new LedgerError('internal', 'Postgres did not return its identity.');
  return rows[0];
}

/** A promoted copy has the same identity as the primary but books of its own. */
async function expectStandby(found: Identity, primary: Identity, db: Queries): Promise<void> {
  if (found.cluster !== primary.cluster || found.database !== primary.database)
    throw notAStandby('It belongs to other books.');
  if (found.in_recovery) return;
  // The primary itself is acceptable. Its identity is read again because it may have been restarted.
  if ((await identityOf(db)).started_at !== found.started_at)
    throw notAStandby('It was promoted and has diverged from the primary.');
}

const notAStandby = (why: string): LedgerError =>
  new LedgerError(
    'database_misconfigured',
    `The server in DATABASE_READ_URL is not a standby of the one in DATABASE_URL. ${why}`,
    {
      hint: 'Set DATABASE_READ_URL to a streaming standby of the same cluster and the same database, or unset it.',
    },
  );

/** A position in the primary's write-ahead log, and when it was written. */
export type Position = { readonly lsn: string; readonly at: string };

/**
 * Marks the position after everything that is visible on the primary now. It commits a record of its own: the last part
 * of the log may not have been sent to the standby yet, and would not be until the next write.
 */
export async function markPosition(db: Queries): Promise<Position> {
  const { rows } = await sql<Position>`
    select pg_logical_emit_message(true, 'idscan-ledger', 'report')::text as lsn, clock_timestamp()::text as at`.execute(
    db,
  );
  if (!rows[0]) throw new LedgerError('internal', 'Postgres did not return its WAL position.');
  return rows[0];
}

const firstPollMs = 5;
const longestPollMs = 250;

/**
 * Waits until the standby on this connection has replayed everything up to a position. Its last commit must be as
 * recent as the position, too: a standby of a replaced primary may have reached the same position of a log that has
 * diverged.
 *
 * @throws LedgerError `replica_behind`
 */
export async function waitForReplay({ queries }: Dedicated, { lsn, at }: Position, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  for (let pollMs = firstPollMs; ; pollMs = Math.min(longestPollMs, pollMs * 2)) {
    const { rows } = await sql<{ is_there: boolean | null }>`
      select case when pg_is_in_recovery()
        then pg_last_wal_replay_lsn() >= ${lsn}::pg_lsn and pg_last_xact_replay_timestamp() >= ${at}::timestamptz
        else pg_current_wal_insert_lsn() >= ${lsn}::pg_lsn end as is_there`.execute(queries);
    if (rows[0]?.is_there) return;
    if (performance.now() > deadlineMs)
      throw new LedgerError(
        'replica_behind',
        `The standby in DATABASE_READ_URL did not catch up with the primary within ${Math.round(timeoutMs / 1_000)} s.`,
        {
          hint: 'Nothing was published. Look at replication (pg_stat_replication on the primary), or unset DATABASE_READ_URL to read from the primary.',
        },
      );
    await delay(pollMs);
  }
}

/** A standby that catches up within this time is not behind. */
const closeMs = 500;

/**
 * How far a standby is behind its primary, judged by what it lacks. The age of its last commit would not do: while
 * nobody writes, it grows although nothing is missing.
 */
export async function replicaLag(primary: Database, replica: Replica): Promise<Behind> {
  const written = await sql<{ lsn: string; now: string }>`
    select pg_current_wal_flush_lsn()::text as lsn, clock_timestamp()::text as now`
    .execute(primary.kysely)
    .then(({ rows }) => rows[0])
    .catch(() => undefined);
  const deadlineMs = performance.now() + closeMs;
  for (;;) {
    const { rows } = await sql<{ is_there: boolean | null; seconds: number | null }>`
      select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() >= ${written?.lsn ?? null}::pg_lsn else true end as is_there,
        extract(epoch from coalesce(${written?.now ?? null}::timestamptz, clock_timestamp()) - pg_last_xact_replay_timestamp())::float8
          as seconds`.execute(replica.db.kysely);
    const [row] = rows;
    if (row?.is_there) return { seconds: 0 };
    // The last commit may be old because nobody wrote, while the missing one is recent.
    const isShort = row?.seconds !== null && row?.seconds !== undefined && row.seconds * 1_000 <= closeMs;
    if (!written || isShort || performance.now() > deadlineMs)
      return {
        seconds: row?.seconds === undefined || row.seconds === null ? null : Math.max(0, Math.round(row.seconds)),
      };
    await delay(firstPollMs * 4);
  }
}

/**
 * Checks the standby that pages and reports read from.
 *
 * @returns how far it is behind, as text.
 * @throws LedgerError `database_unavailable`, `database_misconfigured`
 */
export async function checkReplica(primary: Database, replica: Replica): Promise<string> {
  try {
    const { seconds } = await replicaLag(primary, replica);
    const { in_recovery } = await identityOf(replica.db.kysely);
    const kind = in_recovery ? 'standby' : 'the primary itself';
    return `${kind}, ${seconds === null ? 'lag unknown' : seconds === 0 ? 'not behind' : `${seconds} s behind`}`;
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/**
 * Converts a failure on a standby into a {@link LedgerError}. A standby cancels queries that block the replay of the
 * primary's changes. In a read-only transaction these codes have no other cause.
 */
export function asReplicaError(error: unknown): Error {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    const { code, message } = one as Error & { code?: unknown };
    if (code === '40001' || code === '57P04' || (code === '57014' && /recovery/i.test(message)))
      return new LedgerError('replica_behind', 'The standby cancelled the query because it blocked replication.', {
        fields: { conflict: true },
        hint: 'Set hot_standby_feedback = on, or a longer max_standby_streaming_delay, on the standby.',
        cause: error,
      });
  }
  return asDatabaseError(error);
}

/** Whether a failure is the standby's, so that the primary may work instead. */
export const isReplicaFailure = (error: unknown): boolean =>
  ['database_unavailable', 'database_misconfigured', 'replica_behind'].includes(errorCode(error));
