import { sql } from 'kysely';
import { monthBounds, nextPeriod, type Span } from '../domain/billing-month.ts';
import type { CubeRow, EarlierUnits } from '../domain/reconciliation/cube.ts';
import type { Queries } from './database.ts';
import { instant, literal } from './lines.ts';

export type CubeScope = {
  readonly period: string;
  readonly span: Span;
  readonly marks: readonly Date[];
  /** Whether the month is closed: then every attempt is held against how it was booked. */
  readonly isClosed: boolean;
};

/**
 * A month in few rows, each a number of attempts that are alike; `CubeRow` says what each column means. The attempts that
 * changed since a closed month was booked are in it twice, as they were and as they are.
 */
export async function cubeRows(db: Queries, scope: CubeScope): Promise<CubeRow[]> {
  const { rows } = await sql<RawRow>`${sql.raw(cubeQuery(scope))}`.execute(db);
  return rows.map(({ task_type: taskType, by_attempt, by_created, by_completed, count, ...row }) => ({
    ...row,
    taskType,
    slots: { attempt: by_attempt, created: by_created, completed: by_completed },
    count: Number(count),
  }));
}

type RawRow = Omit<CubeRow, 'taskType' | 'slots' | 'count'> & {
  readonly task_type: string;
  readonly by_attempt: number;
  readonly by_created: number;
  readonly by_completed: number;
  readonly count: string;
};

function cubeQuery({ period, span, marks, isClosed }: CubeScope): string {
  const array = `array[${marks.map(instant).join(', ')}]::timestamptz[]`;
  const slot = (time: string) => `width_bucket(${time}, ${array})`;
  const times = {
    created: 'coalesce(t.created_at, a.attempted_at)',
    completed: 'coalesce(t.completed_at, t.expires_at, a.attempted_at)',
  };
  const [first, last] = [marks[0] ?? span.start, marks.at(-1) ?? span.end];
  const within = (time: string) => `${time} >= ${instant(first)} and ${time} < ${instant(last)}`;
  const isOwn = (time: string) => `${time} >= ${instant(span.start)} and ${time} < ${instant(span.end)}`;
  // Of a task that the counter differs from, the attempts with the highest ordinals answer for the difference.
  const others = (isInvoiced: string) => `(select count(*) from attempts other
    where other.transaction_id = a.transaction_id and other.task_type = a.task_type
      and other.invoiced is ${isInvoiced} and other.ordinal > a.ordinal)`;
  const counter = `case
    when k.vendor_attempts_invoiced is null then 'absent'
    when k.vendor_attempts_invoiced > k.own_invoiced and a.invoiced is not true
      and ${others('not true')} < k.vendor_attempts_invoiced - k.own_invoiced then 'charged'
    when k.vendor_attempts_invoiced < k.own_invoiced and a.invoiced is true
      and ${others('true')} < k.own_invoiced - k.vendor_attempts_invoiced then 'not_charged'
    else 'agrees' end`;
  const ofTransaction = `t.result_id is null as abandoned,
    coalesce(t.state = 'failed', false) or t.id in (select transaction_id from tasks where state = 'failed') as failed`;
  const now = `
    select a.transaction_id, a.task_type, a.ordinal, k.level, a.code, a.invoiced, ${counter} as counter,
      coalesce(a.linked, false) as linked, ${ofTransaction}, a.attempted_at,
      ${slot('a.attempted_at')} as by_attempt, ${slot(times.created)} as by_created, ${slot(times.completed)} as by_completed
    from attempts a
    join tasks k on k.transaction_id = a.transaction_id and k.task_type = a.task_type
    join transactions t on t.id = a.transaction_id
    where ${within('a.attempted_at')} or ${within(times.created)} or ${within(times.completed)}`;
  const grouped =
    'task_type, level, code, invoiced, counter, linked, failed, abandoned, late, by_attempt, by_created, by_completed';
  const columns = (table: string) =>
    grouped
      .split(', ')
      .filter((column) => column !== 'late')
      .map((column) => `${table}.${column}`)
      .join(', ');
  if (!isClosed)
    return `select ${grouped}, count(*) from (select *, 'no' as late from (${now}) now) attempt group by ${grouped}`;
  const booked = `
    select a.transaction_id, a.task_type, a.ordinal, a.level, a.code, a.invoiced,
      case when a.counter_status = 'absent' then 'absent' else 'agrees' end as counter,
      coalesce(a.linked, false) as linked, ${ofTransaction}, a.attempted_at,
      ${slot('a.attempted_at')} as by_attempt, ${slot(times.created)} as by_created, ${slot(times.completed)} as by_completed
    from closed_lines a join transactions t on t.id = a.transaction_id
    where a.period = ${literal(period)} and a.corrects_period is null`;
  const isSame = `now.invoiced is not distinct from booked.invoiced and now.code is not distinct from booked.code
    and now.level is not distinct from booked.level and ${isOwn('now.attempted_at')}`;
  return `
    with now as materialized (${now}), booked as materialized (${booked})
    select ${grouped}, count(*) from (
      select ${columns('now')}, case
        when booked.transaction_id is not null then case when ${isSame} then 'no' else 'came' end
        when ${isOwn('now.attempted_at')} then 'came' else 'no' end as late
      from now left join booked using (transaction_id, task_type, ordinal)
      union all
      select ${columns('booked')}, 'went'
      from booked left join now using (transaction_id, task_type, ordinal)
      where now.transaction_id is null or not (${isSame})
    ) attempt group by ${grouped}`;
}

/** Invoiced attempts of the month before, and of all earlier months of the calendar year, by the months' bounds. */
export async function earlierUnits(db: Queries, period: string, timeZone: string): Promise<EarlierUnits[]> {
  const january = `${period.slice(0, 4)}-01`;
  const first = period === january ? previousOf(period) : january;
  const months: string[] = [];
  for (let month = first; month < period; month = nextPeriod(month)) months.push(month);
  const starts = months.map((month) => instant(monthBounds(month, timeZone).start));
  const { rows } = await sql<{ month: number; task_type: string; level: string | null; units: string }>`
    select width_bucket(a.attempted_at, ${sql.raw(`array[${starts.join(', ')}]::timestamptz[]`)}) as month, a.task_type, k.level,
      count(*) as units
    from attempts a join tasks k on k.transaction_id = a.transaction_id and k.task_type = a.task_type
    where a.invoiced and a.attempted_at >= ${sql.raw(starts[0] ?? instant(new Date(0)))}
      and a.attempted_at < ${sql.raw(instant(monthBounds(period, timeZone).start))}
    group by 1, 2, 3`.execute(db);
  return rows.map(({ month, task_type: taskType, level, units }) => ({
    period: months[month - 1] ?? first,
    taskType,
    level,
    units: Number(units),
  }));
}

const previousOf = (period: string): string => `${Number(period.slice(0, 4)) - 1}-12`;
