import { sql } from 'kysely';
import { attemptsByTime, attemptsByTransaction, isOneOfMany, lookingUp, ofTransaction } from './cube-near.ts';
import type { Span } from '../domain/billing-month.ts';
import { type Snapshot, withHashJoins } from './snapshot.ts';
import { instant, literal } from './sql-text.ts';

export type CubeScope = {
  readonly period: string;
  readonly span: Span;
  readonly marks: readonly Date[];
  /** Whether the month is closed: then every attempt is held against how it was booked. */
  readonly isClosed: boolean;
  readonly basis: 'closed' | 'restated';
  /** The billing time zone, by which other months begin and end. */
  readonly timeZone: string;
  /** The ID of the usage statement that attempts are matched with; `null` = there is none. */
  readonly statement: string | null;
};

/** Where times lie among the cube's marks. */
export const slotOf =
  ({ marks }: Pick<CubeScope, 'marks'>) =>
  (time: string): string =>
    `width_bucket(${time}, array[${marks.map(instant).join(', ')}]::timestamptz[])`;

/** The attempts as the month was closed. */
const attemptsBooked = ({ period }: CubeScope): string => `
  select a.transaction_id, a.task_type, a.ordinal, a.level, a.code, a.invoiced, a.linked, a.attempted_at, a.counter_status, ${ofTransaction}
  from closed_lines a join transactions t on t.id = a.transaction_id
  where a.period = ${literal(period)} and a.corrects_period is null`;

/** Makes `cube_attempts`, which has the attempts of the cube one by one, until the transaction ends. */
export async function createCubeAttempts(snapshot: Snapshot, scope: CubeScope): Promise<void> {
  const run = (text: string) => sql.raw(text).execute(snapshot.queries);
  const create = (table: string, query: string) => run(`create temporary table ${table} on commit drop as ${query}`);
  const { isClosed, statement } = scope;
  const isMany = await isOneOfMany(snapshot, scope);
  const asFits = <T>(work: () => Promise<T>) => (isMany ? lookingUp(snapshot, work) : work());
  if (isClosed) await asFits(() => create('cube_booked', attemptsBooked(scope)));
  if (statement !== null) {
    const more = attemptsByTransaction(scope, [
      'select transaction_id from usage_matches where outside_at is not null',
    ]);
    await asFits(() => run(`insert into cube_near (${nearColumns}) ${more}`));
    const { rows: found } = await run('select from usage_matches where ordinal is not null limit 1');
    await withHashJoins(snapshot, () => create('cube_attempts', cubeAttempts(scope, 'cube_near', found.length > 0)));
    return;
  }
  const near = `${attemptsByTime(scope)} union all ${attemptsByTransaction(scope)}`;
  const make = (of: string) => create('cube_attempts', cubeAttempts(scope, of, false));
  // What they are joined with is as many as they are.
  if (!isClosed) {
    await asFits(() => make(`(${near})`));
    return;
  }
  if (isMany) await lookingUp(snapshot, () => create('cube_near', near));
  await withHashJoins(snapshot, () => make(isMany ? 'cube_near' : `(${near})`));
}

const nearColumns = `transaction_id, task_type, ordinal, level, code, invoiced, linked, attempted_at, vendor_attempts_invoiced, own_invoiced,
  abandoned, created_at, ended_at, failed`;
const isSameAttempt = 'c.transaction_id = a.transaction_id and c.task_type = a.task_type and c.ordinal = a.ordinal';

const noUsage = 'null::bigint as units, null::text as stated_level, false as is_elsewhere';
const ofCharges = 'c.units, c.stated_level, coalesce(c.is_elsewhere, false) as is_elsewhere';
/** Of an attempt, what names it by number, else what was found for it. */
const usageOf = (statement: string | null, isFound: boolean): string => {
  if (statement === null) return noUsage;
  if (!isFound) return 'a.units, a.stated_level, coalesce(a.is_elsewhere, false) as is_elsewhere';
  return `coalesce(a.units, c.units) as units, case when a.units is null then c.level else a.stated_level end as stated_level,
    coalesce(a.is_elsewhere or c.is_elsewhere, a.is_elsewhere, c.is_elsewhere, false) as is_elsewhere`;
};
/** All attempts that are charged, of the books as they are and as they were. */
const charges = `
  select transaction_id, task_type, ordinal, units, stated_level, is_elsewhere from cube_near where ordinal is not null and units is not null
  union all
  select transaction_id, task_type, ordinal, units, level, is_elsewhere from usage_matches where ordinal is not null`;

/**
 * The attempts of the cube one by one. With a usage statement, which `matchUsage` matched before, every attempt that it
 * charges is among them, whenever it was, with `is_charged`, its `units`, the level that they are charged at where it is
 * another one, `other_level`, and whether another statement charges them, too.
 *
 * @param near a table, or a query, of the attempts that may be in the cube.
 * @param isFound whether attempts were found for rows that no number matched.
 */
function cubeAttempts(scope: CubeScope, near: string, isFound: boolean): string {
  const { span, marks, isClosed, basis, statement } = scope;
  const slot = slotOf(scope);
  const times = {
    created: 'coalesce(a.created_at, a.attempted_at)',
    completed: 'coalesce(a.ended_at, a.attempted_at)',
  };
  const [first, last] = [marks[0] ?? span.start, marks.at(-1) ?? span.end];
  const within = (time: string) => `${time} >= ${instant(first)} and ${time} < ${instant(last)}`;
  const isOwn = (time: string) => `${time} >= ${instant(span.start)} and ${time} < ${instant(span.end)}`;
  // Of a task that the counter differs from, the attempts with the highest ordinals answer for the difference.
  const others = (isInvoiced: string) => `(select count(*) from attempts other
    where other.transaction_id = a.transaction_id and other.task_type = a.task_type
      and other.invoiced is ${isInvoiced} and other.ordinal > a.ordinal)`;
  const counter = `case
    when a.vendor_attempts_invoiced is null then 'absent'
    when a.vendor_attempts_invoiced > a.own_invoiced and a.invoiced is not true
      and ${others('not true')} < a.vendor_attempts_invoiced - a.own_invoiced then 'charged'
    when a.vendor_attempts_invoiced < a.own_invoiced and a.invoiced is true
      and ${others('true')} < a.own_invoiced - a.vendor_attempts_invoiced then 'not_charged'
    else 'agrees' end`;
  const common = (ofUsage: string) => `coalesce(a.linked, false) as linked, a.abandoned, a.failed, a.attempted_at,
    ${slot('a.attempted_at')} as by_attempt, ${slot(times.created)} as by_created, ${slot(times.completed)} as by_completed, ${ofUsage},
    null::text as charged_in, false as is_near`;
  const now = `
    select a.transaction_id, a.task_type, a.ordinal, a.level, a.code, a.invoiced, ${counter} as counter, ${common(usageOf(statement, isFound))}
    from ${near} a ${isFound ? `left join usage_matches c on ${isSameAttempt}` : ''}
    where (${within('a.attempted_at')} or ${within(times.created)} or ${within(times.completed)}
      ${statement === null ? ')' : `or a.units is not null ${isFound ? 'or c.units is not null' : ''}) and a.ordinal is not null`}`;
  const charged = (isCharged: string) =>
    `${isCharged} as is_charged, case when ${isCharged} then nullif(stated_level, level) end as other_level`;
  if (!isClosed) return `select now.*, 'no' as late, ${charged('units is not null')} from (${now}) now`;
  const booked = `
    select a.transaction_id, a.task_type, a.ordinal, a.level, a.code, a.invoiced,
      case when a.counter_status = 'absent' then 'absent' else 'agrees' end as counter, ${common(statement === null ? noUsage : ofCharges)}
    from cube_booked a ${statement === null ? '' : `left join (${charges}) c on ${isSameAttempt}`}`;
  const isSame = `now.invoiced is not distinct from booked.invoiced and now.code is not distinct from booked.code
    and now.level is not distinct from booked.level and ${isOwn('now.attempted_at')}`;
  const sides = `
    select now.*, now.invoiced is true and ${isOwn('now.attempted_at')} as is_billed, booked.invoiced is true as other_billed,
      booked.level as other_side_level, booked.transaction_id is not null and not (${isSame}) as is_double, case
        when booked.transaction_id is not null then case when ${isSame} then 'no' else 'came' end
        when ${isOwn('now.attempted_at')} then 'came' else 'no' end as late
    from now left join booked using (transaction_id, task_type, ordinal)
    union all
    select booked.*, booked.invoiced is true, now.invoiced is true and ${isOwn('now.attempted_at')},
      now.level, now.transaction_id is not null, 'went'
    from booked left join now using (transaction_id, task_type, ordinal)
    where now.transaction_id is null or not (${isSame})`;
  // Of an attempt that is there as it was and as it is, the side that is billed in the month is the one that was charged;
  // of two, the one with the level that is stated; else the books' own.
  const isInBooks = `(late = 'no' or (late = 'came') = ${basis === 'restated'})`;
  const hasItsLevel = (level: string) => `coalesce(${level} = stated_level, false)`;
  const isChosen = `not is_double or (is_billed and not other_billed)
    or (is_billed = other_billed and case when ${hasItsLevel('level')} = ${hasItsLevel('other_side_level')} then ${isInBooks}
      else ${hasItsLevel('level')} end)`;
  return `with now as materialized (${now}), booked as materialized (${booked}), sides as (${sides})
    select sides.*, ${charged(`(units is not null and (${isChosen}))`)} from sides`;
}
