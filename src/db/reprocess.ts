import { sql } from 'kysely';
import type { Span } from '../domain/billing-month.ts';
import type { Queries } from './database.ts';
import { retryingAborted } from './durably.ts';
import { isNeverFetched } from './erasures.ts';
import { onDemand } from './obligations.ts';
import type { ObligationKind } from './schema.ts';
import { isWithdrawn } from './withdrawals.ts';

/** Which obligations to make due again. All given conditions must hold. */
export type ReprocessFilter = {
  readonly transactionIds?: readonly string[];
  readonly resultIds?: readonly string[];
  /** Transactions with an attempt in this span. */
  readonly month?: Span;
  readonly failed?: boolean;
  /** Transactions with an attempt with this outcome code, or obligations with this last error code. */
  readonly code?: string;
};

/** A request, for the log. */
export type ReprocessWish = {
  readonly requestedBy: string;
  readonly reason: string | null;
  readonly filter: Readonly<Record<string, unknown>>;
};

export type ReprocessCount = { readonly kind: ObligationKind; readonly count: number };

/** Counts the obligations that a filter matches, by kind. Changes nothing. */
export async function countReprocess(
  db: Queries,
  filter: ReprocessFilter,
  kinds: readonly ObligationKind[],
): Promise<ReprocessCount[]> {
  const { rows } = await sql<ReprocessCount>`
    select kind, count(*)::int as count from (${matching(filter, kinds)}) m group by kind order by kind collate "C"`.execute(
    db,
  );
  return rows;
}

/** Counts the withdrawn transactions that a filter would match if they were not withdrawn. */
export async function countWithdrawn(db: Queries, filter: ReprocessFilter): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from (${matching(filter, ['result'], true)}) m`.execute(db);
  return rows[0]?.count ?? 0;
}

/**
 * Makes what a filter matches due again, with a new generation, so that jobs of the old one do nothing. What is stored
 * stays, and stored files are not fetched again.
 *
 * @param wish is logged with the number of obligations made due, in the same statement.
 */
export async function reprocess(
  db: Queries,
  filter: ReprocessFilter,
  kinds: readonly ObligationKind[],
  wish: ReprocessWish,
): Promise<ReprocessCount[]> {
  return retryingAborted(() => makeDueAgain(db, filter, kinds, wish));
}

async function makeDueAgain(
  db: Queries,
  filter: ReprocessFilter,
  kinds: readonly ObligationKind[],
  { requestedBy, reason, filter: asked }: ReprocessWish,
): Promise<ReprocessCount[]> {
  const { rows } = await sql<ReprocessCount>`
    with again as (
      insert into obligations as o (transaction_id, kind, basis, sweep_at)
      select transaction_id, kind, case when kind = 'result' then ${onDemand} end, now() from (${matching(filter, kinds)}) m order by transaction_id, kind
      on conflict (transaction_id, kind) do update set state = 'due', due_at = now(), sweep_at = now(),
        basis = case when o.kind = 'result' then excluded.basis else o.basis end,
        generation = o.generation + 1, fence = o.fence + 1, starts = 0, attempts_made = 0, updated_at = now()
      returning kind
    ), noted as (
      insert into reprocess_log (requested_by, reason, filter, kinds, obligations)
      select ${requestedBy}, ${reason}, ${JSON.stringify(asked)}::jsonb, ${[...kinds]}::text[], count(*) from again
    )
    select kind, count(*)::int as count from again group by kind order by kind collate "C"`.execute(db);
  return rows;
}

/** Documents and audit reports exist only for transactions that were fetched. Others have just a result. */
function matching(filter: ReprocessFilter, kinds: readonly ObligationKind[], areWithdrawn = false) {
  const conditions = [
    sql`(k.kind = 'result' or t.fetched_at is not null)`,
    sql`(k.kind <> 'audit_report' or t.result_id is not null)`,
    // Documents that are to be erased, or were, are not fetched again.
    sql`(k.kind = 'result' or not ${isNeverFetched('t.id', 'k.kind')})`,
    // A withdrawn transaction is only put back by an intake.
    sql`${areWithdrawn ? sql`` : sql`not`} ${isWithdrawn('t')}`,
  ];
  if (filter.transactionIds) conditions.push(sql`t.id = any(${filter.transactionIds}::text[])`);
  if (filter.resultIds) conditions.push(sql`t.result_id = any(${filter.resultIds}::text[])`);
  if (filter.month)
    conditions.push(sql`exists (select from attempts a where a.transaction_id = t.id
      and a.attempted_at >= ${filter.month.start} and a.attempted_at < ${filter.month.end})`);
  if (filter.failed) conditions.push(sql`o.state = 'failed'`);
  if (filter.code !== undefined)
    conditions.push(sql`(o.last_error_code = ${filter.code}
      or exists (select from attempts a where a.transaction_id = t.id and a.code = ${filter.code}))`);
  return sql`
    select t.id as transaction_id, k.kind
    from transactions t cross join unnest(${kinds}::text[]) as k (kind)
    left join obligations o on o.transaction_id = t.id and o.kind = k.kind
    where ${sql.join(conditions, sql` and `)}`;
}
