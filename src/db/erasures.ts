import { type RawBuilder, sql } from 'kysely';
import type { Database, Queries } from './database.ts';
import { durably } from './durably.ts';
import type { ObligationKind } from './schema.ts';
import { noteLaterLooks } from './later-looks.ts';

/** The order to erase a transaction's documents. `closed`: nobody reads them, and they can still be kept. */
export type Erasure = {
  readonly id: string;
  readonly transactionId: string;
  readonly requestedAt: Date;
  readonly requestedBy: string;
  readonly reason: string;
  readonly destroyAt: Date;
  readonly orderedAt: Date | null;
  readonly cancelledAt: Date | null;
  readonly cancelledBy: string | null;
  readonly cancelReason: string | null;
  readonly keysDestroyedAt: Date | null;
  readonly destroyedAt: Date | null;
  readonly lookedAgainAt: Date | null;
  readonly documents: number | null;
  readonly auditReports: number | null;
};

export const erasureColumns = sql`
  e.id, e.transaction_id as "transactionId", e.requested_at as "requestedAt", e.requested_by as "requestedBy", e.reason,
  e.destroy_at as "destroyAt", e.ordered_at as "orderedAt", e.cancelled_at as "cancelledAt", e.cancelled_by as "cancelledBy",
  e.cancel_reason as "cancelReason", e.keys_destroyed_at as "keysDestroyedAt", e.destroyed_at as "destroyedAt",
  e.looked_again_at as "lookedAgainAt", e.documents, e.audit_reports as "auditReports"`;

/** Whether a transaction is held, as SQL. */
export const isHeld = (transactionId: string): RawBuilder<boolean> => sql<boolean>`exists (
  select from holds h where h.transaction_id = ${sql.raw(transactionId)}
    and not exists (select from hold_releases r where r.hold_id = h.id))`;

/** Whether nobody may read a transaction's documents, as SQL: their erasure is ordered and not cancelled. */
export const isClosed = (transactionId: string): RawBuilder<boolean> => sql<boolean>`exists (
  select from erasures c where c.transaction_id = ${sql.raw(transactionId)} and c.cancelled_at is null)`;

/** Whether a transaction's files of a kind are not fetched any more, as SQL, as a trigger on obligations sees to. */
export const isNeverFetched = (transactionId: string, obligationKind: string): RawBuilder<boolean> => sql<boolean>`(
  ${isClosed(transactionId)} or exists (
    select from files n where n.transaction_id = ${sql.raw(transactionId)} and n.state = 'erased'
      and n.kind = case ${sql.raw(obligationKind)} when 'documents' then 'document' else ${sql.raw(obligationKind)} end))`;

export type ErasureWish = { readonly requestedBy: string; readonly reason: string; readonly destroyAt: Date };

/** What became of a request for one transaction. */
export type Requested = {
  readonly transactionId: string;
  readonly answer: 'closed' | 'already_closed' | 'already_destroyed' | 'unknown';
  readonly erasureId: string | null;
  readonly isHeld: boolean;
};

/**
 * Orders the erasure of transactions' documents, and stops fetching them. Idempotent: one that is ordered already is
 * left as it is, except that an earlier `destroyAt` counts.
 */
export async function requestErasures(
  database: Pick<Database, 'kysely'>,
  transactionIds: readonly string[],
  { requestedBy, reason, destroyAt }: ErasureWish,
): Promise<Requested[]> {
  return durably(database, async (db) => {
    // Whoever reads a document has the same row locked until the reading is on record.
    await sql`select from transactions where id = any(${transactionIds}::text[]) order by id for update`.execute(db);
    const { rows: ordered } = await sql<{ id: string; transactionId: string }>`
      insert into erasures as e (transaction_id, requested_by, reason, destroy_at)
      select t.id, ${requestedBy}, ${reason}, ${destroyAt} from transactions t
      where t.id = any(${transactionIds}::text[]) and not exists (
        select from erasures d where d.transaction_id = t.id and d.destroyed_at is not null)
      order by t.id
      on conflict (transaction_id) where cancelled_at is null and destroyed_at is null do nothing
      returning e.id, e.transaction_id as "transactionId"`.execute(db);
    await endFetching(db, transactionIds);
    await sql`
      update erasures set destroy_at = ${destroyAt}
      where transaction_id = any(${transactionIds}::text[]) and destroy_at > ${destroyAt} and cancelled_at is null
        and keys_destroyed_at is null`.execute(db);
    const fresh = new Set(ordered.map(({ transactionId }) => transactionId));
    const { rows } = await sql<{
      transactionId: string;
      id: string | null;
      isDestroyed: boolean;
      isHeld: boolean;
      isKnown: boolean;
    }>`
      select one.id as "transactionId", e.id, coalesce(e.destroyed_at is not null, false) as "isDestroyed",
        ${isHeld('one.id')} as "isHeld", exists (select from transactions t where t.id = one.id) as "isKnown"
      from unnest(${transactionIds}::text[]) as one (id)
      left join erasures e on e.transaction_id = one.id and e.cancelled_at is null`.execute(db);
    return rows.map(({ transactionId, id, isDestroyed, isKnown, isHeld: held }) => ({
      transactionId,
      erasureId: id,
      isHeld: held,
      answer: fresh.has(transactionId)
        ? ('closed' as const)
        : isDestroyed
          ? ('already_destroyed' as const)
          : isKnown || id !== null
            ? ('already_closed' as const)
            : ('unknown' as const),
    }));
  });
}

/**
 * Ends what is still to be fetched of transactions' files. A fetch that is under way records nothing any more, and
 * removes what it stored.
 *
 * @param kinds of obligations.
 */
export async function endFetching(
  db: Queries,
  transactionIds: readonly string[],
  kinds: readonly Exclude<ObligationKind, 'result'>[] = ['documents', 'audit_report'],
): Promise<void> {
  await sql`
    with ended as (
      update obligations set state = 'done', sweep_at = null, generation = generation + 1, fence = fence + 1,
        updated_at = now()
      where transaction_id = any(${transactionIds}::text[]) and kind = any(${kinds}::text[]) and state = 'due'
      returning transaction_id, kind
    )
    insert into later_looks (transaction_id, kind)
    select transaction_id, case kind when 'documents' then 'document' else kind end from ended
    on conflict (transaction_id, kind) do update set look_at = excluded.look_at`.execute(db);
}

/**
 * Cancels the erasure of a transaction's documents, unless their keys are destroyed. The store does not know it yet.
 *
 * @returns the cancelled erasure; `undefined` = there was none to cancel.
 */
export async function cancelErasure(
  db: Queries,
  transactionId: string,
  { cancelledBy, reason }: { readonly cancelledBy: string; readonly reason: string },
): Promise<Erasure | undefined> {
  const { rows } = await sql<Erasure>`
    update erasures e set cancelled_at = now(), cancelled_by = ${cancelledBy}, cancel_reason = ${reason}, ordered_at = null
    where transaction_id = ${transactionId} and cancelled_at is null and keys_destroyed_at is null
    returning ${erasureColumns}`.execute(db);
  return rows[0];
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** All erasures of a transaction, or the one with this ID, oldest first. */
export async function erasuresOf(db: Queries, transactionOrErasureId: string): Promise<Erasure[]> {
  const erasureId = uuid.test(transactionOrErasureId) ? transactionOrErasureId : null;
  const { rows } = await sql<Erasure>`
    select ${erasureColumns} from erasures e
    where e.transaction_id = ${transactionOrErasureId} or e.id = ${erasureId}::uuid
    order by e.requested_at, e.id`.execute(db);
  return rows;
}

/** How far the erasures of some transactions have come. */
type ErasuresDone = {
  /** All of them, but for those that are destroyed. */
  readonly closed: number;
  /** Closed, and their order is not noted as being in the store. */
  readonly unordered: number;
  /** Closed, and nobody can read them any more. */
  readonly unreadable: number;
  readonly destroyed: number;
  /** Closed, and not destroyed before somebody releases them. */
  readonly held: number;
};

export async function erasuresDone(db: Queries, transactionIds: readonly string[]): Promise<ErasuresDone> {
  const { rows } = await sql<ErasuresDone>`
    select (count(*) filter (where destroyed_at is null))::int as closed,
      (count(*) filter (where destroyed_at is null and ordered_at is null))::int as unordered,
      (count(*) filter (where destroyed_at is null and keys_destroyed_at is not null))::int as unreadable,
      (count(*) filter (where destroyed_at is not null))::int as destroyed,
      (count(*) filter (where keys_destroyed_at is null and ${isHeld('e.transaction_id')}))::int as held
    from erasures e where transaction_id = any(${transactionIds}::text[]) and cancelled_at is null`.execute(db);
  return rows[0] ?? { closed: 0, unordered: 0, unreadable: 0, destroyed: 0, held: 0 };
}

/**
 * Erasures that are to be carried out: their time has come, their order is in the store, and nobody holds them. First
 * those whose keys are still there, so that no failure of another one keeps them readable.
 */
export async function dueErasures(db: Queries, now: Date, limit: number): Promise<Erasure[]> {
  const { rows } = await sql<Erasure>`
    select ${erasureColumns} from erasures e
    where e.cancelled_at is null and e.looked_again_at is null and e.destroyed_at is null and e.ordered_at is not null
      and e.destroy_at <= ${now} and (e.keys_destroyed_at is not null or not ${isHeld('e.transaction_id')})
    order by e.keys_destroyed_at is not null, e.destroy_at, e.id limit ${limit}`.execute(db);
  return rows;
}

/**
 * Destroys the keys of a transaction's documents: from here on nobody can read them, and the erasure cannot be
 * cancelled. The lock on the transaction keeps out whoever is about to hold it or to store another document.
 *
 * @returns `false` if it was cancelled or held in the meantime.
 */
export async function destroyKeys(
  database: Pick<Database, 'kysely'>,
  { id, transactionId }: Erasure,
): Promise<boolean> {
  return durably(database, async (db) => {
    await sql`select from transactions where id = ${transactionId} for update`.execute(db);
    const { rows } = await sql`
      update erasures e set keys_destroyed_at = coalesce(keys_destroyed_at, clock_timestamp())
      where e.id = ${id} and e.cancelled_at is null and (e.keys_destroyed_at is not null or not ${isHeld('e.transaction_id')})
      returning e.id`.execute(db);
    if (rows.length === 0) return false;
    await endFetching(db, [transactionId]);
    await sql`delete from document_keys where transaction_id = ${transactionId}`.execute(db);
    return true;
  });
}

/** What is left of a file that is erased: that there was one. For `update files set …`. */
export const nothingLeft = sql`state = 'erased', error_code = null, object_name = null, key_id = null, sha256 = null,
  bytes = null, media_type = null, category = null, type = null, name = null, url_sha256 = null, clear_sha256 = null, verified_at = null`;

/** Removes what the books say of the files, after their objects are gone. They are looked for once more later. */
export async function finishErasure(database: Pick<Database, 'kysely'>, { id, transactionId }: Erasure): Promise<void> {
  await durably(database, async (db) => {
    await sql`update files set ${nothingLeft} where transaction_id = ${transactionId} and state <> 'erased'`.execute(
      db,
    );
    await noteLaterLooks(db, transactionId, ['document', 'audit_report']);
    await sql`
      update erasures set destroyed_at = clock_timestamp(),
        documents = (select count(*) from files where transaction_id = ${transactionId} and kind = 'document'),
        audit_reports = (select count(*) from files where transaction_id = ${transactionId} and kind = 'audit_report')
      where id = ${id} and destroyed_at is null`.execute(db);
  });
}

/** Has workers look once more for what is left of an erasure that was carried out. */
export async function markToLookAgain(
  database: Pick<Database, 'kysely'>,
  { id, transactionId }: Pick<Erasure, 'id' | 'transactionId'>,
): Promise<void> {
  await durably(database, async (db) => {
    await sql`update erasures set looked_again_at = null where id = ${id}`.execute(db);
    await noteLaterLooks(db, transactionId, ['document', 'audit_report']);
  });
}
