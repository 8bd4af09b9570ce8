import { type Kysely, type RawBuilder, sql } from 'kysely';
import { LedgerError } from '../errors.ts';
import { isLockTimeout } from './errors.ts';
import type { Database, Queries } from './database.ts';
import type { Schema } from './schema.ts';

/** Kysely's own lock. It is taken first, because Kysely waits for it for an hour and does not say for whom. */
const migrationLock = '3853314791062309107';

/**
 * Runs a migration while no other one runs, on one connection.
 *
 * @param waitMs how long to wait for another migration. For tables, the session's `lock_timeout` counts.
 * @throws LedgerError `database_unavailable` that names who holds the lock
 */
export async function migrateAlone<T>(
  db: Database,
  waitMs: number,
  run: (connection: Kysely<Schema>) => Promise<T>,
): Promise<T> {
  return db.kysely.connection().execute(async (connection) => {
    await orHeldUp(connection, 'Another migration is under way', migrationHolders, async () => {
      await sql`with patience as (select set_config('lock_timeout', ${`${waitMs}ms`}, true))
        select pg_advisory_lock(${sql.lit(migrationLock)}::bigint) from patience`.execute(connection);
    });
    try {
      return await orHeldUp(connection, 'Other work holds tables that the migration changes', tableHolders, () =>
        run(connection),
      );
    } finally {
      // A connection that is lost has let it go.
      await sql`select pg_advisory_unlock(${sql.lit(migrationLock)}::bigint)`
        .execute(connection)
        .catch(() => undefined);
    }
  });
}

type Holder = {
  readonly pid: number;
  readonly role: string | null;
  readonly program: string;
  readonly since: Date | null;
};

/** `since` is null where Postgres does not show it to this role. */
const holders = (held: RawBuilder<unknown>): RawBuilder<Holder> => sql<Holder>`
  select a.pid, a.usename as role, a.application_name as program, a.xact_start as since
  from pg_stat_activity a
  where a.datname = current_database() and a.pid <> pg_backend_pid() and exists (select from pg_locks l ${held})
  order by a.xact_start, a.pid limit 3`;

const migrationHolders = holders(sql`
  where l.pid = a.pid and l.granted and l.locktype = 'advisory' and l.objsubid = 1
    and (l.classid::bigint << 32 | l.objid::bigint) = ${sql.lit(migrationLock)}::bigint`);

/** A session that began after the wait is no obstacle: it would have had to wait behind the migration. */
const tableHolders = holders(sql`
  join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
  where l.pid = a.pid and l.granted and l.locktype = 'relation' and n.nspname = current_schema()
    and (a.xact_start is null or a.xact_start < now() - current_setting('lock_timeout')::interval)`);

async function orHeldUp<T>(
  connection: Queries,
  what: string,
  who: RawBuilder<Holder>,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (!isLockTimeout(cause)) throw cause;
    const { rows } = await who.execute(connection);
    if (rows.length === 0) throw cause;
    throw new LedgerError('database_unavailable', `${what}: ${rows.map(described).join('; ')}.`, {
      fields: { holders: rows.length },
      hint: `Nothing was changed. Wait until it has ended, or end it as its role or an administrator: select ${rows.map(({ pid }) => `pg_terminate_backend(${pid})`).join(', ')}. Then run the command again.`,
      cause,
    });
  }
}

function described({ pid, role, program, since }: Holder): string {
  const began = since === null ? '' : `, since ${since.toISOString()}`;
  return `session ${pid} of ${role ?? 'Postgres'} (${program === '' ? 'no name' : program}${began})`;
}
