import { sql } from 'kysely';
import type { Queries } from './database.ts';

/** A producer's request to keep the books of a transaction. */
export type IntakeItem = { readonly transactionId: string; readonly resultId: string | null };

/** `conflict`: the transaction has another result ID, which was already fetched or can still be fetched. */
export type IntakeAnswer = 'accepted' | 'already_known' | 'conflict';

/**
 * Registers transactions and makes their results due, in one statement. Idempotent: what is known stays as it is. A
 * result ID that arrives later is added. A different one replaces the known one only if that could not be fetched, or
 * was said by a page and is not fetched yet. A withdrawn transaction is put back.
 *
 * @param items at most one per transaction.
 * @param leaseMs the lease: how long the sweep leaves the obligations to the caller, who is about to enqueue them.
 * @returns one answer per item, and what became due.
 */
export async function recordIntake(
  db: Queries,
  items: readonly IntakeItem[],
  source: string,
  leaseMs: number,
): Promise<{ answers: IntakeAnswer[]; due: { transactionId: string; generation: number }[] }> {
  const { rows } = await sql<{ id: string; generation: number }>`
    with item as (
      select * from unnest(${items.map((item) => item.transactionId)}::text[], ${items.map((item) => item.resultId)}::text[])
        as item (id, result_id)
    ), changed as (
      insert into transactions as t (id, result_id)
      select id, result_id from item order by id collate "C"
      on conflict (id) do update set result_id = coalesce(excluded.result_id, t.result_id)
      where excluded.result_id is not null and t.result_id is distinct from excluded.result_id and (
        t.result_id is null or (t.result_fetched_at is null and exists (
          select from obligations o where o.transaction_id = t.id and o.kind = 'result' and o.state = 'failed'))
        or (t.result_fetched_at is null and ${source} <> 'browser' and (select b.result_id from browser_reports b
          where b.transaction_id = t.id and b.result_id = t.result_id limit 1) is not null))
        -- Subqueries, because with exists () Postgres may read all obligations.
        or (select o.state from obligations o where o.transaction_id = t.id and o.kind = 'result') = 'withdrawn'
      returning id
    ), due as (
      insert into obligations as o (transaction_id, kind, sweep_at)
      select id, 'result', now() + ${leaseMs} * interval '1 millisecond' from changed
      on conflict (transaction_id, kind) do update set state = 'due', due_at = now(), sweep_at = excluded.sweep_at,
        generation = o.generation + 1, fence = o.fence + 1, starts = 0, attempts_made = 0, updated_at = now()
      returning transaction_id, generation
    ), revived as (
      insert into withdrawal_revivals (withdrawal_id, revived_by)
      select w.id, ${source} from due join withdrawals w using (transaction_id)
      on conflict do nothing
    ), noted as (
      insert into intake (transaction_id, result_id, source)
      select item.id, item.result_id, ${source} from item
      on conflict do nothing
    )
    select transaction_id as id, generation from due`.execute(db);
  const due = rows.map(({ id, generation }) => ({ transactionId: id, generation }));
  const accepted = new Set(due.map(({ transactionId }) => transactionId));
  const known = await resultIds(
    db,
    items.filter(({ transactionId }) => !accepted.has(transactionId)),
  );
  const answers = items.map(({ transactionId, resultId }): IntakeAnswer => {
    if (accepted.has(transactionId)) return 'accepted';
    return resultId === null || known.get(transactionId) === resultId ? 'already_known' : 'conflict';
  });
  return { answers, due };
}

/** Runs after the statement above, so that it sees rows that another intake has committed in the meantime. */
async function resultIds(db: Queries, items: readonly IntakeItem[]): Promise<Map<string, string | null>> {
  if (items.length === 0) return new Map();
  const rows = await db
    .selectFrom('transactions')
    .select(['id', 'result_id'])
    .where(
      'id',
      'in',
      items.map(({ transactionId }) => transactionId),
    )
    .execute();
  return new Map(rows.map((row) => [row.id, row.result_id]));
}
