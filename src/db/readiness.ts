import { sql } from 'kysely';
import type { Database } from './database.ts';
import { errorCode } from '../errors.ts';
import { asDatabaseError, isDatabaseAway } from './errors.ts';
import { migrationStatus } from './migrate.ts';

/**
 * Whether Postgres accepts writes, and whether exactly the migrations of this version are applied. A standby answers
 * but accepts no writes; so does a server that was demoted while connections stayed open.
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
