import { literal } from './lines.ts';

const isLeft = (matched: string) => `not exists (select from ${matched} m where m.position = s.position)`;
const isFree = (matched: string) => `not exists (select from ${matched} m
  where m.transaction_id = k.transaction_id and m.task_type = k.task_type and m.ordinal = k.ordinal)`;

/**
 * The common table expressions that match a usage statement with the attempts of the books, for a query that has `known`:
 * every attempt that a statement can be about, with `is_own` = the books bill it in this month.
 *
 * A row is matched by its attempt number; else by its time, to the second; else, where most of the statement's times are
 * not ours or a row stands for several attempts, by count within its transaction and task, attempts that the books bill
 * first. An attempt is matched once. What is charged for it again is `extra`; what matches nothing is in `unmatched`.
 *
 * - `charged`: `transaction_id`, `task_type`, `ordinal`, `extra` in units.
 * - `unmatched`: `position`, `transaction_id`, `task_type`, `attempt`, `attempted_at`, `outcome_code`, `level`, `units`.
 *
 * @param statement the ID of the statement.
 */
export const usageMatching = (statement: string): string =>
  `${stated(statement)}, ${byIdentity}, ${byCount}, ${leftOver}`;

/** Rows about the same attempt are one. */
const stated = (statement: string): string => `
  stated as materialized (
    select min(position) as position, transaction_id, task_type, attempt, attempted_at, min(outcome_code) as outcome_code,
      min(level) as level, sum(quantity)::bigint as units, count(*) = 1 as is_single
    from vendor_usage_rows where statement_id = ${literal(statement)}
    group by transaction_id, task_type, attempt, attempted_at having sum(quantity) <> 0
  )`;

/** By attempt number, and by time. `place` takes care that nothing is matched twice. */
const byIdentity = `
  by_number as materialized (
    select * from (
      select s.position, s.units, s.is_single, k.*,
        row_number() over (partition by k.transaction_id, k.task_type, k.ordinal
          order by s.attempted_at <> k.attempted_at, s.position) as place
      from stated s join known k on k.transaction_id = s.transaction_id and k.task_type = s.task_type and k.ordinal = s.attempt
      where s.units > 0
    ) matched where place = 1
  ),
  by_time as materialized (
    select s.position, s.units, s.is_single, k.*
    from (
      select position, units, is_single, transaction_id, task_type, date_trunc('second', attempted_at) as at,
        row_number() over (partition by transaction_id, task_type, date_trunc('second', attempted_at) order by position) as place
      from stated s where units > 0 and ${isLeft('by_number')}
    ) s join (
      select *, date_trunc('second', attempted_at) as at,
        row_number() over (partition by transaction_id, task_type, date_trunc('second', attempted_at) order by ordinal) as place
      from known k where ${isFree('by_number')}
    ) k on k.transaction_id = s.transaction_id and k.task_type = s.task_type and k.at = s.at and k.place = s.place
  )`;

const byCount = `
  most as materialized (
    select coalesce((select count(*) from by_time) * 2 >= count(*), true) as have_our_times
    from stated s where units > 0 and attempt is null
  ),
  counted as materialized (
    select s.position, s.transaction_id, s.task_type,
      row_number() over (partition by s.transaction_id, s.task_type order by s.position, unit) as place
    from stated s left join by_time t on t.position = s.position
      cross join lateral generate_series(case when t.position is null then 1 else 2 end, s.units) as unit
    where s.units > 0 and s.attempt is null
      and case when t.position is null then s.units > 1 or not (select have_our_times from most)
        else s.is_single and s.units > 1 end
  ),
  by_count as materialized (
    select c.position, k.transaction_id, k.task_type, k.ordinal
    from counted c join (
      select k.*, row_number() over (partition by transaction_id, task_type
        order by is_own desc, invoiced is true desc, ordinal) as place
      from known k
      where transaction_id in (select transaction_id from counted) and ${isFree('by_number')} and ${isFree('by_time')}
    ) k on k.transaction_id = c.transaction_id and k.task_type = c.task_type and k.place = c.place
  )`;

/** What is charged again, or matches nothing. */
const leftOver = `
  left_over as materialized (
    select s.*, s.units - coalesce(c.units, 0) - (n.position is not null or t.position is not null)::integer as rest,
      coalesce(n.ordinal, t.ordinal) as ordinal
    from stated s
    left join by_number n on n.position = s.position
    left join by_time t on t.position = s.position
    left join (select position, count(*) as units from by_count group by position) c on c.position = s.position
  ),
  again as materialized (
    select transaction_id, task_type, ordinal, sum(rest)::bigint as extra
    from (
      select transaction_id, task_type, ordinal, rest from left_over where ordinal is not null and rest > 0
      union all
      select o.transaction_id, o.task_type, n.ordinal, o.rest
      from left_over o join by_number n on n.transaction_id = o.transaction_id and n.task_type = o.task_type and n.ordinal = o.attempt
      where o.ordinal is null and o.rest > 0
    ) twice group by transaction_id, task_type, ordinal
  ),
  charged as materialized (
    select m.transaction_id, m.task_type, m.ordinal, coalesce(a.extra, 0) as extra
    from (
      select transaction_id, task_type, ordinal from by_number union all
      select transaction_id, task_type, ordinal from by_time union all
      select transaction_id, task_type, ordinal from by_count
    ) m left join again a using (transaction_id, task_type, ordinal)
  ),
  unmatched as materialized (
    select position, transaction_id, task_type, attempt, attempted_at, outcome_code, level, rest as units
    from left_over o
    where rest <> 0 and ordinal is null and not (rest > 0 and exists (
      select from by_number n
      where n.transaction_id = o.transaction_id and n.task_type = o.task_type and n.ordinal = o.attempt))
  )`;
