import { sql } from 'kysely';
import type { Database, Queries } from './database.ts';
import { durably } from './durably.ts';

/** A hold as the document store has it, too: its transaction and the millisecond it was placed at name it. */
export type HoldCopy = { readonly transactionId: string; readonly placedAtMs: number };

const placedAtMs = sql`floor(extract(epoch from h.placed_at) * 1000)`;

/** All holds that were ever placed. */
export async function placedHolds(db: Queries): Promise<(HoldCopy & { readonly isReleased: boolean })[]> {
  const { rows } = await sql<HoldCopy & { isReleased: boolean }>`
    select h.transaction_id as "transactionId", ${placedAtMs}::float8 as "placedAtMs",
      exists (select from hold_releases r where r.hold_id = h.id) as "isReleased"
    from holds h order by h.id`.execute(db);
  return rows;
}

/** Holds a transaction again that restored books had forgotten. The lock makes it wait for a destruction. */
export async function takeHoldOver(
  database: Pick<Database, 'kysely'>,
  { transactionId, placedAtMs: placedAt }: HoldCopy,
): Promise<void> {
  await durably(database, async (db) => {
    await sql`select from transactions where id = ${transactionId} for update`.execute(db);
    await sql`
      insert into holds (transaction_id, placed_at, placed_by, reason)
      select ${transactionId}, ${new Date(placedAt)}, 'restored', 'a hold in the document store that the books had lost'
      where not exists (select from holds h where h.transaction_id = ${transactionId} and ${placedAtMs} = ${placedAt})`.execute(
      db,
    );
  });
}

/** Releases a hold of which the store says so and restored books do not. */
export async function releaseRestored(db: Queries, { transactionId, placedAtMs: placedAt }: HoldCopy): Promise<void> {
  await sql`
    insert into hold_releases (hold_id, released_by, reason)
    select h.id, 'restored', 'released in the document store' from holds h
    where h.transaction_id = ${transactionId} and ${placedAtMs} = ${placedAt} on conflict do nothing`.execute(db);
}
