import { sql } from 'kysely';
import type { Database } from './database.ts';
import { errorCode } from '../errors.ts';
import { asDatabaseError, isDatabaseAway } from './errors.ts';
import { migrationStatus } from './migrate.ts';

/** Whether Postgres answers, and whether it has the migrations of this version, all of them and no others. */
export async function databaseReadiness(db: Database): Promise<{ postgres: boolean; migrations: boolean }> {
  try {
    await sql`select 1`.execute(db.kysely);
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
