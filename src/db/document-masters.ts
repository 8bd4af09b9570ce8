import { sql } from 'kysely';
import type { Database, Queries } from './database.ts';

/** Serialises changes of the masters in use. A number of this program's own. */
const mastersLock = 0x1d5ca2;

/** The public keys that every document key is sealed to, oldest first. None before the first worker. */
export async function mastersInUse(db: Queries): Promise<Buffer[]> {
  const rows = await db
    .selectFrom('document_masters')
    .select('public_key')
    .where('retired_at', 'is', null)
    .orderBy('in_use_since')
    .orderBy('public_key')
    .execute();
  return rows.map(({ public_key }) => public_key);
}

/**
 * Takes masters into use unless some are. If several processes try at once, one succeeds.
 *
 * @returns those that are in use now.
 */
export async function useFirstMasters(
  { kysely }: Pick<Database, 'kysely'>,
  masters: readonly Buffer[],
): Promise<Buffer[]> {
  return kysely.transaction().execute(async (db) => {
    await sql`select pg_advisory_xact_lock(${mastersLock})`.execute(db);
    const found = await mastersInUse(db);
    if (found.length > 0) return found;
    await db
      .insertInto('document_masters')
      .values(masters.map((public_key) => ({ public_key })))
      .execute();
    return mastersInUse(db);
  });
}

/** Takes further masters into use: from now on they may be sealed to. Those that were retired stay retired. */
export async function addMasters(db: Queries, masters: readonly Buffer[]): Promise<void> {
  await db
    .insertInto('document_masters')
    .values(masters.map((public_key) => ({ public_key })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
