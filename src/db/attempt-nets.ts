import { type RawBuilder, sql } from 'kysely';
import type { Queries } from './database.ts';
import { literal } from './sql-text.ts';

/** An attempt whose lines over all reports do not add up to 0 or 1: it is charged twice or credited too often. */
export type UnbalancedAttempt = {
  readonly transactionId: string;
  readonly taskType: string;
  readonly ordinal: number;
  readonly net: number;
};

const shown = 5;

async function unbalanced(db: Queries, lines: RawBuilder<unknown>): Promise<UnbalancedAttempt[]> {
  const { rows } = await sql<UnbalancedAttempt>`
    select transaction_id as "transactionId", task_type as "taskType", ordinal, sum(quantity)::int as net
    from (${lines}) line group by transaction_id, task_type, ordinal
    having sum(quantity) not in (0, 1) order by 1, 2, 3 limit ${shown}`.execute(db);
  return rows;
}

const key = sql.raw('transaction_id, task_type, ordinal, quantity');

/**
 * Finds attempts that an open month's lines and the closed months together do not charge for exactly 0 or 1 times. The
 * open month is the one with the corrections of all closed months.
 *
 * @param upTo the last closed month to count.
 */
export async function chargedTwice(db: Queries, lines: string, upTo: string): Promise<UnbalancedAttempt[]> {
  const ofOwn = sql`
    select from own where own.transaction_id = c.transaction_id and own.task_type = c.task_type and own.ordinal = c.ordinal`;
  return unbalanced(
    db,
    sql`with own as materialized (select ${key} from (${sql.raw(lines)}) line)
      select ${key} from own union all
      select ${key} from closed_lines c where period <= ${sql.raw(literal(upTo))} and exists (${ofOwn})`,
  );
}

/**
 * Finds attempts with lines in a closed month for which all closed months together do not charge exactly 0 or 1 times.
 */
export async function bookedTwice(db: Queries, period: string): Promise<UnbalancedAttempt[]> {
  const ofPeriod = sql`
    select from closed_lines own where own.period = ${sql.raw(literal(period))} and own.transaction_id = c.transaction_id
      and own.task_type = c.task_type and own.ordinal = c.ordinal`;
  return unbalanced(db, sql`select ${key} from closed_lines c where exists (${ofPeriod})`);
}
