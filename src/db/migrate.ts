import { type MigrationResultSet, Migrator } from 'kysely/migration';
import { migrations } from '../../migrations/index.ts';
import { LedgerError } from '../errors.ts';
import type { Database } from './database.ts';

export type MigrationStatus = { readonly name: string; readonly appliedAt: Date | null };

const migratorFor = (db: Database): Migrator =>
  new Migrator({ db: db.kysely, provider: { getMigrations: () => Promise.resolve(migrations) } });

/** Applies all pending migrations. Safe when several processes do it at once. @returns the names applied. */
export async function migrateUp(db: Database): Promise<string[]> {
  return namesOf(await migratorFor(db).migrateToLatest());
}

/** Takes back the last migration, with its data. @returns the names taken back. */
export async function migrateDown(db: Database): Promise<string[]> {
  return namesOf(await migratorFor(db).migrateDown());
}

/** All migrations in order, with the time of those applied. */
export async function migrationStatus(db: Database): Promise<MigrationStatus[]> {
  const known = await migratorFor(db).getMigrations();
  return known.map(({ name, executedAt }) => ({ name, appliedAt: executedAt ?? null }));
}

/**
 * Makes an empty database ready; leaves an older one to the operator, who may want a backup first.
 *
 * @throws LedgerError `database_outdated`
 */
export async function ensureMigrated(db: Database): Promise<void> {
  const status = await migrationStatus(db);
  const pending = status.filter(({ appliedAt }) => appliedAt === null);
  if (pending.length === 0) return;
  if (pending.length === status.length) {
    await migrateUp(db);
    return;
  }
  throw new LedgerError(
    'database_outdated',
    `The database lacks ${pending.length} migration${pending.length === 1 ? '' : 's'} (${pending.map(({ name }) => name).join(', ')}).`,
    { fields: { pending: pending.length }, hint: 'Run: npx idscan-ledger migrate up' },
  );
}

function namesOf({ error, results = [] }: MigrationResultSet): string[] {
  if (error) throw error instanceof Error ? error : new Error('migration failed', { cause: error });
  return results.filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName);
}
