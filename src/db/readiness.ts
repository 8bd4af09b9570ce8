import { sql } from 'kysely';
import type { Database } from './database.ts';
import { errorCode } from '../errors.ts';
import { asDatabaseError, isDatabaseAway } from './errors.ts';
import { migrationStatus } from './migrate.ts';

/**
 * Whether Postgres takes writes, and whether it has the migrations of this version, all of them and no others. A standby,
 * or a server that was made one behind kept connections, answers but takes none.
 */
export async function databaseReadiness(db: Database): Promise<{ postgres: boolean; migrations: boolean }> {
  try {
    const { rows } = await sql<{ isReadOnly: boolean }>`
      select current_setting('transaction_read_only')::boolean as "isReadOnly"`.execute(db.kysely);
    if (rows[0]?.isReadOnly !== false) return { postgres: false, migrations: false };
  } catch (error) {
    if (!isDatabaseAway(error)) throw error;
    return { postgres: false, migrations: false };
  }
  try {
    const status = await migrationStatus(db);
    return { postgres: true, migrations: status.every(({ appliedAt, isKnown }) => isKnown && appliedAt !== null) };
  } catch (error) {
    if (errorCode(asDatabaseError(error)) !== 'database_forbidden') throw error;
    return { postgres: true, migrations: false };
  }
}
