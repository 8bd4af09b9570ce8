import { sql } from 'kysely';
import { monthBounds, nextPeriod, type Span } from '../domain/billing-month.ts';
import type { CubeRow, EarlierUnits, UnmatchedKind, UnmatchedUsage } from '../domain/reconciliation/cube.ts';
import type { Queries } from './database.ts';
import { type Snapshot, withHashJoins } from './snapshot.ts';
import { instant, literal } from './sql-text.ts';
import { noteChargedElsewhere } from './usage-elsewhere.ts';

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

/** What the attempts of a row of the cube have in common, as columns. */
const alike = [
  'task_type',
  'level',
  'code',
  'invoiced',
  'counter',
  'linked',
  'failed',
  'abandoned',
  'late',
  'by_attempt',
  'by_created',
  'by_completed',
  'other_level',
  'is_elsewhere',
  'charged_in',
  'is_near',
] as const;

/**
 * A month in few rows, each a number of attempts that are alike; `CubeRow` says what each column means. The attempts that
 * changed since a closed month was booked are in it twice, as they were and as they are. `cube_attempts`, which has them
 * one by one, is there until the transaction ends.
 */
export async function cubeRows(snapshot: Snapshot, scope: CubeScope): Promise<CubeRow[]> {
  const { queries } = snapshot;
  const create = `create temporary table cube_attempts on commit drop as ${cubeAttempts(scope)}`;
  await withHashJoins(snapshot, () => sql.raw(create).execute(queries));
  if (scope.statement !== null) await noteChargedElsewhere(queries, scope);
  const { rows } = await withHashJoins(snapshot, () =>
    sql<RawRow>`${sql.raw(`
      select ${alike.join(', ')}, count(*) as count, count(*) filter (where is_charged) as charged,
        coalesce(sum(units - 1) filter (where is_charged), 0) as extra,
        count(*) filter (where is_charged and units > 1) as charged_again
      from cube_attempts group by ${alike.join(', ')}`)}`.execute(queries),
  );
  return rows.map(({ task_type: taskType, by_attempt, by_created, by_completed, count, ...row }) => {
    const {
      charged,
      extra,
      charged_again: chargedAgain,
      other_level: otherLevel,
      is_elsewhere: isElsewhere,
      charged_in: chargedIn,
      is_near: isNear,
      ...same
    } = row;
    return {
      ...same,
      taskType,
      slots: { attempt: by_attempt, created: by_created, completed: by_completed },
      count: Number(count),
      ...(scope.statement === null
        ? {}
        : {
            usage: {
              charged: Number(charged),
              extra: Number(extra),
              chargedAgain: Number(chargedAgain),
              otherLevel,
              isElsewhere,
              chargedIn: chargedIn === null ? null : { period: chargedIn, isNear },
            },
          }),
    };
  });
}

type RawRow = Omit<CubeRow, 'taskType' | 'slots' | 'count' | 'usage'> & {
  readonly task_type: string;
  readonly by_attempt: number;
  readonly by_created: number;
  readonly by_completed: number;
  readonly count: string;
  readonly charged: string;
  readonly extra: string;
  readonly charged_again: string;
  readonly other_level: string | null;
  readonly is_elsewhere: boolean;
  readonly charged_in: string | null;
  readonly is_near: boolean;
};

/** What a usage statement has beside the attempts that it charges, once it is matched. */
export async function unmatchedUsage(db: Queries, scope: CubeScope): Promise<UnmatchedUsage[]> {
  if (scope.statement === null) return [];
  const { rows } = await sql<{
    kind: UnmatchedKind;
    task_type: string;
    level: string | null;
    slot: number;
    rows: string;
    units: string;
  }>`${sql.raw(`
    select kind, task_type, level, ${slotOf(scope)('attempted_at')} as slot, count(*) as rows, sum(units) as units
    from usage_others group by kind, task_type, level, slot order by kind, task_type, level, slot`)}`.execute(db);
  return rows.map(({ kind, task_type: taskType, level, slot, ...counts }) => ({
    kind,
    taskType,
    level,
    slot,
    rows: Number(counts.rows),
    units: Number(counts.units),
  }));
}

/** Where times lie among the cube's marks. */
export const slotOf =
  ({ marks }: Pick<CubeScope, 'marks'>) =>
  (time: string): string =>
    `width_bucket(${time}, array[${marks.map(instant).join(', ')}]::timestamptz[])`;

/**
 * The attempts of the cube one by one. With a usage statement, which `matchUsage` matched before, every attempt that it
 * charges is among them, whenever it was, with `is_charged`, its `units`, the level that they are charged at where it is
 * another one, `other_level`, and whether another statement charges them, too.
 */
function cubeAttempts(scope: CubeScope): string {
  const { period, span, marks, isClosed, basis, statement } = scope;
  const slot = slotOf(scope);
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
  const common = `coalesce(a.linked, false) as linked, t.result_id is null as abandoned,
    coalesce(t.state = 'failed', false) or t.id in (select transaction_id from tasks where state = 'failed') as failed,
    a.attempted_at, ${slot('a.attempted_at')} as by_attempt, ${slot(times.created)} as by_created,
    ${slot(times.completed)} as by_completed, ${statement === null ? 'null::bigint as units, null::text as stated_level, false' : 'c.units, c.level as stated_level, coalesce(c.is_elsewhere, false)'} as is_elsewhere,
    null::text as charged_in, false as is_near`;
  const matched =
    statement === null
      ? ''
      : 'left join usage_matches c on c.transaction_id = a.transaction_id and c.task_type = a.task_type and c.ordinal = a.ordinal';
  const now = `
    select a.transaction_id, a.task_type, a.ordinal, k.level, a.code, a.invoiced, ${counter} as counter, ${common}
    from attempts a
    join tasks k on k.transaction_id = a.transaction_id and k.task_type = a.task_type
    join transactions t on t.id = a.transaction_id
    ${matched}
    where ${within('a.attempted_at')} or ${within(times.created)} or ${within(times.completed)}
      ${statement === null ? '' : 'or c.units is not null'}`;
  const charged = (isCharged: string) =>
    `${isCharged} as is_charged, case when ${isCharged} then nullif(stated_level, level) end as other_level`;
  if (!isClosed) return `select now.*, 'no' as late, ${charged('units is not null')} from (${now}) now`;
  const booked = `
    select a.transaction_id, a.task_type, a.ordinal, a.level, a.code, a.invoiced,
      case when a.counter_status = 'absent' then 'absent' else 'agrees' end as counter, ${common}
    from closed_lines a join transactions t on t.id = a.transaction_id ${matched}
    where a.period = ${literal(period)} and a.corrects_period is null`;
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
