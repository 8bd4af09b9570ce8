import { sql } from 'kysely';
import type { Span } from '../domain/billing-month.ts';
import { storedAmount } from '../domain/money.ts';
import type { AttemptCount } from '../domain/price-cells.ts';
import type { AttemptGroup } from '../domain/report-lines.ts';
import type { Queries } from './database.ts';
import { closedLines, lineColumns, type LineScope, stretchWithin, vendorShare } from './lines.ts';
import { instant, literal } from './sql-text.ts';
import type { Tables } from './tables-as-of.ts';
import { isWithdrawn } from './withdrawals.ts';

/** Counts lines by everything that their cost and their line of the summary depend on. */
export async function attemptGroups(db: Queries, lines: string): Promise<AttemptGroup[]> {
  const { rows } = await sql<
    CountRow & {
      corrects_period: string | null;
      unit_price: string | null;
      price_list_version: string | null;
      lines: string;
      unpriced: string;
    }
  >`
    select corrects_period, task_type, level, code, unit_price, rule_table_version, price_list_version,
      sum(quantity) as attempts,
      coalesce(sum(quantity) filter (where invoiced), 0) as invoiced,
      coalesce(sum(quantity) filter (where not invoiced), 0) as not_invoiced,
      coalesce(sum(quantity) filter (where invoiced is null), 0) as unclassified,
      sum(quantity * vendor_share) as vendor_counter,
      coalesce(sum(quantity) filter (where vendor_share is not null), 0) as counted,
      coalesce(sum(quantity) filter (where vendor_share is not null and invoiced), 0) as counted_invoiced,
      coalesce(sum(quantity) filter (where vendor_share <> coalesce(invoiced, false)::integer), 0) as differing,
      count(*) as lines,
      count(*) filter (where quantity = 1 and invoiced and unit_price is null) as unpriced
    from (${sql.raw(lines)}) line
    group by corrects_period, task_type, level, code, unit_price, rule_table_version, price_list_version`.execute(db);
  return rows.map((row) => ({
    ...countOf(row),
    correctsPeriod: row.corrects_period,
    unitPrice: row.unit_price === null ? null : storedAmount(row.unit_price),
    priceListVersion: row.price_list_version,
    lines: BigInt(row.lines),
    unpriced: BigInt(row.unpriced),
  }));
}

type CountRow = {
  readonly task_type: string;
  readonly level: string | null;
  readonly code: string | null;
  readonly rule_table_version: string | null;
  readonly attempts: string;
  readonly invoiced: string;
  readonly not_invoiced: string;
  readonly unclassified: string;
  readonly vendor_counter: string | null;
  readonly counted: string;
  readonly counted_invoiced: string;
  readonly differing: string;
};

const countOf = (row: CountRow) => ({
  taskType: row.task_type,
  level: row.level,
  code: row.code,
  ruleTableVersion: row.rule_table_version,
  attempts: BigInt(row.attempts),
  invoiced: BigInt(row.invoiced),
  notInvoiced: BigInt(row.not_invoiced),
  unclassified: BigInt(row.unclassified),
  vendorCounter: row.vendor_counter === null ? null : BigInt(row.vendor_counter),
  counted: BigInt(row.counted),
  countedInvoiced: BigInt(row.counted_invoiced),
  differing: BigInt(row.differing),
});

/** A month's own lines before an instant. @param lines a query as in `src/db/lines.ts`. */
export const ownLinesBefore = (lines: string, end: Date): string =>
  `select ${lineColumns.join(', ')} from (${lines}) line where corrects_period is null and attempted_at < ${instant(end)}`;

/**
 * What was booked for a month: the groups of its own report, and those of each report that corrected it.
 *
 * @param upTo the last report to count.
 */
export async function bookedGroups(db: Queries, period: string, upTo: string): Promise<AttemptGroup[][]> {
  const { rows } = await sql<{ period: string }>`
    select distinct period from closed_lines
    where (period = ${period} or corrects_period = ${period}) and period <= ${upTo} order by 1`.execute(db);
  const groups: AttemptGroup[][] = [];
  for (const { period: bookedIn } of rows)
    groups.push(
      await attemptGroups(db, `${closedLines(bookedIn)} and coalesce(corrects_period, period) = ${literal(period)}`),
    );
  return groups;
}

/**
 * Counts the attempts of a span by everything that their cost and their line of the summary depend on, except their
 * rank for tiers.
 *
 * @param among a query of transaction IDs; only those are counted.
 */
export async function attemptCounts(
  db: Queries,
  { tables, stretches, end }: Omit<LineScope, 'cells'>,
  among?: string,
): Promise<AttemptCount[]> {
  const [first] = stretches;
  if (!first) return [];
  const { rows } = await sql<CountRow & { stretch: number }>`
    select a.task_type, k.level, ${sql.raw(stretchWithin('a.attempted_at', stretches))} as stretch, a.code, a.rule_table_version,
      count(*) as attempts, count(*) filter (where a.invoiced) as invoiced,
      count(*) filter (where not a.invoiced) as not_invoiced, count(*) filter (where a.invoiced is null) as unclassified,
      sum(${sql.raw(vendorShare)}) as vendor_counter,
      count(k.vendor_attempts_invoiced) as counted,
      count(k.vendor_attempts_invoiced) filter (where a.invoiced) as counted_invoiced,
      count(*) filter (where ${sql.raw(`(${vendorShare})`)} <> coalesce(a.invoiced, false)::integer) as differing
    from ${sql.raw(tables.attempts)} a join ${sql.raw(tables.tasks)} k on k.transaction_id = a.transaction_id and k.task_type = a.task_type
    where a.attempted_at >= ${first.start} and a.attempted_at < ${end}
      ${among === undefined ? sql`` : sql.raw(`and a.transaction_id in (${among})`)}
    group by 1, 2, 3, 4, 5`.execute(db);
  return rows.map((row) => ({ ...countOf(row), stretch: row.stretch }));
}

/** What may still change a month's figures. */
export type OpenItems = {
  /** Transactions that were live in the month and are not settled. */
  readonly unsettledTransactions: number;
  /** Transactions that were never fetched, so that they may belong to any month; without withdrawn ones. */
  readonly unfetchedTransactions: number;
};

/**
 * Counts what may still change a month's figures.
 *
 * @param registeredBefore leaves out unfetched transactions that were registered later; `null` = leaves out none.
 */
export async function openItems(
  db: Queries,
  month: Span,
  { tables, asOf }: { readonly tables: Tables; readonly asOf: Date | null },
  registeredBefore: Date | null = null,
): Promise<OpenItems> {
  const transactions = sql.raw(tables.transactions);
  const { rows } = await sql<{ unsettled: string; unfetched: string }>`
    select
      (select count(*) from ${transactions} t where not t.settled and created_at < ${month.end}
        and coalesce(expires_at, created_at + interval '24 hours') >= ${month.start}) as unsettled,
      (select count(*) from ${transactions} t where not t.settled and created_at is null
        and registered_at < ${registeredBefore ?? 'infinity'}::timestamptz and not ${isWithdrawn('t', asOf)}) as unfetched`.execute(
    db,
  );
  return {
    unsettledTransactions: Number(rows[0]?.unsettled ?? 0),
    unfetchedTransactions: Number(rows[0]?.unfetched ?? 0),
  };
}

/** Those of the months that contain an attempt. One index look-up each. */
export async function monthsWithAttempts<T extends Span>(db: Queries, months: readonly T[]): Promise<T[]> {
  if (months.length === 0) return [];
  const { rows } = await sql<{ ordinality: string }>`
    select m.ordinality from unnest(${months.map(({ start }) => start)}::timestamptz[], ${months.map(({ end }) => end)}::timestamptz[])
      with ordinality as m (start_at, end_at, ordinality)
    where exists (select from attempts a where a.attempted_at >= m.start_at and a.attempted_at < m.end_at)`.execute(db);
  const present = new Set(rows.map(({ ordinality }) => Number(ordinality) - 1));
  return months.filter((_, index) => present.has(index));
}

/** The number of attempts before an instant, and the time of the first one. */
export async function attemptsBefore(db: Queries, end: Date): Promise<{ attempts: number; first: Date | null }> {
  const { rows } = await sql<{ attempts: string; first: Date | null }>`
    select count(*) as attempts, min(attempted_at) as first from attempts where attempted_at < ${end}`.execute(db);
  return { attempts: Number(rows[0]?.attempts ?? 0), first: rows[0]?.first ?? null };
}

/** When the first transaction was registered; `null` = there is none. */
export async function firstRegisteredAt(db: Queries): Promise<Date | null> {
  const row = await db
    .selectFrom('transactions')
    .select(({ fn }) => fn.min('registered_at').as('first'))
    .executeTakeFirst();
  return row?.first ?? null;
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
