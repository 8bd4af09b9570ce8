import { sql } from 'kysely';
import { asDatabaseError, type Database } from './database.ts';
import { migrationStatus } from './migrate.ts';
import { errorCode } from '../errors.ts';

/** Whether Postgres answers, and whether it has all migrations. */
export async function databaseReadiness(db: Database): Promise<{ postgres: boolean; migrations: boolean }> {
  try {
    await sql`select 1`.execute(db.kysely);
  } catch (error) {
    if (errorCode(asDatabaseError(error)) !== 'database_unavailable') throw error;
    return { postgres: false, migrations: false };
  }
  const status = await migrationStatus(db);
  return { postgres: true, migrations: status.every(({ appliedAt }) => appliedAt !== null) };
}
