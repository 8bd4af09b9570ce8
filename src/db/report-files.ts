import type { Readable } from 'node:stream';
import { to as copyTo } from 'pg-copy-streams';
import { columnsOf } from '../domain/report-columns.ts';
import type { Snapshot } from './snapshot.ts';
import { disagreementOrder } from './disagreements.ts';
import { literal } from './lines.ts';

/** A column of a file that Postgres writes. `text` cells come from the vendor or from an operator. */
type Column = { readonly header: string; readonly value: string; readonly text?: true };

/** Rows that Postgres formats as CSV itself: no memory that grows with the month, no work per row in this process. */
export type CsvQuery = { readonly headers: readonly string[]; readonly select: string };

const utc = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
const yesOrNo = (column: string): string => `case when ${column} then 'true' when not ${column} then 'false' end`;

/** Same rule as `neutraliseFormula` in `src/reports/csv.ts`; a test holds both to the same bytes. */
const neutralised = (value: string): string =>
  `case when left(${value}, 1) in (${formulaStarts}) then '''' || ${value} else nullif(${value}, '') end`;

/** Which Postgres compares twice as fast as it matches a pattern. */
const formulaStarts = Array.from('=+@\t\r＝＋－＠-', literal).join(', ');

/** The order of the detail file: bytewise by attempt; a reversal before what is booked instead. */
export const lineOrder = ['transaction_id', 'task_type', 'ordinal', 'quantity', 'corrects_period nulls first'];

/** The detail file: a row per line. */
export function detailQuery(lines: string, period: string, currency: string | null, layout: number): CsvQuery {
  const columns: Column[] = [
    { header: 'period', value: literal(period) },
    { header: 'transaction_id', value: 'transaction_id', text: true },
    { header: 'result_id', value: 'result_id', text: true },
    { header: 'task_type', value: 'task_type', text: true },
    { header: 'attempt', value: 'ordinal' },
    { header: 'attempted_at', value: utc('attempted_at') },
    { header: 'outcome_code', value: 'code', text: true },
    { header: 'invoiced', value: yesOrNo('invoiced') },
    { header: 'reason', value: 'reason' },
    { header: 'level', value: 'level', text: true },
    { header: 'capture_source', value: 'capture_source', text: true },
    { header: 'linked', value: yesOrNo('linked') },
    { header: 'transaction_state', value: 'transaction_state', text: true },
    { header: 'settled', value: yesOrNo('settled') },
    { header: 'unit_price', value: 'unit_price' },
    { header: 'amount', value: 'amount' },
    { header: 'currency', value: literal(currency) },
    { header: 'rule_table_version', value: 'rule_table_version' },
    { header: 'price_list_version', value: 'price_list_version' },
    { header: 'is_correction', value: yesOrNo('corrects_period is not null') },
    { header: 'corrects_period', value: 'corrects_period' },
    { header: 'vendor_attempts', value: 'vendor_attempts' },
    { header: 'vendor_attempts_invoiced', value: 'vendor_attempts_invoiced' },
    { header: 'counter_status', value: 'counter_status' },
    { header: 'quantity', value: 'quantity' },
    { header: 'price_tier', value: 'price_tier' },
    // Who is charged on for it: nothing says so yet.
    { header: 'reference', value: 'null::text', text: true },
  ];
  const headers = new Set(columnsOf('detail', layout).map(({ header }) => header));
  return csvQuery(
    columns.filter(({ header }) => headers.has(header)),
    lines,
    lineOrder,
  );
}

/** The discrepancies file: a row per disagreement with the vendor. */
export function discrepanciesQuery(disagreements: string, period: string): CsvQuery {
  const columns: Column[] = [
    { header: 'period', value: literal(period) },
    { header: 'transaction_id', value: 'transaction_id', text: true },
    { header: 'task_type', value: 'task_type', text: true },
    { header: 'reason', value: 'reason' },
    { header: 'own_quantity', value: 'own_quantity' },
    { header: 'vendor_quantity', value: 'vendor_quantity' },
    { header: 'difference', value: 'vendor_quantity - own_quantity' },
    { header: 'is_correction', value: yesOrNo('corrects_period is not null') },
    { header: 'corrects_period', value: 'corrects_period' },
  ];
  return csvQuery(columns, disagreements, disagreementOrder);
}

const csvQuery = (columns: readonly Column[], source: string, order: readonly string[]): CsvQuery => ({
  headers: columns.map(({ header }) => header),
  select: `select ${columns.map(({ value, text, header }) => `${text ? neutralised(value) : value} as ${header}`).join(', ')}
    from (${source}) source order by ${order.map((column) => `source.${column}`).join(', ')}`,
});

/** Streams a query's rows as CSV, a line feed after each. Nothing is held in memory. */
export function copyCsv({ client }: Snapshot, { select }: CsvQuery): Readable {
  return client.query(copyTo(`copy (${select}) to stdout with (format csv)`));
}
