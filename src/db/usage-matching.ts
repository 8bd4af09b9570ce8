import { sql } from 'kysely';
import { instant, literal } from './sql-text.ts';
import { type Snapshot, withHashJoins } from './snapshot.ts';
import { noteChargedAgain } from './usage-elsewhere.ts';
import { matchRest, type MatchScope } from './usage-rest.ts';

/**
 * Matches a usage statement with the attempts of the books, into tables that are gone at the end of the transaction:
 * - `usage_matches`: with `ordinal`, an attempt that is charged, and the `units` of it. `level` is as stated; of an
 *   attempt that is charged at several, none. `is_elsewhere` as in `UsageOfRow`.
 * - `usage_others`: what is charged or taken back beside them; `kind` is an `UnmatchedKind`.
 * - `usage_found`: attempts that no number matched; `is_counted`, those that are matched by count alone.
 *
 * A row is matched by its attempt number; else by its time, to the second; else by count within its transaction and task
 * type. An attempt is matched once: what is charged for it again adds to its units. What is taken back is about the
 * attempt of its number, else of its time, whatever is charged for it.
 */
export async function matchUsage(snapshot: Snapshot, scope: MatchScope): Promise<void> {
  const { queries } = snapshot;
  const run = (text: string) => sql.raw(text).execute(queries);
  await withHashJoins(snapshot, async () => {
    await run(`create temporary table usage_matches on commit drop as ${byNumber(scope)}`);
    await run(`create temporary table usage_again on commit drop as
      select place from usage_matches where place is not null group by place having count(*) > 1`);
    await run(together);
  });
  await run(`create temporary table usage_others (kind text not null, transaction_id text collate "C" not null,
    task_type text collate "C" not null, attempt integer, attempted_at timestamptz not null, outcome_code text collate "C",
    level text collate "C", own_invoiced boolean, units bigint not null) on commit drop`);
  await run(`create temporary table usage_found (position integer not null, transaction_id text collate "C" not null,
    task_type text collate "C" not null, ordinal integer not null, is_counted boolean not null) on commit drop`);
  const { rows: rest } = await run('select from usage_matches where ordinal is null limit 1');
  if (rest.length > 0) await matchRest(snapshot, scope);
  await noteChargedAgain(queries, scope);
}

/**
 * Rows with the attempts that their numbers name, by `place`; those without a number that are of the same second are one.
 * Attempts far from the month are left to the rest: they would be more with every month.
 */
const byNumber = ({ statement, span, marks }: MatchScope): string => `
  select s.*, k.ordinal, k.ctid as place, case when k.attempted_at < ${instant(span.start)} or k.attempted_at >= ${instant(span.end)}
    then k.attempted_at end as outside_at, false as is_elsewhere
  from (
    select position, transaction_id, task_type, attempt, null::timestamptz as second, quantity < 0 as is_taken_back, level,
      1::bigint as rows, quantity as units
    from vendor_usage_rows where statement_id = ${literal(statement)} and quantity <> 0 and attempt is not null
    union all
    select min(position), transaction_id, task_type, null, date_trunc('second', attempted_at) as second, quantity < 0 as is_taken_back,
      ${sameLevel}, count(*), sum(quantity)::bigint
    from vendor_usage_rows where statement_id = ${literal(statement)} and quantity <> 0 and attempt is null
    group by transaction_id, task_type, second, is_taken_back
  ) s left join attempts k
    on k.transaction_id = s.transaction_id and k.task_type = s.task_type and k.ordinal = s.attempt and not s.is_taken_back
      and k.attempted_at >= ${instant(marks[0] ?? span.start)} and k.attempted_at < ${instant(marks.at(-1) ?? span.end)}`;

/** Rows of several levels say none. */
const sameLevel = 'case when min(level) = max(level) then min(level) end';

/** Makes one of the rows of the same number; nearly all have one of their own. What is taken back is apart from charges. */
const together = `
  with several as (
    delete from usage_matches where attempt is not null and (place is null or place in (select place from usage_again))
    returning position, transaction_id, task_type, attempt, is_taken_back, level, rows, units, ordinal, place, outside_at
  )
  insert into usage_matches (position, transaction_id, task_type, attempt, is_taken_back, level, rows, units, ordinal, place, outside_at, is_elsewhere)
  select min(position), transaction_id, task_type, attempt, is_taken_back, ${sameLevel}, sum(rows)::bigint, sum(units)::bigint, ordinal, place,
    min(outside_at), false
  from several group by transaction_id, task_type, attempt, is_taken_back, ordinal, place`;
