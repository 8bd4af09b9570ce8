import { sql } from 'kysely';
import type { Span } from '../domain/billing-month.ts';
import { instant, literal } from './sql-text.ts';
import { type Snapshot, withHashJoins } from './snapshot.ts';

export type MatchScope = {
  readonly period: string;
  readonly span: Span;
  /** Attempts near the month are those from the first of them on and before the last one. */
  readonly marks: readonly Date[];
  readonly isClosed: boolean;
  /** The billing time zone, by which other months begin and end. */
  readonly timeZone: string;
  /** The ID of the statement. */
  readonly statement: string;
};

/**
 * Matches what no number of an attempt near the month matches: rows without a number, rows about attempts of other
 * months, and rows whose number is not ours.
 */
export async function matchRest(snapshot: Snapshot, scope: MatchScope): Promise<void> {
  const run = (text: string) => sql.raw(text).execute(snapshot.queries);
  await run(`create temporary table usage_rest on commit drop as ${rest}`);
  await run('analyze usage_rest');
  await run(`create temporary table usage_known on commit drop as ${known(scope)}`);
  await run('analyze usage_known');
  await withHashJoins(snapshot, async () => {
    const isLeft = async () => (await run(`select from (${leftOver}) s limit 1`)).rows.length > 0;
    // What a clock rounds or two clocks differ by is a second.
    for (const match of [byNumber, byTime(0), byTime(1), byTime(-1)])
      if (await isLeft()) await run(`insert into usage_found ${match}`);
    await run(`create temporary table usage_named on commit drop as ${named}`);
    if (await isLeft()) await run(`insert into usage_found ${byCount}`);
    await run(`insert into usage_matches (transaction_id, task_type, ordinal, level, units, is_taken_back, outside_at, is_elsewhere)
      ${matches(scope)}`);
    await run(`create temporary table usage_added on commit drop as ${added}`);
    for (const table of ['cube_near', 'usage_matches'])
      await run(`update ${table} m set units = m.units + t.units from (${chargedAgain}) t
        where m.transaction_id = t.transaction_id and m.task_type = t.task_type and m.ordinal = t.ordinal and m.units is not null`);
    await run(`insert into usage_others ${unknown(scope)}`);
    await run(`insert into usage_others ${takenBack(scope)}`);
  });
}

/** `wanted` is how many attempts a row may stand for; only one that names none may stand for several. */
const rest = `
  select position, transaction_id, task_type, attempt, level, rows, units, is_taken_back, attempted_at,
    date_trunc('second', attempted_at) as second, case when attempt is null then units else 1 end as wanted
  from usage_matches where ordinal is null`;

/** Every attempt of their transactions; `is_own` = the books bill it in the month. */
function known({ period, span, isClosed }: MatchScope): string {
  const isIn = `attempted_at >= ${instant(span.start)} and attempted_at < ${instant(span.end)}`;
  const ofRest = 'transaction_id in (select transaction_id from usage_rest)';
  const now = `select transaction_id, task_type, ordinal, attempted_at, code, invoiced, invoiced is true and ${isIn} as is_own
    from attempts where ${ofRest}`;
  const booked = `select transaction_id, task_type, ordinal, attempted_at, code, invoiced, invoiced is true
    from closed_lines b where period = ${literal(period)} and corrects_period is null and ${ofRest} and not exists (select from attempts a
      where a.transaction_id = b.transaction_id and a.task_type = b.task_type and a.ordinal = b.ordinal)`;
  return `
    select k.*, date_trunc('second', k.attempted_at) as second, n.position is not null as is_taken
    from (${isClosed ? `${now} union all ${booked}` : now}) k
    left join cube_near n
      on n.transaction_id = k.transaction_id and n.task_type = k.task_type and n.ordinal = k.ordinal`;
}

/** What is charged and not found yet, by how many attempts. */
const leftOver = `
  select r.*, coalesce(f.found, 0) as found, r.wanted - coalesce(f.found, 0) as wanting
  from usage_rest r left join (select position, count(*) as found from usage_found group by position) f using (position)
  where not r.is_taken_back and r.wanted > coalesce(f.found, 0)`;

const free = `
  select k.* from usage_known k left join usage_found f using (transaction_id, task_type, ordinal)
  where not k.is_taken and f.position is null`;

/** Which attempt the time of a row names, though it may have been found by another one. */
const named = `
  select distinct on (l.position) l.position, k.ordinal
  from (${leftOver}) l join usage_known k on k.transaction_id = l.transaction_id and k.task_type = l.task_type
    and k.second between l.second - interval '1 second' and l.second + interval '1 second'
  order by l.position, abs(extract(epoch from k.second - l.second)), k.is_own desc, k.ordinal`;

/** How a row and an attempt of the same transaction and task type find each other: by the same name, in order. */
type Match = {
  readonly row: string;
  readonly attempt: string;
  readonly order: { readonly rows: string; readonly attempts: string };
  /** Which rows may find attempts. */
  readonly rows?: string;
  /** Whether row `s` may have attempt `k`. */
  readonly pair?: string;
};

/** A row has as many places as it wants attempts, an attempt one: those of the same place find each other. */
const found = ({ row, attempt, order, rows = 'true', pair = 'true' }: Match, isCounted: boolean): string => `
  select s.position, k.transaction_id, k.task_type, k.ordinal, ${isCounted}
  from (
    select l.*, ${row} as name, sum(wanting) over (
      partition by transaction_id, task_type, ${row} order by ${order.rows} rows unbounded preceding) as last_place
    from (${leftOver}) l where ${rows}
  ) s join (
    select f.*, ${attempt} as name, row_number() over (
      partition by transaction_id, task_type, ${attempt} order by ${order.attempts}) as place
    from (${free}) f
  ) k on k.transaction_id = s.transaction_id and k.task_type = s.task_type and k.name = s.name
    and k.place <= s.last_place and k.place > s.last_place - s.wanting
  where ${pair}`;

/** Attempts that the books bill come first. */
const inOrder = {
  rows: 'attempt nulls first, second',
  attempts: 'is_own desc, invoiced is true desc, ordinal',
};
const byNumber = found({ row: 'attempt', attempt: 'ordinal', order: inOrder, rows: 'attempt is not null' }, false);
const byTime = (seconds: number): string =>
  found({ row: `second - interval '${seconds} seconds'`, attempt: 'second', order: inOrder }, false);

/** Whether most of the statement's numbers and times are those of the books. */
const hasOurNames = `(select 2 * (named + (select count(distinct position) from usage_found)) >=
    named + (select count(*) from usage_matches where not is_taken_back)
  from (select count(*) as named from cube_near where ordinal is not null and position is not null) n)`;
/** Where names are ours, a single row of another name is no reason to doubt what the books do not bill. */
const needsBilled = `(${hasOurNames} and (attempt is not null or units = 1))`;
/** Where names are ours, rows that name charged attempts charge for them again; a single row may stand for several. */
const mayBeOthers = `(not ${hasOurNames} or ((found = 0 or rows = 1)
  and (units > rows or position not in (select position from usage_named))))`;
const byCount = found(
  {
    row: 'true',
    attempt: 'true',
    order: { ...inOrder, rows: `${needsBilled} desc, ${inOrder.rows}` },
    rows: mayBeOthers,
    pair: `is_own or not ${needsBilled}`,
  },
  true,
);

const matches = ({ span }: MatchScope): string => `
  select f.transaction_id, f.task_type, f.ordinal, r.level, 1, false,
    case when k.attempted_at < ${instant(span.start)} or k.attempted_at >= ${instant(span.end)} then k.attempted_at end, false
  from usage_found f join usage_rest r using (position)
  join usage_known k on k.transaction_id = f.transaction_id and k.task_type = f.task_type and k.ordinal = f.ordinal`;

/**
 * Units beyond the attempts that a row has found. They are charged again for the one that its number or time names;
 * without `ordinal`, for nothing that is known.
 */
const added = `
  select r.position, r.transaction_id, r.task_type, coalesce(f.ordinal, case when f.found is null then t.ordinal end) as ordinal,
    r.units - coalesce(f.found, 0) as units
  from usage_rest r
  left join (
    select position, count(*) as found, min(ordinal) filter (where not is_counted) as ordinal from usage_found group by position
  ) f using (position)
  left join usage_named t using (position)
  where not r.is_taken_back and r.units > coalesce(f.found, 0)`;

const chargedAgain = `
  select transaction_id, task_type, ordinal, sum(units)::bigint as units from usage_added where ordinal is not null
  group by transaction_id, task_type, ordinal`;

const statedRow = ({ statement }: MatchScope): string =>
  `join vendor_usage_rows v on v.statement_id = ${literal(statement)} and v.position = r.position`;

/**
 * A row that says no level charges at the one that its task has; else, where the statement says none of its kind of task, at
 * the only one that the books have of it.
 */
const unknown = (scope: MatchScope): string => `
  select 'unknown', r.transaction_id, r.task_type, r.attempt, r.attempted_at, v.outcome_code,
    coalesce(r.level, t.level, o.level),
    null::boolean, a.units
  from usage_added a join usage_rest r using (position) ${statedRow(scope)}
  left join tasks t on t.transaction_id = r.transaction_id and t.task_type = r.task_type
  left join (
    select task_type, min(level) as level from cube_near group by task_type
    having min(level) = max(level) and count(level) = count(ordinal) and count(stated_level) = 0
  ) o on o.task_type = r.task_type
  where a.ordinal is null`;

/** A row that says no level takes back at the one that the task has. */
const takenBack = (scope: MatchScope): string => `
  select distinct on (r.position) case when k.ordinal is null then 'unknown_credit' else 'credit' end, r.transaction_id, r.task_type,
    coalesce(k.ordinal, r.attempt), coalesce(k.attempted_at, r.attempted_at),
    case when k.ordinal is null then v.outcome_code else k.code end, coalesce(r.level, case when k.ordinal is not null then t.level end),
    k.invoiced, r.units
  from usage_rest r ${statedRow(scope)}
  left join usage_known k on k.transaction_id = r.transaction_id and k.task_type = r.task_type
    and (k.ordinal = r.attempt or k.second = r.second)
  left join tasks t on t.transaction_id = r.transaction_id and t.task_type = r.task_type
  where r.is_taken_back
  order by r.position, k.ordinal = r.attempt desc nulls last, k.ordinal`;
