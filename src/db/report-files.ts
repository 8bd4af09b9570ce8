import type { Readable } from 'node:stream';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { Span } from '../domain/billing-month.ts';
import type { Snapshot } from './snapshot.ts';

/** A column of a file that Postgres writes. `text` cells come from the vendor or from an operator. */
type Column = { readonly header: string; readonly value: string; readonly text?: true };

/** Rows that Postgres formats as CSV itself: no memory that grows with the month, no work per row in this process. */
export type CsvQuery = { readonly headers: readonly string[]; readonly select: string };

/** The price of a task type and level in one stretch of the month, as the report writes it. */
export type PriceCell = {
  readonly taskType: string;
  readonly level: string | null;
  readonly pricedAt: Date;
  readonly unitPrice: string;
};

export type DetailInput = {
  readonly period: string;
  readonly month: Span;
  readonly boundaries: readonly Date[];
  readonly prices: readonly PriceCell[];
  /** Without a price list both are `null` and the amounts stay empty. */
  readonly priceList: { readonly version: string; readonly currency: string; readonly zero: string } | null;
};

const literal = (value: string | null): string => (value === null ? 'null' : pg.escapeLiteral(value));
const instant = (value: Date): string => `${literal(value.toISOString())}::timestamptz`;
const utc = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
const yesOrNo = (column: string): string => `case when ${column} then 'true' when not ${column} then 'false' end`;

/** Same rule as `neutraliseFormula` in `src/reports/csv.ts`; a test holds both to the same bytes. */
const neutralised = (value: string): string =>
  `case when ${value} ~ '^[=+@\\t\\r＝＋－＠-]' then '''' || ${value} else nullif(${value}, '') end`;

/** The detail file: a row per attempt, ordered bytewise by its key. */
export function detailQuery({ period, month, boundaries, prices, priceList }: DetailInput): CsvQuery {
  const stretchOf = (pricedAt: Date) => boundaries.filter((boundary) => boundary <= pricedAt).length;
  const cells = prices.map(
    ({ taskType, level, pricedAt, unitPrice }) =>
      `(${literal(taskType)}, ${literal(level ?? '')}, ${stretchOf(pricedAt)}, ${literal(unitPrice)})`,
  );
  const cellRows = cells.length > 0 ? cells.join(', ') : `(null, null, null::integer, null)`;
  const thresholds = `array[${boundaries.map(instant).join(', ')}]::timestamptz[]`;
  return {
    headers: detailColumns(period, priceList).map(({ header }) => header),
    select: `
      select ${selectList(detailColumns(period, priceList))}
      from attempts a
      join tasks k using (transaction_id, task_type)
      join transactions t on t.id = a.transaction_id
      left join (values ${cellRows}) as price (task_type, level, stretch, unit_price)
        on price.task_type = a.task_type and price.level = coalesce(k.level, '')
        and price.stretch = width_bucket(a.attempted_at, ${thresholds})
      where a.attempted_at >= ${instant(month.start)} and a.attempted_at < ${instant(month.end)}
      order by a.transaction_id, a.task_type, a.ordinal`,
  };
}

function detailColumns(period: string, priceList: DetailInput['priceList']): Column[] {
  const zero = literal(priceList?.zero ?? null);
  return [
    { header: 'period', value: literal(period) },
    { header: 'transaction_id', value: 'a.transaction_id', text: true },
    { header: 'result_id', value: 't.result_id', text: true },
    { header: 'task_type', value: 'a.task_type', text: true },
    { header: 'attempt', value: 'a.ordinal' },
    { header: 'attempted_at', value: utc('a.attempted_at') },
    { header: 'outcome_code', value: 'a.code', text: true },
    { header: 'invoiced', value: yesOrNo('a.invoiced') },
    { header: 'reason', value: 'a.reason' },
    { header: 'level', value: 'k.level', text: true },
    { header: 'capture_source', value: 'a.capture_source', text: true },
    { header: 'linked', value: yesOrNo('a.linked') },
    { header: 'transaction_state', value: 't.state', text: true },
    { header: 'settled', value: yesOrNo('t.settled') },
    { header: 'unit_price', value: 'price.unit_price' },
    { header: 'amount', value: `case when a.invoiced then price.unit_price when not a.invoiced then ${zero} end` },
    { header: 'currency', value: literal(priceList?.currency ?? null) },
    { header: 'rule_table_version', value: 'a.rule_table_version' },
    { header: 'price_list_version', value: literal(priceList?.version ?? null) },
    { header: 'is_correction', value: `'false'` },
    { header: 'corrects_period', value: 'null' },
    { header: 'vendor_attempts', value: 'k.vendor_attempts' },
    { header: 'vendor_attempts_invoiced', value: 'k.vendor_attempts_invoiced' },
    {
      header: 'counter_status',
      value: `case when k.vendor_attempts_invoiced is null then 'absent'
        when k.vendor_attempts_invoiced = k.own_invoiced then 'match' else 'mismatch' end`,
    },
  ];
}

/**
 * The discrepancies file: a row per disagreement with the vendor, in the month of the task's last attempt or, where the
 * vendor counts attempts and lists none, of the transaction.
 */
export function discrepanciesQuery(period: string, month: Span): CsvQuery {
  const columns: Column[] = [
    { header: 'period', value: literal(period) },
    { header: 'transaction_id', value: 'k.transaction_id', text: true },
    { header: 'task_type', value: 'k.task_type', text: true },
    { header: 'reason', value: 'd.reason' },
    { header: 'own_quantity', value: 'd.own_quantity' },
    { header: 'vendor_quantity', value: 'd.vendor_quantity' },
    { header: 'difference', value: 'd.vendor_quantity - d.own_quantity' },
  ];
  return {
    headers: columns.map(({ header }) => header),
    select: `
      select ${selectList(columns)}
      from (
        select a.transaction_id, a.task_type from attempts a
        join tasks k on k.transaction_id = a.transaction_id and k.task_type = a.task_type and k.own_attempts = a.ordinal
        where a.attempted_at >= ${instant(month.start)} and a.attempted_at < ${instant(month.end)}
        union all
        select k.transaction_id, k.task_type from tasks k join transactions t on t.id = k.transaction_id
        where k.own_attempts = 0 and k.vendor_attempts_invoiced > 0
          and coalesce(t.completed_at, t.created_at) >= ${instant(month.start)}
          and coalesce(t.completed_at, t.created_at) < ${instant(month.end)}
      ) counted
      join tasks k using (transaction_id, task_type)
      cross join lateral (
        select 'attempt_count_differs' as reason, k.own_attempts as own_quantity, k.vendor_attempts as vendor_quantity
        where not k.scan_list_missing and k.vendor_attempts <> k.own_attempts
        union all
        select 'invoiced_count_differs', k.own_invoiced, k.vendor_attempts_invoiced
        where k.vendor_attempts_invoiced <> k.own_invoiced
        union all
        select 'scan_list_missing', listed.quantity, greatest(k.vendor_attempts, k.own_attempts)
        from (select count(*)::integer as quantity from attempts l where l.transaction_id = k.transaction_id
          and l.task_type = k.task_type and l.evidence = 'scan_list') listed
        where k.scan_list_missing and listed.quantity < greatest(k.vendor_attempts, k.own_attempts)
      ) d
      order by k.transaction_id, k.task_type, d.reason collate "C"`,
  };
}

const selectList = (columns: readonly Column[]): string =>
  columns.map(({ value, text, header }) => `${text ? neutralised(value) : value} as ${header}`).join(', ');

/** Streams a query's rows as CSV, a line feed after each. Nothing is held in memory. */
export function copyCsv({ client }: Snapshot, { select }: CsvQuery): Readable {
  return client.query(copyTo(`copy (${select}) to stdout with (format csv)`));
}
