import { sql } from 'kysely';
import type { Queries } from '../../src/db/database.ts';
import { periodOf } from '../../src/domain/billing-month.ts';
import type { Price, PriceList } from '../../src/domain/prices.ts';

type Attempt = {
  readonly taskType: string;
  readonly level: string | null;
  readonly at: Date;
  readonly invoiced: boolean | null;
};

/** Per month: attempts, invoiced attempts, and what they cost in micro-units. */
export type MonthCost = { attempts: number; invoiced: number; amount: bigint };

/** What the attempts now known cost, month by month, each unit priced by itself. */
export async function trueCosts(db: Queries, list: PriceList, timeZone: string): Promise<Map<string, MonthCost>> {
  const { rows } = await sql<Attempt>`
    select a.task_type as "taskType", k.level, a.attempted_at as at, a.invoiced
    from attempts a join tasks k using (transaction_id, task_type)`.execute(db);
  const costs = new Map<string, MonthCost>();
  const units = new Map<string, { price: Price; count: bigint; month: MonthCost }>();
  for (const { taskType, level, at, invoiced } of rows) {
    const period = periodOf(at, timeZone);
    const month = costs.get(period) ?? { attempts: 0, invoiced: 0, amount: 0n };
    costs.set(period, month);
    month.attempts += 1;
    if (invoiced !== true) continue;
    month.invoiced += 1;
    const price =
      list.prices.find((one) => one.taskType === taskType && one.level === level) ??
      list.prices.find((one) => one.taskType === taskType && one.level === null);
    if (!price) throw new Error(`no price for ${taskType}`);
    const key = `${period} ${list.prices.indexOf(price)}`;
    const counted = units.get(key) ?? { price, count: 0n, month };
    units.set(key, { ...counted, count: counted.count + 1n });
  }
  for (const { price, count, month } of units.values()) month.amount += costOf(price, count);
  return costs;
}

function costOf(price: Price, count: bigint): bigint {
  const charged = count > price.freeAllowance ? count - price.freeAllowance : 0n;
  if (price.model === 'flat') return charged * price.unitPrice;
  const tierOf = (unit: bigint) => price.tiers.find(({ upTo }) => upTo === null || unit <= upTo)!;
  if (price.model === 'volume') return charged === 0n ? 0n : charged * tierOf(charged).unitPrice;
  let cost = 0n;
  for (let unit = 1n; unit <= charged; unit += 1n) cost += tierOf(unit).unitPrice;
  return cost;
}

/** What was booked for each month, by its own close and by corrections since. */
export async function bookedCosts(db: Queries): Promise<Map<string, MonthCost>> {
  const { rows } = await sql<{ period: string; attempts: string; invoiced: string; amount: string }>`
    select coalesce(corrects_period, period) as period, sum(quantity) as attempts,
      coalesce(sum(quantity) filter (where invoiced), 0) as invoiced, round(coalesce(sum(amount::numeric), 0) * 1000000) as amount
    from closed_lines group by 1`.execute(db);
  return new Map(
    rows.map((row) => [
      row.period,
      { attempts: Number(row.attempts), invoiced: Number(row.invoiced), amount: BigInt(row.amount) },
    ]),
  );
}

/** Attempts that were not booked exactly once, all reversals considered, or booked as something else than they are. */
export async function misbooked(db: Queries): Promise<string[]> {
  const { rows } = await sql<{ key: string }>`
    with net as (
      select transaction_id, task_type, ordinal, sum(quantity) as times from closed_lines group by 1, 2, 3
    ), latest as (
      select distinct on (transaction_id, task_type, ordinal) transaction_id, task_type, ordinal, code, invoiced, attempted_at, quantity
      from closed_lines order by transaction_id, task_type, ordinal, period desc, quantity desc
    )
    select coalesce(a.transaction_id, net.transaction_id) || ' ' || coalesce(a.task_type, net.task_type) || ' ' ||
      coalesce(a.ordinal, net.ordinal) || ': ' || coalesce(times, 0) || ' times' as key
    from attempts a full join net using (transaction_id, task_type, ordinal)
      left join latest using (transaction_id, task_type, ordinal)
    where coalesce(times, 0) <> case when a.ordinal is null then 0 else 1 end
      or a.ordinal is not null and (a.code, a.invoiced) is distinct from (latest.code, latest.invoiced)
    order by 1`.execute(db);
  return rows.map(({ key }) => key);
}

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
