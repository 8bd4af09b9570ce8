import { sql } from 'kysely';
import type { Span } from '../domain/billing-month.ts';
import type { Queries } from './database.ts';

/** Months whose settled transactions have all been made due again. */
export async function recheckedMonths(db: Queries): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom('settled_rechecks').select('period').where('ended_at', 'is not', null).execute();
  return new Set(rows.map(({ period }) => period));
}

/**
 * Makes the next settled transactions of a month due again that were not fetched since an instant, in order of
 * creation. Concurrent processes take turns.
 *
 * @param limit how many transactions to look at.
 * @returns how many became due, and whether there may be more; `undefined` = another process is at work, or none are
 *   left.
 */
export async function recheckNext(
  db: Queries,
  period: string,
  { start, end }: Span,
  fetchedBefore: Date,
  limit: number,
): Promise<{ due: number; isMore: boolean } | undefined> {
  await sql`insert into settled_rechecks (period) values (${period}) on conflict do nothing`.execute(db);
  const { rows } = await sql<{ due: number; picked: number }>`
    with place as (
      select * from settled_rechecks where period = ${period} and ended_at is null for update skip locked
    ), picked as (
      select t.id, t.created_at, t.fetched_at from place cross join lateral (
        select id, created_at, fetched_at from transactions
        -- A transaction lives for a day, so its attempts may be in the month after its creation.
        where settled and created_at >= ${start}::timestamptz - interval '1 day' and created_at < ${end}
          and (created_at, id) > (coalesce(place.last_created_at, '-infinity'), coalesce(place.last_id, ''))
        order by created_at, id limit ${limit}
      ) t
    ), due as (
      update obligations o set state = 'due', basis = null, due_at = now(), sweep_at = now(), generation = o.generation + 1,
        fence = o.fence + 1, starts = 0, attempts_made = 0, updated_at = now()
      from picked where picked.fetched_at < ${fetchedBefore} and o.transaction_id = picked.id and o.kind = 'result' and o.state = 'done'
      returning 1
    ), moved as (
      update settled_rechecks r set last_created_at = last.created_at, last_id = last.id,
        ended_at = case when (select count(*) from picked) < ${limit} then now() end
      from place left join lateral (select * from picked order by created_at desc, id desc limit 1) last on true
      where r.period = place.period
    )
    select (select count(*)::int from due) as due, (select count(*)::int from picked) as picked from place`.execute(db);
  const [row] = rows;
  return row && { due: row.due, isMore: row.picked === limit };
}

/**
 * Counts the settled transactions of a month that will be fetched again: those due now or later, and those that {@link
 * recheckNext} has not reached yet.
 *
 * @param fetchedBefore as for {@link recheckNext}; `null` = it will reach none.
 */
export async function underRecheck(
  db: Queries,
  period: string,
  span: Span,
  fetchedBefore: Date | null,
): Promise<number> {
  const ofMonth = sql`t.settled and t.created_at >= ${span.start}::timestamptz - interval '1 day' and t.created_at < ${span.end}`;
  const { rows } = await sql<{ count: number }>`
    with place as materialized (
      select coalesce(last_created_at, '-infinity') as at, coalesce(last_id, '') as id, ended_at is not null as is_ended
      from (select) one left join settled_rechecks on period = ${period}
    )
    select (
      select count(*)::int from obligations o join transactions t on t.id = o.transaction_id
      where o.kind = 'result' and o.state = 'due' and ${ofMonth}
    ) + case when ${fetchedBefore}::timestamptz is null or (select is_ended from place) then 0 else (
      select count(*)::int from transactions t join obligations o on o.transaction_id = t.id
      where o.kind = 'result' and o.state = 'done' and ${ofMonth} and t.fetched_at < ${fetchedBefore}
        and (t.created_at, t.id) > (select at, id from place)
    ) end as count`.execute(db);
  return rows[0]?.count ?? 0;
}
