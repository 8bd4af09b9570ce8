import { sql } from 'kysely';
import { disagreementOrder } from './disagreements.ts';
import type { Queries } from './database.ts';

/** Attempts of transactions that ended without being completed. `amount` is unrounded; `null` = a price is missing. */
export type Abandoned = {
  readonly transactions: number;
  readonly attempts: number;
  readonly invoiced: number;
  readonly amount: string | null;
};

/** Counts a month's own attempts of abandoned transactions. @param lines a query as in `src/db/lines.ts`. */
export async function abandonedIn(db: Queries, lines: string): Promise<Abandoned> {
  const { rows } = await sql<Abandoned>`
    select count(distinct transaction_id)::integer as transactions, coalesce(sum(quantity), 0)::integer as attempts,
      coalesce(sum(quantity) filter (where invoiced), 0)::integer as invoiced,
      case when bool_or(invoiced and amount is null) then null
        else coalesce(sum(amount::numeric) filter (where invoiced), 0)::text end as amount
    from (${sql.raw(lines)}) line
    where corrects_period is null and settled and transaction_state is distinct from 'completed'`.execute(db);
  return rows[0] ?? { transactions: 0, attempts: 0, invoiced: 0, amount: null };
}

/**
 * @property resolved cancelled disagreements of closed months, which are not in `count`.
 * @property difference how much more the vendor counts than we do, over all of them.
 */
export type DisagreementCount = {
  readonly reason: string;
  readonly count: number;
  readonly resolved: number;
  readonly difference: bigint;
};

export type Disagreement = {
  readonly transactionId: string;
  readonly taskType: string;
  readonly correctsPeriod: string | null;
  readonly reason: string;
  readonly ownQuantity: number;
  readonly vendorQuantity: number;
};

/** A row with equal quantities cancels a disagreement that a closed month booked. */
const isOpen = sql.raw('(vendor_quantity <> own_quantity)');

/** Counts disagreements with the vendor's counters by reason. @param disagreements a query of them. */
export async function countDisagreements(db: Queries, disagreements: string): Promise<DisagreementCount[]> {
  const { rows } = await sql<Omit<DisagreementCount, 'difference'> & { difference: string }>`
    select reason, count(*) filter (where ${isOpen})::integer as count,
      count(*) filter (where not ${isOpen})::integer as resolved, sum(vendor_quantity - own_quantity)::text as difference
    from (${sql.raw(disagreements)}) disagreement group by reason order by reason collate "C"`.execute(db);
  return rows.map((row) => ({ ...row, difference: BigInt(row.difference) }));
}

/** The first unresolved disagreements, in the order of the file. */
export async function listDisagreements(db: Queries, disagreements: string, limit: number): Promise<Disagreement[]> {
  const { rows } = await sql<Disagreement>`
    select transaction_id as "transactionId", task_type as "taskType", corrects_period as "correctsPeriod", reason,
      own_quantity as "ownQuantity", vendor_quantity as "vendorQuantity"
    from (${sql.raw(disagreements)}) disagreement where ${isOpen}
    order by ${sql.raw(disagreementOrder.join(', '))} limit ${limit}`.execute(db);
  return rows;
}
