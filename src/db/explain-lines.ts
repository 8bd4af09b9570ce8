import { sql } from 'kysely';
import type { Reason } from '../domain/classify.ts';
import type { Queries } from './database.ts';
import { lineColumns } from './lines.ts';
import { lineOrder } from './report-files.ts';

/** A line of a report, with the columns in {@link lineColumns}. */
export type LineRow = {
  readonly quantity: 1 | -1;
  readonly corrects_period: string | null;
  readonly result_id: string | null;
  readonly task_type: string;
  readonly ordinal: number;
  readonly attempted_at: Date;
  readonly code: string | null;
  readonly invoiced: boolean | null;
  readonly reason: Reason;
  readonly level: string | null;
  readonly transaction_state: string | null;
  readonly settled: boolean;
  readonly unit_price: string | null;
  readonly amount: string | null;
  readonly price_tier: string | null;
  readonly tier_position: string | null;
  readonly rule_table_version: string | null;
  readonly price_list_version: string | null;
  readonly vendor_attempts: number | null;
  readonly vendor_attempts_invoiced: number | null;
  readonly counter_status: 'match' | 'mismatch' | 'absent';
};
export type BookedLineRow = LineRow & { readonly period: string; readonly line_number: string };

/** A transaction's lines in closed months, in the order in which they were booked. */
export async function bookedLines(db: Queries, id: string): Promise<BookedLineRow[]> {
  const { rows } = await sql<BookedLineRow>`
    select period, line_number, ${sql.raw(lineColumns.join(', '))} from closed_lines
    where transaction_id = ${id} order by period, line_number`.execute(db);
  return rows;
}

/** A transaction's lines of a report. @param lines the report's lines as SQL. */
export async function linesOfTransaction(db: Queries, lines: string, id: string): Promise<LineRow[]> {
  const { rows } = await sql<LineRow>`
    select ${sql.raw(lineColumns.join(', '))} from (${sql.raw(lines)}) line
    where transaction_id = ${id} order by ${sql.raw(lineOrder.join(', '))}`.execute(db);
  return rows;
}

/** Unbooked changes below the horizon of closed months; `null` = none. */
export async function lateChangesOf(db: Queries, id: string): Promise<{ changes: number; since: Date } | null> {
  const { rows } = await sql<{ changes: number; since: Date | null }>`
    select count(*)::int as changes, min(changed_at) as since from late_changes
    where transaction_id = ${id} and booked_in is null`.execute(db);
  const [row] = rows;
  return row?.since ? { changes: row.changes, since: row.since } : null;
}
