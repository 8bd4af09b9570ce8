import { type RawBuilder, sql } from 'kysely';
import type { Queries } from './database.ts';

/** An attempt that a closed month charges for but that is no longer in the tables. */
export type GoneAttempt = {
  readonly transactionId: string;
  readonly taskType: string;
  readonly ordinal: number;
  /** The month it was booked for. */
  readonly bookedFor: string;
};

const isSame = (one: string, other: string) =>
  sql.raw(
    ['transaction_id', 'task_type', 'ordinal'].map((column) => `${one}.${column} = ${other}.${column}`).join(' and '),
  );

/**
 * Narrows known attempts to those that are missing from the tables although the program did not remove them. The
 * program removes one kind only: a substitute for an unlisted scan, once there are as many attempts as the vendor
 * counts. Every other removal was made by hand.
 *
 * @param known a query of the attempts' keys and, as `attempted_at`, the time of any stored state of each.
 */
export function goneAmong(known: RawBuilder<unknown>): RawBuilder<unknown> {
  const stateThen = sql`select from attempts_history h where ${isSame('h', 'missing')} and h.attempted_at = missing.attempted_at`;
  const stoodIn = sql`h.evidence in ('counter_invoiced', 'counter_not_invoiced', 'count_only')`;
  // The offset keeps Postgres from reading the history of attempts that are not missing.
  return sql`
    select missing.* from (
      select * from (${known}) known
      where not exists (select from attempts a where ${isSame('a', 'known')}) offset 0
    ) missing
    where not exists (${stateThen} and ${stoodIn}) or exists (${stateThen} and not ${stoodIn})
      or not exists (select from tasks k where k.transaction_id = missing.transaction_id
        and k.task_type = missing.task_type and k.own_attempts >= coalesce(k.vendor_attempts, k.vendor_attempts_invoiced, 0))`;
}

/**
 * Attempts that are booked in closed months but gone from the tables, whether or not a trigger noted their removal. The
 * next close would credit them. Reads all booked lines once.
 */
export async function goneAttempts(db: Queries, limit: number): Promise<GoneAttempt[]> {
  const booked = sql`
    select transaction_id, task_type, ordinal, attempted_at, coalesce(corrects_period, period) as booked_for
    from closed_lines line
    where quantity = 1
      and not exists (select from closed_lines later where ${isSame('later', 'line')} and later.period > line.period)`;
  const { rows } = await sql<GoneAttempt>`
    select transaction_id as "transactionId", task_type as "taskType", ordinal, booked_for as "bookedFor"
    from (${goneAmong(booked)}) gone order by 1, 2, 3 limit ${limit}`.execute(db);
  return rows;
}
