import { sql } from 'kysely';
import type { Queries } from '../../src/db/database.ts';

/** Tasks of which the vendor's counter was not booked once and whole, all reversals considered. */
export async function miscounted(db: Queries): Promise<string[]> {
  const { rows } = await sql<{ key: string }>`
    select k.transaction_id || ' ' || k.task_type || ': ' || coalesce(booked.share::text, 'none') || ' for ' ||
      coalesce(k.vendor_attempts_invoiced::text, 'none') as key
    from tasks k left join lateral (
      select sum(l.quantity * l.vendor_share) as share from closed_lines l
      where l.transaction_id = k.transaction_id and l.task_type = k.task_type
    ) booked on true
    where k.own_attempts > 0 and coalesce(booked.share, 0) <> coalesce(k.vendor_attempts_invoiced, 0)
    order by 1`.execute(db);
  return rows.map(({ key }) => key);
}

/** Counts that differ from the vendor's: those that the books still list, month by month, and those there are. */
export async function disagreements(db: Queries, timeZone: string): Promise<{ booked: string[]; actual: string[] }> {
  const key = sql`period || ' ' || transaction_id || ' ' || task_type || ' ' || reason || ': ' || own || ' and ' || vendor`;
  const booked = await sql<{ key: string }>`
    select ${key} as key from (
      select distinct on (transaction_id, task_type, reason, coalesce(corrects_period, period))
        transaction_id, task_type, reason, own_quantity as own, vendor_quantity as vendor,
        coalesce(corrects_period, period) as period
      from closed_discrepancies
      order by transaction_id, task_type, reason, coalesce(corrects_period, period), closed_discrepancies.period desc
    ) latest where own <> vendor and reason <> 'scan_list_missing' order by 1`.execute(db);
  const actual = await sql<{ key: string }>`
    with counted as (
      select k.*, (select count(*) from attempts a where (a.transaction_id, a.task_type) = (k.transaction_id, k.task_type)) as listed,
        (select count(*) from attempts a where (a.transaction_id, a.task_type) = (k.transaction_id, k.task_type) and a.invoiced) as invoiced,
        (select count(*) from attempts a where (a.transaction_id, a.task_type) = (k.transaction_id, k.task_type) and a.code = 'processing') as processing
      from tasks k
    ), dated as (
      select c.*, t.settled, to_char(coalesce((select a.attempted_at from attempts a
          where (a.transaction_id, a.task_type, a.ordinal) = (c.transaction_id, c.task_type, c.listed)),
        t.completed_at, t.created_at) at time zone ${timeZone}, 'YYYY-MM') as period
      from counted c join transactions t on t.id = c.transaction_id
    )
    select ${key} as key from (
      select period, transaction_id, task_type, 'invoiced_count_differs' as reason, vendor_attempts_invoiced as vendor, invoiced as own
      from dated
      union all
      select period, transaction_id, task_type, 'attempt_count_differs', vendor_attempts, listed from dated
      union all
      select period, transaction_id, task_type, 'still_processing', 0, processing from dated where settled
    ) compared where own <> vendor order by 1`.execute(db);
  return { booked: booked.rows.map((row) => row.key), actual: actual.rows.map((row) => row.key) };
}
