import { sql } from 'kysely';
import { isPossiblyCreated, type Kept, unlessTaken } from './creations.ts';
import type { Database, Queries } from './database.ts';
import { recordIntake } from './intake.ts';
import { refer } from './references.ts';

/** What somebody found out about a creation. `null` = there is no transaction. */
export type Resolution = { readonly transactionId: string | null; readonly by: string; readonly resolution: string };

/** Why there is nothing to look after: it has an answer, it is being asked for, or there is no such creation. */
export type NotResolved = 'answered' | 'under_way' | 'unknown';

/**
 * Notes what somebody found out about a creation without an answer, also in place of what was noted before by mistake. A
 * transaction that was named then stays in the books, with the reference that it got.
 *
 * @returns the other creation that has the transaction, or why there is nothing to note. Then nothing is written.
 */
export async function resolveCreation(
  { kysely }: Pick<Database, 'kysely'>,
  id: string,
  found: Resolution,
  leaseMs: number,
): Promise<Kept<'resolved' | NotResolved>> {
  const { transactionId } = found;
  return unlessTaken(kysely, transactionId ?? '', () =>
    kysely.transaction().execute(async (db) => {
      const creation = await unansweredFor(db, id);
      if (typeof creation === 'string') return creation;
      if (transactionId !== null) await recordIntake(db, [{ transactionId, resultId: null }], 'created', leaseMs);
      await keep(db, id, found);
      if (transactionId !== null) await refer(db, transactionId, creation.reference);
      return 'resolved';
    }),
  );
}

type Unanswered = { readonly reference: string | null };

async function unansweredFor(db: Queries, id: string): Promise<Unanswered | NotResolved> {
  const { rows } = await sql<Unanswered & { canResolve: boolean; isAnswered: boolean }>`
    select reference, ${isPossiblyCreated} or resolved_at is not null as "canResolve",
      transaction_id is not null or is_refused as "isAnswered"
    from creations where id::text = ${id} for update`.execute(db);
  const [row] = rows;
  if (!row) return 'unknown';
  if (row.canResolve) return row;
  return row.isAnswered ? 'answered' : 'under_way';
}

async function keep(db: Queries, id: string, { transactionId, by, resolution }: Resolution): Promise<void> {
  await sql`
    insert into creation_resolutions (creation_id, transaction_id, resolved_by, resolution)
    values (${id}, ${transactionId}, ${by}, ${resolution})`.execute(db);
  await sql`
    update creations set resolved_at = now(), resolved_by = ${by}, resolution = ${resolution},
      transaction_id = ${transactionId}
    where id = ${id}`.execute(db);
}
