import { sql } from 'kysely';
import type { Queries } from './database.ts';

/**
 * How many expired rows are removed with each sign-out: more than come in, so that none pile up, and few enough to be
 * quick.
 */
const maxRemoved = 200;

/**
 * Ends a session for every process that uses this database. Idempotent.
 *
 * @param idSha256 SHA-256 of the session's ID, in hex.
 * @param expiresAt when every process rejects the session's cookie as too old.
 */
export async function endSession(db: Queries, idSha256: string, expiresAt: Date): Promise<void> {
  await db
    .insertInto('ended_sessions')
    .values({ id_sha256: idSha256, expires_at: expiresAt })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Whether a session was ended before it expired. */
export async function isSessionEnded(db: Queries, idSha256: string): Promise<boolean> {
  const found = await db
    .selectFrom('ended_sessions')
    .select('id_sha256')
    .where('id_sha256', '=', idSha256)
    .executeTakeFirst();
  return found !== undefined;
}

/** Removes expired sessions, the oldest first. @returns how many. */
export async function removeOverSessions(db: Queries): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from ended_sessions where id_sha256 in (
      select id_sha256 from ended_sessions where expires_at <= now() order by expires_at limit ${maxRemoved}
    )`.execute(db);
  return Number(numAffectedRows ?? 0);
}
