import { sql } from 'kysely';
import { countByTime, createNear } from './cube-near.ts';
import { type Snapshot, withHashJoins } from './snapshot.ts';
import { noteChargedAgain } from './usage-elsewhere.ts';
import { matchRest, type MatchScope } from './usage-rest.ts';

/**
 * Matches a usage statement with the attempts of the books, into tables that are gone at the end of the transaction:
 * - `cube_near`: the attempts near the month, with the `units` of those that are charged by their number and the level that
 *   is stated, `stated_level`. Of an attempt that is charged at several, none. `is_elsewhere` as in `UsageOfRow`.
 * - `usage_matches`: without `ordinal`, rows that no number matched; with it, the attempts that were found for them.
 * - `usage_others`: what is charged or taken back beside them; `kind` is an `UnmatchedKind`.
 * - `usage_found`: attempts that no number matched; `is_counted`, those that are matched by count alone.
 *
 * A row is matched by its attempt number; else by its time, to the second; else by count within its transaction and task
 * type. An attempt is matched once: what is charged for it again adds to its units. What names an attempt that is charged
 * already is no charge for another one. What is taken back is about the attempt of its number, else of its time, whatever
 * is charged for it. The order of the rows decides nothing.
 */
export async function matchUsage(snapshot: Snapshot, scope: MatchScope): Promise<void> {
  const { queries } = snapshot;
  const run = (text: string) => sql.raw(text).execute(queries);
  const near = await createNear(snapshot, scope);
  await withHashJoins(snapshot, async () => {
    await run(`create temporary table usage_matches on commit drop as ${unmatched}`);
    await together(snapshot, scope, near);
  });
  await run(`create temporary table usage_others (kind text not null, transaction_id text collate "C" not null,
    task_type text collate "C" not null, attempt integer, attempted_at timestamptz not null, outcome_code text collate "C",
    level text collate "C", own_invoiced boolean, units bigint not null) on commit drop`);
  await run(`create temporary table usage_found (position integer not null, transaction_id text collate "C" not null,
    task_type text collate "C" not null, ordinal integer not null, is_counted boolean not null) on commit drop`);
  const { rows: rest } = await run('select from usage_matches limit 1');
  if (rest.length > 0) await matchRest(snapshot, scope);
  await noteChargedAgain(queries, scope);
}

/** Rows of several levels say none. */
const sameLevel = 'case when min(stated_level) = max(stated_level) then min(stated_level) end';

/**
 * Rows of the same number are one, and so are those without a number that are of the same second. What is taken back is
 * apart from charges. Attempts far from the month are left to the rest: they would be more with every month.
 */
const unmatched = `
  select min(position) as position, transaction_id, task_type, attempt, second, is_taken_back, ${sameLevel} as level, count(*) as rows,
    sum(units)::bigint as units, min(attempted_at) as attempted_at, null::integer as ordinal, null::timestamptz as outside_at,
    false as is_elsewhere
  from (
    select *, case when attempt is null then date_trunc('second', attempted_at) end as second, units < 0 as is_taken_back
    from cube_near where ordinal is null
  ) row
  group by transaction_id, task_type, attempt, second, is_taken_back`;

/**
 * Makes one of the rows that are about the same attempt; nearly all have one of their own.
 *
 * @param near how many rows `cube_near` has: those without an attempt are counted in `usage_matches`.
 */
async function together({ queries }: Snapshot, scope: MatchScope, near: number): Promise<void> {
  const run = (text: string) => sql.raw(text).execute(queries);
  const { rows: several } = await run(
    `select where ${near} - (select coalesce(sum(rows), 0) from usage_matches) > (${countByTime(scope)})`,
  );
  if (several.length === 0) return;
  await run(`create temporary table usage_again on commit drop as
    select transaction_id, task_type, ordinal, min(position) as position, ${sameLevel} as level, sum(units)::bigint as units
    from cube_near where ordinal is not null group by transaction_id, task_type, ordinal having count(*) > 1`);
  await run(`delete from cube_near n using usage_again g where n.transaction_id = g.transaction_id and n.task_type = g.task_type
    and n.ordinal = g.ordinal and n.position <> g.position`);
  await run(
    `update cube_near n set stated_level = g.level, units = g.units from usage_again g where n.position = g.position`,
  );
}
