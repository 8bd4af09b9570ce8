import { sql } from 'kysely';
import type { Span } from '../domain/billing-month.ts';
import type { AttemptGroup } from '../domain/report-lines.ts';
import type { Queries } from './database.ts';

/**
 * Counts a month's attempts by everything their cost depends on.
 *
 * The vendor's counter has no dates. Each attempt stands for what we count of it, and the difference between both
 * counts falls on the task's last attempt: so it is in exactly one month, where the discrepancies list it.
 *
 * @param boundaries instants within the month at which some price changes, in order.
 */
export async function attemptGroups(db: Queries, month: Span, boundaries: readonly Date[]): Promise<AttemptGroup[]> {
  const { rows } = await sql<{
    task_type: string;
    level: string | null;
    code: string | null;
    stretch: number;
    rule_table_version: string | null;
    attempts: string;
    invoiced: string;
    not_invoiced: string;
    unclassified: string;
    vendor_counter: string | null;
  }>`
    select a.task_type, k.level, a.code, a.rule_table_version,
      width_bucket(a.attempted_at, ${boundaries}::timestamptz[]) as stretch,
      count(*) as attempts,
      count(*) filter (where a.invoiced) as invoiced,
      count(*) filter (where not a.invoiced) as not_invoiced,
      count(*) filter (where a.invoiced is null) as unclassified,
      sum(coalesce(a.invoiced, false)::integer
        + case when a.ordinal = k.own_attempts then k.vendor_attempts_invoiced - k.own_invoiced else 0 end)
        filter (where k.vendor_attempts_invoiced is not null) as vendor_counter
    from attempts a join tasks k using (transaction_id, task_type)
    where a.attempted_at >= ${month.start} and a.attempted_at < ${month.end}
    group by a.task_type, k.level, a.code, a.rule_table_version, stretch`.execute(db);
  return rows.map((row) => ({
    taskType: row.task_type,
    level: row.level,
    code: row.code,
    pricedAt: boundaries[row.stretch - 1] ?? month.start,
    ruleTableVersion: row.rule_table_version,
    attempts: BigInt(row.attempts),
    invoiced: BigInt(row.invoiced),
    notInvoiced: BigInt(row.not_invoiced),
    unclassified: BigInt(row.unclassified),
    vendorCounter: row.vendor_counter === null ? null : BigInt(row.vendor_counter),
  }));
}

/** What may still change a month's figures. */
export type OpenItems = {
  /** Transactions that lived in the month and about which something can still change. */
  readonly unsettledTransactions: number;
  /** Transactions of which nothing is known yet, so that they may belong to any month. */
  readonly unfetchedTransactions: number;
};

/** Counts what stands between a month's report and its final figures. */
export async function openItems(db: Queries, month: Span): Promise<OpenItems> {
  const { rows } = await sql<{ unsettled: string; unfetched: string }>`
    select
      (select count(*) from transactions t where not t.settled and created_at < ${month.end}
        and coalesce(expires_at, created_at + interval '24 hours') >= ${month.start}) as unsettled,
      (select count(*) from transactions where not settled and created_at is null) as unfetched`.execute(db);
  return {
    unsettledTransactions: Number(rows[0]?.unsettled ?? 0),
    unfetchedTransactions: Number(rows[0]?.unfetched ?? 0),
  };
}

/** Of the months given, those in which something was attempted. One index look-up each. */
export async function monthsWithAttempts<T extends Span>(db: Queries, months: readonly T[]): Promise<T[]> {
  if (months.length === 0) return [];
  const { rows } = await sql<{ ordinality: string }>`
    select m.ordinality from unnest(${months.map(({ start }) => start)}::timestamptz[], ${months.map(({ end }) => end)}::timestamptz[])
      with ordinality as m (start_at, end_at, ordinality)
    where exists (select from attempts a where a.attempted_at >= m.start_at and a.attempted_at < m.end_at)`.execute(db);
  const present = new Set(rows.map(({ ordinality }) => Number(ordinality) - 1));
  return months.filter((_, index) => present.has(index));
}

/** The time of the oldest attempt; `null` = there is none. */
export async function firstAttemptAt(db: Queries): Promise<Date | null> {
  const row = await db
    .selectFrom('attempts')
    .select('attempted_at')
    .orderBy('attempted_at')
    .limit(1)
    .executeTakeFirst();
  return row?.attempted_at ?? null;
}
