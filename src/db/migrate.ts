import { sql } from 'kysely';
import { type MigrationResultSet, Migrator } from 'kysely/migration';
import { migrations } from '../../migrations/index.ts';
import { LedgerError } from '../errors.ts';
import type { Database } from './database.ts';
import { isRestricted } from './errors.ts';
import { migrateAlone } from './migration-lock.ts';

export type MigrationStatus = {
  readonly name: string;
  readonly appliedAt: Date | null;
  /** Whether this version contains it. A newer version may have applied more. */
  readonly isKnown: boolean;
};

export type MigrateOptions = {
  /** How long to wait while another migration is under way. Default: a minute. */
  readonly waitMs?: number;
};

/**
 * Applies all pending migrations, or none. Safe to run in several processes at once.
 *
 * @returns the names of the applied migrations.
 * @throws LedgerError `database_newer`, `database_misconfigured`, `database_forbidden`; `database_unavailable` if others
 *   hold what it needs for too long
 */
export async function migrateUp(db: Database, options: MigrateOptions = {}): Promise<string[]> {
  await statusOfOurs(db);
  return migrated(db, options, (migrator) => migrator.migrateToLatest());
}

/** What migrations report about the books that they changed. */
export async function migrationNotes(db: Database, names: readonly string[]): Promise<string[]> {
  const { rows: found } = await sql`select where to_regclass('migration_notes') is not null`.execute(db.kysely);
  if (found.length === 0) return [];
  const { rows } = await sql<{ note: string }>`
    select note from migration_notes where migration = any(${names}::text[]) order by migration`.execute(db.kysely);
  return rows.map(({ note }) => note);
}

/**
 * Reverts the last migration and drops its data.
 *
 * @returns the reverted names.
 * @throws as {@link migrateUp}; `blocked` if the migration refuses, because an earlier version could not read the data
 */
export async function migrateDown(db: Database, options: MigrateOptions = {}): Promise<string[]> {
  await statusOfOurs(db);
  try {
    return await migrated(db, options, (migrator) => migrator.migrateDown());
  } catch (cause) {
    if (!isRestricted(cause)) throw cause;
    throw new LedgerError('blocked', `The last migration cannot be taken back: ${cause.message}.`, {
      hint: 'To return to an earlier version, restore the backup from before migrate up.',
      cause,
    });
  }
}

function migrated(
  db: Database,
  { waitMs = 60_000 }: MigrateOptions,
  act: (migrator: Migrator) => Promise<MigrationResultSet>,
): Promise<string[]> {
  const provider = { getMigrations: () => Promise.resolve(migrations) };
  return migrateAlone(db, waitMs, async (connection) => namesOf(await act(new Migrator({ db: connection, provider }))));
}

/** All migrations in order, both of this version and applied ones, with the time at which each was applied. */
export async function migrationStatus(db: Database): Promise<MigrationStatus[]> {
  const appliedAt = new Map(await appliedMigrations(db));
  const names = [...new Set([...Object.keys(migrations), ...appliedAt.keys()])].sort();
  return names.map((name) => ({
    name,
    appliedAt: appliedAt.get(name) ?? null,
    isKnown: name in migrations,
  }));
}

/**
 * Migrates an empty database. An outdated one is left to the operator, who may want a backup first.
 *
 * @throws as {@link checkSchema}
 */
export async function ensureMigrated(db: Database): Promise<void> {
  if ((await checkSchema(db)) === 'empty') await migrateUp(db);
}

/**
 * Checks that the schema is that of this version, or can be made. Changes nothing.
 *
 * @throws LedgerError `database_outdated`, `database_newer`, `database_misconfigured`, `database_forbidden`
 */
export async function checkSchema(db: Database): Promise<'empty' | 'current'> {
  const status = await statusOfOurs(db);
  const pending = status.filter(({ appliedAt }) => appliedAt === null);
  if (pending.length === 0) return 'current';
  if (pending.length === status.length) {
    await expectMayCreate(db);
    return 'empty';
  }
  throw new LedgerError('database_outdated', `The database lacks ${listed(pending)}.`, {
    fields: { pending: pending.length },
    hint: 'Run, as the owner of the schema: npx idscan-ledger migrate up',
  });
}

/** The status of a database that is either ours or empty. Any other is refused. */
async function statusOfOurs(db: Database): Promise<MigrationStatus[]> {
  let status = await migrationStatus(db);
  if (!isOurs(status)) {
    // Tables are read before migrations: another process may be creating both, and commits them together.
    const tables = await tablesOf(db);
    status = await migrationStatus(db);
    expectNobodyElses(tables, status);
  }
  const unknown = status.filter(({ isKnown }) => !isKnown);
  if (unknown.length > 0)
    throw new LedgerError('database_newer', `The database has ${listed(unknown)} that this version does not know.`, {
      fields: { unknown: unknown.length },
      hint: 'Run the version that made them, or a newer one (kysely_migration lists them). To return to this version, restore a backup or run that version’s migrate down.',
    });
  expectOrder(status);
  return status;
}

const isOurs = (status: readonly MigrationStatus[]): boolean =>
  status.some(({ isKnown, appliedAt }) => isKnown && appliedAt !== null);

/** With a wrong address in DATABASE_URL, our tables must not end up among another program's. */
function expectNobodyElses(tables: readonly string[], status: readonly MigrationStatus[]): void {
  if (isOurs(status) || (tables.length === 0 && status.every(({ isKnown }) => isKnown))) return;
  throw new LedgerError('database_misconfigured', `The database is another program's${suchAs(tables)}.`, {
    fields: { tables: tables.length },
    hint: 'Check the database in DATABASE_URL. Books need a database, or a schema in the search_path, of their own.',
  });
}

/** Migrations are applied in their order, each once. Kysely refuses all else, too, but not in words for an operator. */
function expectOrder(status: readonly MigrationStatus[]): void {
  const appliedAtMs = ({ appliedAt }: MigrationStatus): number => appliedAt?.getTime() ?? Infinity;
  // The sort is stable: those of one instant stay in the order of their names.
  const inTime = status.toSorted((a, b) => (appliedAtMs(a) === appliedAtMs(b) ? 0 : appliedAtMs(a) - appliedAtMs(b)));
  const timeless = status.find((one) => Number.isNaN(appliedAtMs(one)));
  const wrong = timeless ?? status.find((one, index) => inTime[index] !== one);
  if (!wrong) return;
  throw new LedgerError(
    'database_misconfigured',
    `The table kysely_migration was changed by hand: ${wrong.name} is missing there, or has another time than that of its turn.`,
    {
      hint: 'Restore kysely_migration from a backup, or correct it as the owner: a row for each migration that was applied, with times in the order of their names. migrate status lists them.',
    },
  );
}

/** Deletes the keys of all documents, so that the demo may take its tables down: books of its own, made anew. */
export async function forgetDocuments({ kysely }: Database): Promise<void> {
  const { rows } = await sql`select where to_regclass('document_keys') is not null`.execute(kysely);
  if (rows.length > 0) await sql`with keys as (delete from document_keys) delete from erasures`.execute(kysely);
}

/** @throws LedgerError `database_forbidden` if this role cannot set an empty database up. */
async function expectMayCreate(db: Database): Promise<void> {
  const { rows } = await sql<{ role: string; schema: string; may: boolean }>`
    select current_user as role, current_schema() as schema, has_schema_privilege(current_schema(), 'create') as may`.execute(
    db.kysely,
  );
  const [found] = rows;
  if (!found || found.may) return;
  throw new LedgerError(
    'database_forbidden',
    `The database is empty, and the role ${found.role} may not create tables in its schema ${found.schema}.`,
    { hint: 'Run migrate up as the owner of the schema, then ops/postgres-roles.sql.' },
  );
}

async function appliedMigrations(db: Database): Promise<[string, Date][]> {
  const { rows: found } = await sql`select where to_regclass('kysely_migration') is not null`.execute(db.kysely);
  if (found.length === 0) return [];
  const { rows } = await sql<{ name: string; timestamp: string }>`select name, timestamp from kysely_migration`.execute(
    db.kysely,
  );
  return rows.map(({ name, timestamp }) => [name, new Date(timestamp)]);
}

/** The tables of the schema, except those of extensions and of the migrator. */
async function tablesOf(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relkind in ('r', 'p', 'f')
      and c.relname not in ('kysely_migration', 'kysely_migration_lock')
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by 1`.execute(db.kysely);
  return rows.map(({ name }) => name);
}

const suchAs = (tables: readonly string[]): string => (tables[0] === undefined ? '' : `: it holds ${tables[0]}`);

function listed(some: readonly MigrationStatus[]): string {
  return `${some.length} migration${some.length === 1 ? '' : 's'} (${some.map(({ name }) => name).join(', ')})`;
}

function namesOf({ error, results = [] }: MigrationResultSet): string[] {
  if (error) throw error instanceof Error ? error : new Error('migration failed', { cause: error });
  return results.filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName);
}
