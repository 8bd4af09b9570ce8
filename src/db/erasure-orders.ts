import { sql } from 'kysely';
import type { Database, Queries } from './database.ts';
import { durably } from './durably.ts';
import { endFetching, type Erasure, erasureColumns } from './erasures.ts';

/** Erasures whose order is not yet in the store, or whose cancellation is not. */
export async function unorderedErasures(db: Queries, limit: number): Promise<Erasure[]> {
  const { rows } = await sql<Erasure>`
    select ${erasureColumns} from erasures e where e.ordered_at is null
    order by e.requested_at limit ${limit}`.execute(db);
  return rows;
}

/** Notes that the store has the order, or its cancellation. */
export async function markOrdered(db: Queries, { id, cancelledAt }: Erasure): Promise<void> {
  // An order that was cancelled meanwhile still lacks its cancellation.
  await sql`
    update erasures set ordered_at = now()
    where id = ${id} and (cancelled_at is not null) = ${cancelledAt !== null}`.execute(db);
}

/** An order as the store has it. */
export type Order = {
  readonly id: string;
  readonly transactionId: string;
  readonly requestedAt: Date;
  readonly destroyAt: Date;
};

/** Orders and cancellations that are in the store according to the books, by their IDs. */
export async function orderedErasures(db: Queries, after: string | null, limit: number): Promise<Erasure[]> {
  const { rows } = await sql<Erasure>`
    select ${erasureColumns} from erasures e
    where e.ordered_at is not null and (${after}::uuid is null or e.id > ${after}::uuid)
    order by e.id limit ${limit}`.execute(db);
  return rows;
}

/** Which of these erasures the books do not know. */
export async function unknownErasures(db: Queries, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from unnest(${ids}::uuid[]) as one (id) where not exists (select from erasures e where e.id = one.id)`.execute(
    db,
  );
  return rows.map(({ id }) => id);
}

/** Takes an order over that the store has and the books do not, because these were restored from an older backup. */
export async function takeOrderOver(
  database: Pick<Database, 'kysely'>,
  { id, transactionId, requestedAt, destroyAt }: Order,
): Promise<void> {
  await durably(database, async (db) => {
    await sql`select from transactions where id = ${transactionId} for update`.execute(db);
    await sql`
      insert into erasures (id, transaction_id, requested_at, requested_by, reason, destroy_at, ordered_at)
      values (${id}, ${transactionId}, ${requestedAt}, 'restored', 'an order in the document store that the books had lost',
        ${destroyAt}, now())
      on conflict do nothing`.execute(db);
    await endFetching(db, [transactionId]);
  });
}

/** Which of these erasures are ordered, and neither cancelled nor begun. */
export async function openErasures(db: Queries, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from erasures where id = any(${ids}::uuid[]) and cancelled_at is null and keys_destroyed_at is null
    order by id`.execute(db);
  return rows.map(({ id }) => id);
}

/** Notes that an erasure is to be carried out earlier, as the store says and restored books do not. */
export async function hasten(db: Queries, id: string, destroyAt: Date): Promise<void> {
  await sql`
    update erasures set destroy_at = ${destroyAt}
    where id = ${id} and destroy_at > ${destroyAt} and keys_destroyed_at is null`.execute(db);
}

/** Cancels orders of which the store says so and restored books do not, unless their keys are destroyed. */
export async function cancelRestored(db: Queries, ids: readonly string[]): Promise<void> {
  await sql`
    update erasures set cancelled_at = now(), cancelled_by = 'restored', cancel_reason = 'cancelled in the document store',
      ordered_at = now()
    where id = any(${ids}::uuid[]) and cancelled_at is null and keys_destroyed_at is null`.execute(db);
}
