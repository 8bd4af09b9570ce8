import { sql } from 'kysely';
import { monthBounds, nextPeriod } from '../domain/billing-month.ts';
import type { CubeRow, EarlierUnits, UnmatchedKind, UnmatchedUsage } from '../domain/reconciliation/cube.ts';
import { createCubeAttempts, type CubeScope, slotOf } from './cube-attempts.ts';
import type { Queries } from './database.ts';
import { type Snapshot, withHashJoins } from './snapshot.ts';
import { instant } from './sql-text.ts';
import { noteChargedElsewhere } from './usage-elsewhere.ts';

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
  await createCubeAttempts(snapshot, scope);
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
