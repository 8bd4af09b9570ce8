import { sql } from 'kysely';
import { type MigrationResultSet, Migrator } from 'kysely/migration';
import { migrations } from '../../migrations/index.ts';
import { LedgerError } from '../errors.ts';
import type { Database } from './database.ts';

export type MigrationStatus = {
  readonly name: string;
  readonly appliedAt: Date | null;
  /** Whether this version contains it. A newer version may have applied more. */
  readonly isKnown: boolean;
};

const migratorFor = (db: Database): Migrator =>
  new Migrator({ db: db.kysely, provider: { getMigrations: () => Promise.resolve(migrations) } });

/**
 * Applies all pending migrations. Safe to run in several processes at once.
 *
 * @returns the names of the applied migrations.
 * @throws LedgerError `database_newer`, `database_misconfigured`, `database_forbidden`
 */
export async function migrateUp(db: Database): Promise<string[]> {
  await statusOfOurs(db);
  return namesOf(await migratorFor(db).migrateToLatest());
}

/** What migrations report about the books that they changed. */
export async function migrationNotes(db: Database, names: readonly string[]): Promise<string[]> {
  const { rows: found } = await sql`select where to_regclass('migration_notes') is not null`.execute(db.kysely);
  if (found.length === 0) return [];
  const { rows } = await sql<{ note: string }>`
    select note from migration_notes where migration = any(${names}::text[]) order by migration`.execute(db.kysely);
  return rows.map(({ note }) => note);
}

/** Reverts the last migration and drops its data. @returns the reverted names. @throws as {@link migrateUp} */
export async function migrateDown(db: Database): Promise<string[]> {
  await statusOfOurs(db);
  return namesOf(await migratorFor(db).migrateDown());
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
 * @throws LedgerError `database_outdated`, `database_newer`, `database_misconfigured`
 */
export async function ensureMigrated(db: Database): Promise<void> {
  if ((await checkSchema(db)) === 'empty') await migrateUp(db);
}

/**
 * Checks that the schema is that of this version. Changes nothing.
 *
 * @throws LedgerError `database_outdated`, `database_newer`, `database_misconfigured`
 */
export async function checkSchema(db: Database): Promise<'empty' | 'current'> {
  const status = await statusOfOurs(db);
  const pending = status.filter(({ appliedAt }) => appliedAt === null);
  if (pending.length === 0) return 'current';
  if (pending.length === status.length) return 'empty';
  throw new LedgerError('database_outdated', `The database lacks ${listed(pending)}.`, {
    fields: { pending: pending.length },
    hint: 'Run, as the owner of the schema: npx idscan-ledger migrate up',
  });
}

/** The status of a database that is either ours or empty. Any other is refused. */
async function statusOfOurs(db: Database): Promise<MigrationStatus[]> {
  // Tables are read before migrations: another process may be creating both, and commits them together.
  const tables = await tablesOf(db);
  const status = await migrationStatus(db);
  const unknown = status.filter(({ isKnown }) => !isKnown);
  const isOurs = status.some(({ isKnown, appliedAt }) => isKnown && appliedAt !== null);
  // With a wrong address in DATABASE_URL, our tables must not end up among another program's.
  if (!isOurs && (tables.length > 0 || unknown.length > 0))
    throw new LedgerError('database_misconfigured', `The database is another program's${suchAs(tables)}.`, {
      fields: { tables: tables.length },
      hint: 'Check the database in DATABASE_URL. Books need a database, or a schema in the search_path, of their own.',
    });
  if (unknown.length > 0)
    throw new LedgerError('database_newer', `The database has ${listed(unknown)} that this version does not know.`, {
      fields: { unknown: unknown.length },
      hint: 'Run the version that made them, or a newer one. To return to this version, restore a backup or run that version’s migrate down.',
    });
  return status;
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
