import { sql } from 'kysely';
import type { Span } from '../domain/billing-month.ts';
import { instant, literal } from './sql-text.ts';
import { type Snapshot, withHashJoins } from './snapshot.ts';

export type MatchScope = {
  readonly period: string;
  readonly span: Span;
  readonly isClosed: boolean;
  /** The ID of the statement. */
  readonly statement: string;
};

/**
 * Matches a usage statement with the attempts of the books, into the table `usage_matches`, which is gone at the end of
 * the transaction: with `ordinal`, an attempt that is charged, and the `units` of it; without, rows that match nothing.
 *
 * A row is matched by its attempt number; else by its time, to the second; else, where most of the statement's times are
 * not ours or a row stands for several attempts, by count within its transaction and task, attempts that the books bill
 * first. An attempt is matched once: what is charged for it again adds to its units. `level` is as stated; of an attempt
 * that is charged at several, none.
 */
export async function matchUsage(snapshot: Snapshot, scope: MatchScope): Promise<void> {
  const { queries } = snapshot;
  const tables = [stated(scope.statement), byNumber(scope), rest(scope), byTime, byCount, leftOver].join(', ');
  await withHashJoins(snapshot, () =>
    sql`create temporary table usage_matches on commit drop as ${sql.raw(`with ${tables} ${matches}`)}`.execute(
      queries,
    ),
  );
  await sql`analyze usage_matches`.execute(queries);
}

/** Rows about the same attempt, or at the same time, are one. */
const stated = (statement: string): string => {
  const columns = `min(position) as position, transaction_id, task_type, attempt, min(attempted_at) as attempted_at,
    min(outcome_code) as outcome_code, min(level) as level, max(level) as last_level, sum(quantity)::bigint as units, count(*) = 1 as is_single`;
  const rows = `from vendor_usage_rows where statement_id = ${literal(statement)}`;
  return `stated as materialized (
    select ${columns} ${rows} and attempt is not null group by transaction_id, task_type, attempt
    union all
    select ${columns} ${rows} and attempt is null group by transaction_id, task_type, attempt, attempted_at
  )`;
};

/** Every attempt that a statement can be about; `is_own` = the books bill it in the month. */
function known({ period, span, isClosed }: MatchScope): string {
  const own = `select transaction_id, task_type, ordinal, attempted_at, invoiced, invoiced is true
    and attempted_at >= ${instant(span.start)} and attempted_at < ${instant(span.end)} as is_own from attempts`;
  if (!isClosed) return own;
  return `${own} union all
    select b.transaction_id, b.task_type, b.ordinal, b.attempted_at, b.invoiced, b.invoiced is true
    from closed_lines b left join attempts a using (transaction_id, task_type, ordinal)
    where b.period = ${literal(period)} and b.corrects_period is null and a.transaction_id is null`;
}

const byNumber = (scope: MatchScope): string => `
  by_number as materialized (
    select s.position, s.units, s.level, s.last_level, k.transaction_id, k.task_type, k.ordinal
    from stated s join (${known(scope)}) k
      on k.transaction_id = s.transaction_id and k.task_type = s.task_type and k.ordinal = s.attempt
    where s.units > 0
  )`;

/** What no number matches, on both sides. */
const rest = (scope: MatchScope): string => `
  rest as materialized (
    select s.* from stated s left join by_number n using (position) where n.position is null and s.units > 0
  ),
  free as materialized (
    select k.* from (${known(scope)}) k left join by_number n using (transaction_id, task_type, ordinal)
    where n.position is null and k.transaction_id in (select transaction_id from rest)
  )`;

/** `place` takes care that nothing is matched twice. */
const byTime = `
  by_time as materialized (
    select s.position, k.transaction_id, k.task_type, k.ordinal
    from (
      select *, date_trunc('second', attempted_at) as at,
        row_number() over (partition by transaction_id, task_type, date_trunc('second', attempted_at) order by position) as place
      from rest
    ) s join (
      select *, date_trunc('second', attempted_at) as at,
        row_number() over (partition by transaction_id, task_type, date_trunc('second', attempted_at) order by ordinal) as place
      from free
    ) k on k.transaction_id = s.transaction_id and k.task_type = s.task_type and k.at = s.at and k.place = s.place
  )`;

const byCount = `
  most as materialized (
    select coalesce((select count(*) from by_time) * 2 >= count(*), true) as have_our_times from rest where attempt is null
  ),
  counted as materialized (
    select s.position, s.transaction_id, s.task_type, s.level, s.last_level,
      row_number() over (partition by s.transaction_id, s.task_type order by s.position, unit) as place
    from rest s left join by_time t on t.position = s.position
      cross join lateral generate_series(case when t.position is null then 1 else 2 end, s.units) as unit
    where s.attempt is null
      and case when t.position is null then s.units > 1 or not (select have_our_times from most)
        else s.is_single and s.units > 1 end
  ),
  by_count as materialized (
    select c.position, c.level, c.last_level, k.transaction_id, k.task_type, k.ordinal
    from counted c join (
      select k.*, row_number() over (partition by k.transaction_id, k.task_type
        order by k.is_own desc, k.invoiced is true desc, k.ordinal) as place
      from free k left join by_time t using (transaction_id, task_type, ordinal) where t.position is null
    ) k on k.transaction_id = c.transaction_id and k.task_type = c.task_type and k.place = c.place
  )`;

/** How many units of the rest are left when each match has taken one. */
const leftOver = `
  left_over as materialized (
    select s.*, t.ordinal, s.units - coalesce(c.units, 0) - (t.position is not null)::integer as left_units
    from rest s
    left join by_time t on t.position = s.position
    left join (select position, count(*) as units from by_count group by position) c on c.position = s.position
  )`;

const nothing = `null::integer as attempt, null::timestamptz as attempted_at, null::text collate "C" as outcome_code,
  case when level = last_level then level end as level`;
const asStated = 'attempt, attempted_at, outcome_code, level';

const matches = `
  select transaction_id, task_type, ordinal, units, ${nothing} from by_number
  union all
  select transaction_id, task_type, ordinal, 1 + left_units, ${nothing} from left_over where ordinal is not null
  union all
  select transaction_id, task_type, ordinal, 1, ${nothing} from by_count
  union all
  select transaction_id, task_type, null, left_units, ${asStated} from left_over where ordinal is null and left_units <> 0
  union all
  select transaction_id, task_type, null, units, ${asStated} from stated where units < 0`;
