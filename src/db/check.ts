import { sql } from 'kysely';
import { LedgerError } from '../errors.ts';
import type { Database } from './database.ts';
import { asDatabaseError } from './errors.ts';

type Facts = {
  now: Date;
  version: string;
  tls: string | null;
  role: string;
  standing: 'superuser' | 'owner' | 'not the owner' | null;
  migrations: boolean;
};

const maxClockSkewMs = 60_000;
const oldestVersion = 15;

/**
 * Checks that Postgres answers, is new enough, and that its clock and ours agree: settlement depends on ours, due times
 * on its.
 *
 * @returns what it found, as a line for a person.
 * @throws LedgerError `database_unavailable`, `database_misconfigured`, `database_forbidden`, `clock_skewed`
 */
export async function checkDatabase(db: Database, nowMs: () => number): Promise<string> {
  try {
    const askedAtMs = nowMs();
    const facts = await factsOf(db);
    const answeredAtMs = nowMs();
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
    throw asDatabaseError(cause);
  }
}

async function factsOf(db: Database): Promise<Facts> {
  const { rows } = await sql<Facts>`
    select clock_timestamp() as now, split_part(current_setting('server_version'), ' ', 1) as version,
      (select version from pg_stat_ssl where pid = pg_backend_pid() and ssl) as tls, current_user as role,
      case when r.rolsuper then 'superuser' when pg_has_role(c.relowner, 'usage') then 'owner'
        when c.oid is not null then 'not the owner' end as standing,
      c.oid is not null as migrations
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
