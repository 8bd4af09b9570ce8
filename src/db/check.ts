import { sql } from 'kysely';
import { LedgerError } from '../errors.ts';
import type { Database } from './database.ts';
import { asDatabaseError } from './errors.ts';
import { unsuitable } from './hosts.ts';

type Facts = {
  now: Date;
  version: string;
  readOnly: boolean;
  schema: string | null;
  searchPath: string;
  encoding: string;
  replicationRole: string;
};

const maxClockSkewMs = 60_000;
const oldestVersion = 15;

/**
 * Checks that Postgres answers, accepts writes, is new enough and can keep books, and that its clock agrees with ours:
 * settlement uses our clock, due times use Postgres'.
 *
 * @throws LedgerError `database_unavailable`, `database_misconfigured`, `database_forbidden`, `clock_skewed`
 */
export async function checkDatabase(db: Database, nowMs: () => number): Promise<void> {
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
    refuseUnfit(facts);
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

// It reads no catalog: every command asks it on a new connection, which has none of them in memory.
async function factsOf(db: Database): Promise<Facts> {
  const { rows } = await sql<Facts>`
    select clock_timestamp() as now, split_part(current_setting('server_version'), ' ', 1) as version,
      current_setting('transaction_read_only')::boolean as "readOnly",
      current_schema() as schema, current_setting('search_path') as "searchPath",
      current_setting('server_encoding') as encoding, current_setting('session_replication_role') as "replicationRole"`.execute(
    db.kysely,
  );
  const [facts] = rows;
  if (!facts) throw new Error('Postgres gave no answer');
  return facts;
}

type Description = {
  version: string;
  tls: string | null;
  role: string;
  standing: 'superuser' | 'owner' | 'not the owner' | null;
  hasMigrations: boolean;
};

/** What Postgres is and as whom it is used, as a line for people. @throws LedgerError `database_unavailable` */
export async function describeDatabase(db: Database): Promise<string> {
  try {
    const { rows } = await sql<Description>`
      select split_part(current_setting('server_version'), ' ', 1) as version,
        (select version from pg_stat_ssl where pid = pg_backend_pid() and ssl) as tls, current_user as role,
        case when r.rolsuper then 'superuser' when pg_has_role(c.relowner, 'usage') then 'owner'
          when c.oid is not null then 'not the owner' end as standing,
        c.oid is not null as "hasMigrations"
      from pg_roles r left join pg_class c on c.oid = to_regclass('kysely_migration')
      where r.rolname = current_user`.execute(db.kysely);
    const [found] = rows;
    if (!found) throw new Error('Postgres knows no current user');
    const { version, tls, role, standing } = found;
    const migrations = found.hasMigrations ? await countMigrations(db) : 0;
    return [
      `Postgres ${version}`,
      tls?.replace(/^TLSv/, 'TLS ') ?? 'no TLS',
      `role ${role}${standing === null ? '' : ` (${standing})`}`,
      `${migrations} migration${migrations === 1 ? '' : 's'}`,
    ].join(', ');
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/** @throws LedgerError `database_misconfigured` for settings with which queries would fail, or rules would not hold. */
function refuseUnfit({ schema, searchPath, encoding, replicationRole }: Facts): void {
  const misconfigured = (message: string, hint: string) => new LedgerError('database_misconfigured', message, { hint });
  if (schema === null)
    throw misconfigured(
      `The search_path (${searchPath}) leads to no schema that this role may use.`,
      'Correct search_path in DATABASE_URL, of the role or of the database; or create the schema as its owner, run migrate up and ops/postgres-roles.sql.',
    );
  if (encoding !== 'UTF8')
    throw misconfigured(
      `The database is encoded in ${encoding}: what the vendor sends may not fit in.`,
      "Create the database anew: create database books template template0 encoding 'UTF8'.",
    );
  if (replicationRole !== 'origin')
    throw misconfigured(
      `session_replication_role is ${replicationRole}: triggers and foreign keys are off, and closed months unprotected.`,
      'Reset it for the role and the database (alter role … reset session_replication_role).',
    );
}

type Limit = { readonly limit: number; readonly what: string };

/**
 * Checks that Postgres grants as many connections at once as a process opens. Whoever else is connected is not counted.
 *
 * @param needed the most that the process opens.
 * @throws LedgerError `database_misconfigured`
 */
export async function checkConnectionLimit(db: Database, needed: number): Promise<void> {
  const { rows } = await sql<Limit>`
    select l."limit"::int as "limit", l.what
    from pg_roles r, pg_database d, lateral (values
      (case when r.rolsuper or r.rolconnlimit < 0 then null else r.rolconnlimit end, 'the connection limit of the role ' || r.rolname),
      (case when r.rolsuper or d.datconnlimit < 0 then null else d.datconnlimit end, 'the connection limit of the database ' || d.datname),
      (current_setting('max_connections')::int, 'max_connections of the server')
    ) as l ("limit", what)
    where r.rolname = current_user and d.datname = current_database() and l."limit" < ${needed}
    order by l."limit" limit 1`.execute(db.kysely);
  const [first] = rows;
  if (first)
    throw new LedgerError(
      'database_misconfigured',
      `Postgres allows at most ${first.limit} connections at once, and this needs up to ${needed}.`,
      {
        fields: { limit: first.limit, needed },
        hint: `Raise ${first.what}: all processes together need 20 for each worker and service, 8 for each command.`,
      },
    );
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
