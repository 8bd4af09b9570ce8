import { sql } from 'kysely';
import type { Span } from '../domain/billing-month.ts';
import type { Queries } from './database.ts';
import { goneAmong } from './gone-attempts.ts';
import { isWithdrawn } from './withdrawals.ts';

/** What keeps a month from being closed. */
export const blockerKinds = ['unsettled', 'failed', 'unclassified', 'unpriced', 'gone'] as const;
export type BlockerKind = (typeof blockerKinds)[number];
export type Blocker = {
  readonly kind: BlockerKind;
  readonly subject: string;
  readonly detail: string;
  /**
   * `withdraw`: the vendor never knew the transaction, so it can be withdrawn. `null` = the general remedy for this
   * kind.
   */
  readonly remedy: 'withdraw' | null;
};
export type BlockerCounts = Readonly<Record<BlockerKind, number>>;

export const noBlockers: BlockerCounts = { unsettled: 0, failed: 0, unclassified: 0, unpriced: 0, gone: 0 };

/** The month to search for blockers, and what counts as one. */
export type BlockerScope = {
  readonly month: Span;
  /** A query of the month's lines. */
  readonly lines: string;
  /** Without a price list a month is closed in quantities alone. */
  readonly hasPrices: boolean;
  /** Leaves out unfetched transactions registered later; `null` = leaves out none. */
  readonly registeredUntil: Date | null;
};

/**
 * All blockers of a month, as a query of kind, subject, detail and remedy. A transaction that was never fetched may
 * belong to any month. The month's lines are gone through once, and few of them are looked at again.
 */
function blockerRows({ month, lines, hasPrices, registeredUntil }: BlockerScope) {
  const touches = sql`t.created_at < ${month.end} and coalesce(t.expires_at, t.created_at + interval '24 hours') >= ${month.start}
    or t.created_at is null and t.registered_at <= ${registeredUntil ?? 'infinity'}::timestamptz`;
  return sql`
    with line as materialized (
      select transaction_id, task_type, ordinal, attempted_at, level, code, reason, invoiced, quantity, corrects_period
      from (${sql.raw(lines)}) line
      where quantity = -1 or invoiced is null or ${hasPrices} and invoiced and unit_price is null
    )
    select 'unsettled' collate "C" as kind, t.id as subject,
      case when t.created_at is null then 'not fetched yet'
        else 'state ' || t.state || coalesce(', expires ' || to_char(t.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '') end as detail,
      null as remedy
    from transactions t
    where not t.settled and (${touches}) and not ${isWithdrawn('t')}
      and not exists (select from obligations o where o.transaction_id = t.id and o.kind = 'result' and o.state = 'failed')
    union all
    select 'failed', t.id, o.last_error_code,
      case when o.last_error_code = 'vendor_not_found' and t.fetched_at is null then 'withdraw' end
    from obligations o join transactions t on t.id = o.transaction_id
    where o.kind = 'result' and o.state = 'failed' and not t.settled and (${touches})
    union all
    select 'unclassified', transaction_id,
      task_type || ' attempt ' || ordinal || ': ' || coalesce('code ' || code || ', ', '') || reason, null
    from line where invoiced is null and quantity = 1
    union all
    select 'unpriced', transaction_id, task_type || ' attempt ' || ordinal || coalesce(', level ' || level, ''), null
    from line where invoiced and quantity = 1
    union all
    select 'gone', transaction_id,
      task_type || ' attempt ' || ordinal || ': booked for ' || corrects_period || ', no longer in the tables', null
    from (${goneAmong(sql`select * from line where quantity = -1`)}) gone
    union all
    select distinct 'gone', transaction_id, task_type || ' attempt ' || ordinal || ': known before, no longer in the tables', null
    from (${goneAmong(sql`select * from attempts_history where attempted_at >= ${month.start} and attempted_at < ${month.end}`)}) gone`;
}

export async function countBlockers(db: Queries, scope: BlockerScope): Promise<BlockerCounts> {
  const { rows } = await sql<{ kind: BlockerKind; count: string }>`
    select kind, count(*) as count from (${blockerRows(scope)}) blocker group by kind`.execute(db);
  return { ...noBlockers, ...Object.fromEntries(rows.map(({ kind, count }) => [kind, Number(count)])) };
}

/** The first blockers, by kind and transaction. */
export async function listBlockers(db: Queries, scope: BlockerScope, limit: number): Promise<Blocker[]> {
  const { rows } = await sql<Blocker>`
    select kind, subject, detail, remedy from (${blockerRows(scope)}) blocker
    order by kind, subject collate "C", detail collate "C" limit ${limit}`.execute(db);
  return rows;
}
