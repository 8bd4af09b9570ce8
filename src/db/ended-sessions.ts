import { sql } from 'kysely';
import type { Queries } from './database.ts';

/** Rows that are over and go with one insert: more than come, so that none pile up, and few enough to be quick. */
const maxRemoved = 200;

/**
 * Ends a session for every process that asks this database; ending it again has no effect.
 *
 * @param idSha256 of its ID, in hex.
 * @param expiresAt from when on its cookie is too old for every process.
 */
export async function endSession(db: Queries, idSha256: string, expiresAt: Date): Promise<void> {
  await db
    .insertInto('ended_sessions')
    .values({ id_sha256: idSha256, expires_at: expiresAt })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Whether a session was ended before its time. */
export async function isSessionEnded(db: Queries, idSha256: string): Promise<boolean> {
  const found = await db
    .selectFrom('ended_sessions')
    .select('id_sha256')
    .where('id_sha256', '=', idSha256)
    .executeTakeFirst();
  return found !== undefined;
}

/** Takes out sessions that are over, the oldest first. @returns how many. */
export async function removeOverSessions(db: Queries): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from ended_sessions where id_sha256 in (
      select id_sha256 from ended_sessions where expires_at <= now() order by expires_at limit ${maxRemoved}
    )`.execute(db);
  return Number(numAffectedRows ?? 0);
}
