import { sql } from 'kysely';
import type { Queries } from './database.ts';

/** The ID of the document store that these books know; `undefined` = none yet. */
export async function knownStore(db: Queries): Promise<string | undefined> {
  const row = await db.selectFrom('document_store').select('id').executeTakeFirst();
  return row?.id;
}

/**
 * Makes a store known, if none is. Of several who try at once one succeeds, and the others wait until it is done.
 *
 * @param mark puts the ID into the folder. If it fails, no store is known.
 * @returns the store that is known now.
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

/** Where the sample begins: hashes are spread evenly, so that a few of each are a fair sample. */
const sampleStarts = ['0', '4', '8', 'c'];

/** A few of the contents that are claimed to be stored, from everywhere among them. */
export async function sampleOfClaimed(db: Queries): Promise<{ sha256: string; bytes: string }[]> {
  const samples = sampleStarts.map(
    (start) => sql`(
      select sha256, bytes from files where sha256 is not null and sha256 >= ${start}
      order by sha256 limit 25)`,
  );
  const { rows } = await sql<{ sha256: string; bytes: string }>`${sql.join(samples, sql` union `)}`.execute(db);
  return rows;
}
