import { sql } from 'kysely';
import type { Stretch, UnitCount } from '../domain/price-cells.ts';
import type { Queries } from './database.ts';
import { type CellName, inCell, type LineScope, stretchOf } from './lines.ts';
import { instant } from './sql-text.ts';
import type { Tables } from './tables-as-of.ts';

/** Transactions with unbooked changes below the horizon of closed months, as SQL. */
export function lateTransactions(asOf: Date | null): string {
  if (asOf === null) return 'select transaction_id from late_changes where booked_in is null';
  return `select l.transaction_id from late_changes l left join period_closes c on c.period = l.booked_in
    where l.changed_at <= ${instant(asOf)} and (c.closed_at is null or c.closed_at > ${instant(asOf)})`;
}

export async function hasLateChanges(db: Queries, asOf: Date | null): Promise<boolean> {
  const { rows } = await sql<{ some: boolean }>`
    select exists (${sql.raw(lateTransactions(asOf))}) as some`.execute(db);
  return rows[0]?.some ?? false;
}

/**
 * The time of the oldest attempt of late transactions or, since the vendor may count attempts without listing them, of
 * the oldest of these transactions; `null` = there are none.
 */
export async function firstLateAttemptAt(db: Queries, tables: Tables, transactions: string): Promise<Date | null> {
  const { rows } = await sql<{ at: Date | null }>`
    select least(
      (select min(attempted_at) from ${sql.raw(tables.attempts)} attempt where transaction_id in (${sql.raw(transactions)})),
      (select min(coalesce(completed_at, created_at)) from ${sql.raw(tables.transactions)} t where id in (${sql.raw(transactions)}))
    ) as at`.execute(db);
  return rows[0]?.at ?? null;
}

/** The oldest month for which late transactions were booked; `null` = none. */
export async function firstBookedPeriod(db: Queries, transactions: string): Promise<string | null> {
  const { rows } = await sql<{ period: string | null }>`
    select min(coalesce(corrects_period, period)) as period from closed_lines
    where transaction_id in (${sql.raw(transactions)})`.execute(db);
  return rows[0]?.period ?? null;
}

/** The task types, levels and stretches in which late transactions were booked. */
export async function bookedCells(
  db: Queries,
  stretches: readonly Stretch[],
  transactions: string,
): Promise<UnitCount[]> {
  const { rows } = await sql<{ task_type: string; level: string | null; stretch: number }>`
    select distinct task_type, level, ${sql.raw(stretchOf('attempted_at', stretches))} as stretch
    from closed_lines
    where transaction_id in (${sql.raw(transactions)}) and period <= ${stretches.at(-1)?.period ?? ''} order by 3, 1, 2`.execute(
    db,
  );
  return rows
    .filter(({ stretch }) => stretch > 0)
    .map(({ task_type, level, stretch }) => ({ taskType: task_type, level, stretch, units: 0n }));
}

/** The cells that attempts booked in `cells` belong to now. */
export async function cellsOfBooked(
  db: Queries,
  { tables, stretches, end }: Omit<LineScope, 'cells'>,
  cells: readonly CellName[],
): Promise<UnitCount[]> {
  if (cells.length === 0) return [];
  const { rows } = await sql<{ task_type: string; level: string | null; stretch: number }>`
    select distinct a.task_type, k.level, ${sql.raw(stretchOf('a.attempted_at', stretches))} as stretch
    from closed_lines c
    join ${sql.raw(tables.attempts)} a on a.transaction_id = c.transaction_id and a.task_type = c.task_type and a.ordinal = c.ordinal
    join ${sql.raw(tables.tasks)} k on k.transaction_id = a.transaction_id and k.task_type = a.task_type
    where c.period <= ${stretches.at(-1)?.period ?? ''} and a.attempted_at < ${end}
      and ${sql.raw(inCell(cells, 'c.task_type', 'c.level', stretchOf('c.attempted_at', stretches)))}`.execute(db);
  return rows
    .filter(({ stretch }) => stretch > 0)
    .map(({ task_type, level, stretch }) => ({ taskType: task_type, level, stretch, units: 0n }));
}

/**
 * Notes changes before the first month that is closed. No close has them in its own month, so the next close books them
 * as corrections. A transaction with attempts that the vendor counts but does not list counts by its own time.
 */
export async function noteChangesBefore(db: Queries, start: Date): Promise<void> {
  await sql`
    insert into late_changes (transaction_id)
    select transaction_id from attempts where attempted_at < ${start}
    union
    select k.transaction_id from tasks k join transactions t on t.id = k.transaction_id
    where k.own_attempts = 0 and k.vendor_attempts_invoiced > 0 and coalesce(t.completed_at, t.created_at) < ${start}`.execute(
    db,
  );
}

/**
 * Notes transactions whose latest booking has an invoiced attempt without a price: the present price lists may have
 * one.
 */
export async function noteUnpricedBookings(db: Queries): Promise<void> {
  await sql`
    insert into late_changes (transaction_id)
    select distinct transaction_id from (
      select distinct on (transaction_id, task_type, ordinal) transaction_id, quantity, invoiced, unit_price
      from closed_lines
      where transaction_id in (select transaction_id from closed_lines where invoiced and unit_price is null and quantity = 1)
      order by transaction_id, task_type, ordinal, period desc, quantity desc
    ) latest
    where quantity = 1 and invoiced and unit_price is null
      and not exists (select from late_changes l where l.transaction_id = latest.transaction_id and l.booked_in is null)`.execute(
    db,
  );
}
