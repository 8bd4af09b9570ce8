import { sql } from 'kysely';
import { asDatabaseError, type Database } from './database.ts';
import { migrationStatus } from './migrate.ts';
import { errorCode } from '../errors.ts';

/**
 * Whether Postgres takes writes, and whether it has all migrations. A standby, or a server that was made one behind kept
 * connections, answers but takes none.
 */
export async function databaseReadiness(db: Database): Promise<{ postgres: boolean; migrations: boolean }> {
  try {
    const { rows } = await sql<{ isReadOnly: boolean }>`
      select current_setting('transaction_read_only')::boolean as "isReadOnly"`.execute(db.kysely);
    if (rows[0]?.isReadOnly !== false) return { postgres: false, migrations: false };
  } catch (error) {
    if (errorCode(asDatabaseError(error)) !== 'database_unavailable') throw error;
    return { postgres: false, migrations: false };
  }
  const status = await migrationStatus(db);
  return { postgres: true, migrations: status.every(({ appliedAt }) => appliedAt !== null) };
}
