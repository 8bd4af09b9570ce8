import { sql } from 'kysely';
import { LedgerError } from '../errors.ts';
import type { Database } from './database.ts';
import { asDatabaseError } from './errors.ts';
import { unsuitable } from './hosts.ts';

type Facts = {
  now: Date;
  version: string;
  tls: string | null;
  role: string;
  standing: 'superuser' | 'owner' | 'not the owner' | null;
  migrations: boolean;
  readOnly: boolean;
};

const maxClockSkewMs = 60_000;
const oldestVersion = 15;

/**
 * Checks that Postgres answers, accepts writes and is new enough, and that its clock agrees with ours: settlement uses
 * our clock, due times use Postgres'.
 *
 * @returns what it found, as a line for people.
 * @throws LedgerError `database_unavailable`, `database_misconfigured`, `database_forbidden`, `clock_skewed`
 */
export async function checkDatabase(db: Database, nowMs: () => number): Promise<string> {
  try {
    const askedAtMs = nowMs();
    const facts = await factsOf(db);
    const answeredAtMs = nowMs();
    if (facts.readOnly) throw notForBooks('The server in DATABASE_URL accepts no writes.');
    const databaseMs = facts.now.getTime();
    refuseSkew(Math.max(0, askedAtMs - databaseMs, databaseMs - answeredAtMs));
    const major = Number(/^\d+/.exec(facts.version)?.[0]);
    if (major < oldestVersion)
      throw new LedgerError('database_misconfigured', `This is Postgres ${facts.version}: too old.`, {
        hint: `The books need Postgres ${oldestVersion} or newer.`,
      });
    const migrations = facts.migrations ? await countMigrations(db) : 0;
    return [
      `Postgres ${facts.version}`,
      facts.tls?.replace(/^TLSv/, 'TLS ') ?? 'no TLS',
      `role ${facts.role}${facts.standing === null ? '' : ` (${facts.standing})`}`,
      `${migrations} migration${migrations === 1 ? '' : 's'}`,
    ].join(', ');
  } catch (cause) {
    if (unsuitable(cause) !== undefined && cause instanceof LedgerError) throw notForBooks(cause.message, cause);
    throw asDatabaseError(cause);
  }
}

const notForBooks = (message: string, cause?: unknown): LedgerError =>
  new LedgerError('database_misconfigured', `${message} The books have to be written, so they need a primary.`, {
    hint: 'Set DATABASE_URL to the primary; for a cluster, name all of its servers: postgres://user@first:5432,second:5432/database. If the server is read-only by its settings, see default_transaction_read_only.',
    cause,
  });

async function factsOf(db: Database): Promise<Facts> {
  const { rows } = await sql<Facts>`
    select clock_timestamp() as now, split_part(current_setting('server_version'), ' ', 1) as version,
      (select version from pg_stat_ssl where pid = pg_backend_pid() and ssl) as tls, current_user as role,
      case when r.rolsuper then 'superuser' when pg_has_role(c.relowner, 'usage') then 'owner'
        when c.oid is not null then 'not the owner' end as standing,
      c.oid is not null as migrations, current_setting('transaction_read_only')::boolean as "readOnly"
    from pg_roles r left join pg_class c on c.oid = to_regclass('kysely_migration')
    where r.rolname = current_user`.execute(db.kysely);
  const [facts] = rows;
  if (!facts) throw new Error('Postgres knows no current user');
  return facts;
}

async function countMigrations(db: Database): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from kysely_migration`.execute(db.kysely);
  return rows[0]?.count ?? 0;
}

function refuseSkew(skewMs: number): void {
  if (skewMs <= maxClockSkewMs) return;
  throw new LedgerError(
    'clock_skewed',
    `This machine's clock and Postgres' are ${Math.round(skewMs / 1_000)} s apart.`,
    {
      fields: { skewMs },
      hint: 'Synchronise both clocks (NTP): when a transaction is past its expiry must not depend on who asks.',
    },
  );
}
