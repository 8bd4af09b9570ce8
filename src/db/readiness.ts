import { sql } from 'kysely';
import type { Database } from './database.ts';
import { errorCode } from '../errors.ts';
import { asDatabaseError, isDatabaseAway } from './errors.ts';
import { migrationStatus } from './migrate.ts';

export type DatabaseReadiness = {
  readonly postgres: boolean;
  readonly migrations: boolean;
  /** Whether a newer version has migrated the database. What runs goes on: docs/decisions/0035-schema-versions.md */
  readonly isNewer: boolean;
};

export const notReady: DatabaseReadiness = { postgres: false, migrations: false, isNewer: false };

/**
 * Whether Postgres accepts writes, and whether all migrations of this version are applied. A standby answers but
 * accepts no writes; so does a server that was demoted while connections stayed open.
 */
export async function databaseReadiness(db: Database): Promise<DatabaseReadiness> {
  try {
    const { rows } = await sql<{ isReadOnly: boolean }>`
      select current_setting('transaction_read_only')::boolean as "isReadOnly"`.execute(db.kysely);
    if (rows[0]?.isReadOnly !== false) return notReady;
  } catch (error) {
    if (!isDatabaseAway(error)) throw error;
    return notReady;
  }
  try {
    const status = await migrationStatus(db);
    return {
      postgres: true,
      migrations: status.every(({ appliedAt }) => appliedAt !== null),
      isNewer: status.some(({ isKnown }) => !isKnown),
    };
  } catch (error) {
    if (errorCode(asDatabaseError(error)) !== 'database_forbidden') throw error;
    return { ...notReady, postgres: true };
  }
}
