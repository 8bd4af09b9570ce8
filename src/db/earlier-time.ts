import { sql } from 'kysely';
import type { Queries } from './database.ts';

/** The earlier of this machine's time and Postgres': what cannot be undone waits for both. */
export async function earlierTime(db: Queries, now: Date): Promise<Date> {
  const { rows } = await sql<{
    earlier: Date;
  }>`select least(${now}::timestamptz, clock_timestamp()) as earlier`.execute(db);
  return rows[0]?.earlier ?? now;
}
