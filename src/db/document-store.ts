import { sql } from 'kysely';
import type { Queries } from './database.ts';

/** The ID of the document store of these books; `undefined` = none yet. */
export async function knownStore(db: Queries): Promise<string | undefined> {
  const row = await db.selectFrom('document_store').select('id').executeTakeFirst();
  return row?.id;
}

/**
 * Registers the document store unless one is registered. If several processes try at once, one succeeds and the others
 * wait for it.
 *
 * @param mark writes the ID into the store. If it fails, no store is registered.
 * @returns the store that is registered now.
 */
export async function registerStore(db: Queries, id: string, mark: () => Promise<void>): Promise<string> {
  return db.transaction().execute(async (trx) => {
    const inserted = await trx
      .insertInto('document_store')
      .values({ id })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (inserted) await mark();
    return (await knownStore(trx)) ?? id;
  });
}

/** Where the samples begin. Hashes are distributed evenly, so a few after each of these are a fair sample. */
const sampleStarts = ['0', '4', '8', 'c'];

/** A content that the books have recorded; those that are `lost` or `damaged` are known to be. */
type Claimed = {
  readonly object_name: string | null;
  readonly sha256: string;
  readonly bytes: string;
  readonly state: 'stored' | 'lost' | 'damaged';
};

/** A sample of the contents that the books have recorded. */
export async function sampleOfClaimed(db: Queries): Promise<Claimed[]> {
  const samples = sampleStarts.map(
    (start) => sql`(
      select object_name, sha256, bytes, state from files where sha256 is not null and sha256 >= ${start}
      order by sha256 limit 25)`,
  );
  const { rows } = await sql<Claimed>`${sql.join(samples, sql` union `)}`.execute(db);
  return rows;
}
