import { sql } from 'kysely';
import type { Database, Queries } from './database.ts';
import { durably } from './durably.ts';
import { hasKey } from './files.ts';

/** A legal hold: a transaction's documents are not destroyed until it is released. */
export type Hold = {
  readonly id: string;
  readonly transactionId: string;
  readonly placedAt: Date;
  readonly placedBy: string;
  readonly reason: string;
  readonly releasedAt: Date | null;
  readonly releasedBy: string | null;
  readonly releaseReason: string | null;
};

/**
 * Holds a transaction. Idempotent: one that is held already stays as it is. The lock makes it wait for a destruction
 * that is being written.
 *
 * @returns `unknown`: the books have no such transaction. `too_late`: none of its documents can be read any more, as an
 *   erasure or retention is destroying them, or has.
 */
export async function placeHold(
  database: Pick<Database, 'kysely'>,
  { transactionId, placedBy, reason }: Pick<Hold, 'transactionId' | 'placedBy' | 'reason'>,
): Promise<'held' | 'already_held' | 'too_late' | 'unknown'> {
  return durably(database, async (db) => {
    const { rows: known } = await sql`select from transactions where id = ${transactionId} for update`.execute(db);
    if (known.length === 0) return 'unknown';
    if ((await holdsOf(db, transactionId)).some(({ releasedAt }) => releasedAt === null)) return 'already_held';
    if (await isNothingLeft(db, transactionId)) return 'too_late';
    await db.insertInto('holds').values({ transaction_id: transactionId, placed_by: placedBy, reason }).execute();
    return 'held';
  });
}

/** Whether an erasure has destroyed a transaction's keys, or retention those of all of its files. */
async function isNothingLeft(db: Queries, transactionId: string): Promise<boolean> {
  const { rows } = await sql<{ isNothingLeft: boolean }>`
    select exists (select from erasures where transaction_id = ${transactionId} and keys_destroyed_at is not null)
      or coalesce(bool_or(state = 'erased' or not ${hasKey}) and not bool_or(sha256 is not null and ${hasKey}), false)
      as "isNothingLeft"
    from files where transaction_id = ${transactionId}`.execute(db);
  return rows[0]?.isNothingLeft ?? false;
}

/** Releases every hold of a transaction. @returns how many there were. */
export async function releaseHolds(
  db: Queries,
  {
    transactionId,
    releasedBy,
    reason,
  }: { readonly transactionId: string; readonly releasedBy: string; readonly reason: string },
): Promise<number> {
  const { rows } = await sql`
    insert into hold_releases (hold_id, released_by, reason)
    select h.id, ${releasedBy}, ${reason} from holds h
    where h.transaction_id = ${transactionId} and not exists (select from hold_releases r where r.hold_id = h.id)
    on conflict do nothing returning hold_id`.execute(db);
  return rows.length;
}

/** All holds of a transaction, oldest first. */
export async function holdsOf(db: Queries, transactionId: string): Promise<Hold[]> {
  return db
    .selectFrom('holds as h')
    .leftJoin('hold_releases as r', 'r.hold_id', 'h.id')
    .select([
      'h.id',
      'h.transaction_id as transactionId',
      'h.placed_at as placedAt',
      'h.placed_by as placedBy',
      'h.reason',
    ])
    .select(['r.released_at as releasedAt', 'r.released_by as releasedBy', 'r.reason as releaseReason'])
    .where('h.transaction_id', '=', transactionId)
    .orderBy('h.id')
    .execute();
}
