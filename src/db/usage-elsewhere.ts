import { sql } from 'kysely';
import { monthBounds, nextPeriod, previousPeriod } from '../domain/billing-month.ts';
import type { Queries } from './database.ts';
import { instant, literal } from './sql-text.ts';
import type { MatchScope } from './usage-rest.ts';
import { countingUsage } from './usage-statements.ts';

type Scope = Pick<MatchScope, 'period' | 'span' | 'timeZone'>;

/** Whether a row's time is that of an attempt. What a clock rounds or two clocks differ by is a second. */
const isSameTime = (attemptedAt: string): string =>
  `abs(extract(epoch from date_trunc('second', ${attemptedAt}) - date_trunc('second', r.attempted_at))) <= 1`;

/**
 * Notes which charged attempts of other months are charged a second time here: the statement that counts for their own
 * month charges them, or that of a month before this one.
 */
export async function noteChargedAgain(queries: Queries, scope: Scope): Promise<void> {
  const run = (text: string) => sql.raw(text).execute(queries);
  const others = await otherStatements(queries, scope);
  if (others === undefined) return;
  await run(`create temporary table usage_outside on commit drop as
    select transaction_id, task_type, ordinal, outside_at from usage_matches where outside_at is not null
    union all
    select transaction_id, task_type, ordinal, attempted_at from cube_near where ordinal is not null and position is not null
      and (attempted_at < ${instant(scope.span.start)} or attempted_at >= ${instant(scope.span.end)})`);
  await run('analyze usage_outside');
  for (const table of ['cube_near', 'usage_matches'])
    await run(`
    update ${table} m set is_elsewhere = true
    from usage_outside o join vendor_usage_rows r on r.transaction_id = o.transaction_id and r.task_type = o.task_type
      and r.statement_id in (${others.ids}) and r.quantity > 0
      and (r.attempt = o.ordinal or (r.attempt is null and ${isSameTime('o.outside_at')}))
    join (${others.values}) s on s.id = r.statement_id
      and (s.period < ${literal(scope.period)} or (o.outside_at >= s.starts and o.outside_at < s.ends))
    where m.transaction_id = o.transaction_id and m.task_type = o.task_type and m.ordinal = o.ordinal`);
}

/**
 * Notes in the cube which attempts of the month are charged by the statement of another one instead: `charged_in`, the
 * first such month. `is_near`: it is the month before or after, and none of the attempt's times is beyond it. A charge is
 * about the attempt of its number, else of its time; else, where its month has no attempt of the task, about any.
 */
export async function noteChargedElsewhere(queries: Queries, scope: Scope): Promise<void> {
  const run = (text: string) => sql.raw(text).execute(queries);
  // What is charged long before it happens is no charge for it.
  const others = await otherStatements(queries, scope, previousPeriod(scope.period));
  if (others === undefined) return;
  await run(`create temporary table usage_missing on commit drop as ${missing(scope)}`);
  const { rows: some } = await run('select from usage_missing limit 1');
  if (some.length === 0) return;
  await run('analyze usage_missing');
  await run(`create temporary table usage_rows_elsewhere on commit drop as ${rowsElsewhere(others)}`);
  await run(`create temporary table usage_moved (transaction_id text collate "C", task_type text collate "C", ordinal integer,
    period text collate "C") on commit drop`);
  for (const match of [byNumber, byTime, byCount]) await run(`insert into usage_moved ${match}`);
  await run(`
    update cube_attempts c set charged_in = v.period, is_near = ${isNear(scope)}
    from usage_moved v join usage_missing m using (transaction_id, task_type, ordinal)
    where c.transaction_id = v.transaction_id and c.task_type = v.task_type and c.ordinal = v.ordinal and c.units is null`);
}

/** Attempts that the books bill in the month and its statement does not charge. */
const missing = ({ span }: Scope): string => `
  select m.*, date_trunc('second', m.attempted_at) as second,
    least(m.attempted_at, t.created_at, t.completed_at, t.expires_at) as first_at,
    greatest(m.attempted_at, t.created_at, coalesce(t.completed_at, t.expires_at)) as last_at
  from (
    select distinct on (transaction_id, task_type, ordinal) transaction_id, task_type, ordinal, attempted_at
    from cube_attempts
    where units is null and invoiced and attempted_at >= ${instant(span.start)} and attempted_at < ${instant(span.end)}
    order by transaction_id, task_type, ordinal, attempted_at
  ) m join transactions t on t.id = m.transaction_id`;

/** What other statements charge for the tasks of those attempts, by the attempt's number or the second that it names. */
const rowsElsewhere = ({ ids, values }: OtherStatements): string => `
  select s.period, r.transaction_id, r.task_type, r.quantity, n.ordinal, case when n.ordinal is null then near.second end as second,
    exists (select from attempts a where a.transaction_id = r.transaction_id and a.task_type = r.task_type
      and a.attempted_at >= s.starts and a.attempted_at < s.ends) as has_own
  from vendor_usage_rows r join (${values}) s on s.id = r.statement_id
  left join attempts n on n.transaction_id = r.transaction_id and n.task_type = r.task_type and n.ordinal = r.attempt
  left join lateral (
    select date_trunc('second', a.attempted_at) as second from attempts a
    where a.transaction_id = r.transaction_id and a.task_type = r.task_type and ${isSameTime('a.attempted_at')}
    order by date_trunc('second', a.attempted_at) = date_trunc('second', r.attempted_at) desc, a.ordinal limit 1
  ) near on true
  where r.statement_id in (${ids}) and r.quantity > 0
    and (r.transaction_id, r.task_type) in (select transaction_id, task_type from usage_missing)`;

/** As many attempts of a name as a month charges of it, in the first month that does. */
const found = (name: string, rows: string): string => `
  select distinct on (transaction_id, task_type, ordinal) transaction_id, task_type, m.ordinal, u.period
  from (
    select m.*, ${name} as name, row_number() over (partition by transaction_id, task_type, ${name} order by ordinal) as place
    from usage_missing m left join usage_moved v using (transaction_id, task_type, ordinal) where v.period is null
  ) m join (
    select period, transaction_id, task_type, ${name} as name, sum(quantity) as units from usage_rows_elsewhere
    where ${rows} group by 1, 2, 3, 4
  ) u using (transaction_id, task_type, name)
  where m.place <= u.units order by transaction_id, task_type, ordinal, period`;

const byNumber = found('ordinal', 'ordinal is not null');
const byTime = found('second', 'second is not null');
const byCount = found('true', 'ordinal is null and second is null and not has_own');

/** No month is cut off by a day or more otherwise. */
function isNear({ period, timeZone }: Scope): string {
  const [before, after] = [previousPeriod(period), nextPeriod(period)];
  const first = monthBounds(before, timeZone).start;
  const last = monthBounds(after, timeZone).end;
  return `case v.period
    when ${literal(after)} then m.last_at < ${instant(last)} + interval '1 day'
    when ${literal(before)} then m.first_at >= ${instant(first)} - interval '1 day' else false end`;
}

type OtherStatements = {
  /** Their IDs, in a list. */
  readonly ids: string;
  /** A query for `id`, `period`, and when that `starts` and `ends`. */
  readonly values: string;
};

/** @returns `undefined` if no statement counts for a month but this one, from `since` on. */
async function otherStatements(
  queries: Queries,
  { period, timeZone }: Scope,
  since = '',
): Promise<OtherStatements | undefined> {
  const statements = (await countingUsage(queries)).filter((one) => one.period !== period && one.period >= since);
  if (statements.length === 0) return undefined;
  const values = statements.map((one) => {
    const { start, end } = monthBounds(one.period, timeZone);
    return `(${literal(one.id)}::bigint, ${literal(one.period)}, ${instant(start)}, ${instant(end)})`;
  });
  return {
    ids: statements.map(({ id }) => literal(id)).join(', '),
    values: `select * from (values ${values.join(', ')}) s (id, period, starts, ends)`,
  };
}
