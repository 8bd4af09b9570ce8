import { sql } from 'kysely';
import type { Span } from '../domain/billing-month.ts';
import type { Queries } from './database.ts';
import type { ObligationKind } from './schema.ts';

/** Which obligations to do again. All conditions given must hold. */
export type ReprocessFilter = {
  readonly transactionIds?: readonly string[];
  readonly resultIds?: readonly string[];
  /** With an attempt in this span of time. */
  readonly month?: Span;
  readonly failed?: boolean;
  /** With an attempt of this outcome code, or with this error code as the obligation's last. */
  readonly code?: string;
};

export type ReprocessCount = { readonly kind: ObligationKind; readonly count: number };

/** How many obligations a filter matches, by kind. Changes nothing. */
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

/** Opens an entry in the log of reprocessing. @returns its ID, for {@link reprocess} to count into. */
export async function logReprocess(
  db: Queries,
  entry: {
    requestedBy: string;
    reason: string | null;
    filter: Readonly<Record<string, unknown>>;
    kinds: readonly ObligationKind[];
  },
): Promise<string> {
  const { id } = await db
    .insertInto('reprocess_log')
    .values({
      requested_by: entry.requestedBy,
      reason: entry.reason,
      filter: JSON.stringify(entry.filter),
      kinds: [...entry.kinds],
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/**
 * Makes what a filter matches due again, as a new generation: whatever a queue still holds of the old one is ignored.
 * Only the queue's work is repeated; what is stored stays, and files that are stored are not fetched again.
 *
 * @param logId the entry that counts what was made due, in the same transaction.
 */
export async function reprocess(
  db: Queries,
  filter: ReprocessFilter,
  kinds: readonly ObligationKind[],
  logId: string,
): Promise<ReprocessCount[]> {
  // Workers lock the same rows, many at once and not in the same order. Whoever is given up has changed nothing.
  for (let tries = 1; ; tries += 1)
    try {
      return await makeDueAgain(db, filter, kinds, logId);
    } catch (error) {
      if ((error as { code?: unknown }).code !== deadlock || tries === 5) throw error;
    }
}

const deadlock = '40P01';

async function makeDueAgain(
  db: Queries,
  filter: ReprocessFilter,
  kinds: readonly ObligationKind[],
  logId: string,
): Promise<ReprocessCount[]> {
  const { rows } = await sql<ReprocessCount>`
    with again as (
      insert into obligations as o (transaction_id, kind, sweep_at)
      select transaction_id, kind, now() from (${matching(filter, kinds)}) m order by transaction_id, kind
      on conflict (transaction_id, kind) do update set state = 'due', due_at = now(), sweep_at = now(),
        generation = o.generation + 1, fence = o.fence + 1, starts = 0, attempts_made = 0, updated_at = now()
      returning kind
    ), counted as (
      update reprocess_log set obligations = obligations + (select count(*) from again) where id = ${logId}
    )
    select kind, count(*)::int as count from again group by kind order by kind collate "C"`.execute(db);
  return rows;
}

/** Documents and audit reports exist only for transactions that were fetched; the rest has just its result. */
function matching(filter: ReprocessFilter, kinds: readonly ObligationKind[]) {
  const conditions = [
    sql`(k.kind = 'result' or t.fetched_at is not null)`,
    sql`(k.kind <> 'audit_report' or t.result_id is not null)`,
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
