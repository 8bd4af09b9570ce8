import { sql } from 'kysely';
import type { Span } from '../domain/billing-month.ts';
import type { Queries } from './database.ts';

/** Tasks with the same scans and the same counter; on the same days, where they were asked for by day. */
export type CounterObservation = {
  readonly taskType: string;
  readonly level: string | null;
  /** Of each scan its code, whether it is linked, and its source. */
  readonly scans: readonly (readonly [code: string | null, linked: boolean | null, captureSource: string | null])[];
  readonly charged: number;
  readonly tasks: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly transactionId: string;
};

/** Tasks with scans in a span, by what keeps their counter from saying what was charged for them. */
export type CounterUse = {
  readonly usable: number;
  readonly notSettled: number;
  readonly withoutCounter: number;
  /** Not every scan that the vendor counts is listed, or one is listed more than once. */
  readonly notListed: number;
  /** Some of their scans lie outside the span. */
  readonly acrossBounds: number;
};

/**
 * Tasks with scans in the span. Faces have no list and no counter. `own_attempts` tells which tasks have scans outside
 * the span without a look at these.
 */
const tasksWithin = ({ start, end }: Span) => sql`
  select k.transaction_id, k.task_type, k.level, k.vendor_attempts_invoiced as charged, a.scans, a.first_at, a.last_at,
    case
      when not t.settled then 'not_settled'
      when k.vendor_attempts_invoiced is null then 'without_counter'
      when not a.all_listed or k.listed_twice > 0 or k.vendor_attempts <> k.own_attempts then 'not_listed'
      when a.count <> k.own_attempts then 'across_bounds'
      else 'usable'
    end as use
  from (
    select transaction_id, task_type, count(*) as count, bool_and(evidence = 'scan_list') as all_listed,
      min(attempted_at) as first_at, max(attempted_at) as last_at,
      jsonb_agg(jsonb_build_array(code, linked, capture_source) order by code, linked, capture_source) as scans
    from attempts
    where attempted_at >= ${start} and attempted_at < ${end}
      and evidence not in ('task_completed_transaction', 'task_open_transaction')
    group by transaction_id, task_type
  ) a
  join tasks k on k.transaction_id = a.transaction_id and k.task_type = a.task_type
  join transactions t on t.id = a.transaction_id`;

/** How many tasks of a span have a counter that says what was charged for them. */
export async function counterUse(db: Queries, span: Span): Promise<CounterUse> {
  const { rows } = await sql<{ use: string; tasks: string }>`
    select use, count(*) as tasks from (${tasksWithin(span)}) task group by use`.execute(db);
  const of = (use: string) => Number(rows.find((row) => row.use === use)?.tasks ?? 0);
  return {
    usable: of('usable'),
    notSettled: of('not_settled'),
    withoutCounter: of('without_counter'),
    notListed: of('not_listed'),
    acrossBounds: of('across_bounds'),
  };
}

/**
 * What the counters of a span say, a row for all tasks that say the same.
 *
 * @param options.byDay the time zone of the days, if tasks of other days are to be another row.
 * @param options.limit how many rows at most; those of most tasks come first.
 */
export async function counterObservations(
  db: Queries,
  span: Span,
  { byDay, limit }: { readonly byDay: string | null; readonly limit: number },
): Promise<CounterObservation[]> {
  const day = (column: string) =>
    byDay === null ? sql`null::date` : sql`(${sql.ref(column)} at time zone ${byDay}::text)::date`;
  const { rows } = await sql<Omit<CounterObservation, 'tasks'> & { readonly tasks: string }>`
    select task_type as "taskType", level, scans, charged, count(*) as tasks, min(first_at) as "firstAt",
      max(last_at) as "lastAt", min(example) as "transactionId"
    from (
      select task_type, level, scans, charged, first_at, last_at, transaction_id as example,
        ${day('first_at')} as first_day, ${day('last_at')} as last_day
      from (${tasksWithin(span)}) task where use = 'usable'
    ) observed
    group by task_type, level, scans, charged, first_day, last_day
    order by count(*) desc, task_type, level, scans, charged, first_day, last_day
    limit ${limit}`.execute(db);
  return rows.map(({ tasks, ...row }) => ({ ...row, tasks: Number(tasks) }));
}
