import type { Readable } from 'node:stream';
import { to as copyTo } from 'pg-copy-streams';
import { columnsOf, presentLayout, type ReportColumn } from '../domain/report-columns.ts';
import type { Snapshot } from './snapshot.ts';
import { disagreementOrder } from './disagreements.ts';
import { type References, withReferences } from './references.ts';
import { literal } from './sql-text.ts';

/**
 * Rows that Postgres itself formats as CSV: memory does not grow with the month, and this process does no work per row.
 */
export type CsvQuery = { readonly headers: readonly string[]; readonly select: string };

export const utc = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
export const yesOrNo = (column: string): string =>
  `case when ${column} then 'true' when not ${column} then 'false' end`;

/** The same rule as `neutraliseFormula` in `src/reports/csv.ts`. A test compares the bytes of both. */
const neutralised = (value: string): string =>
  `case when left(${value}, 1) in (${formulaStarts}) then '''' || ${value} else nullif(${value}, '') end`;

/** A list, because Postgres compares with it twice as fast as it matches a pattern. */
const formulaStarts = Array.from('=+@\t\r＝＋－＠-', literal).join(', ');

/** The order of the detail file: bytewise by attempt, a reversal before its replacement. */
export const lineOrder = ['transaction_id', 'task_type', 'ordinal', 'quantity', 'corrects_period nulls first'];

/** The detail file: a row per line. */
export function detailQuery(
  lines: string,
  period: string,
  currency: string | null,
  layout: number,
  references: References = 'none',
): CsvQuery {
  return csvQuery(columnsOf('detail', layout), withReferences(lines, references), lineOrder, {
    period: literal(period),
    transaction_id: 'transaction_id',
    result_id: 'result_id',
    task_type: 'task_type',
    attempt: 'ordinal',
    attempted_at: utc('attempted_at'),
    outcome_code: 'code',
    invoiced: yesOrNo('invoiced'),
    reason: 'reason',
    level: 'level',
    capture_source: 'capture_source',
    linked: yesOrNo('linked'),
    transaction_state: 'transaction_state',
    settled: yesOrNo('settled'),
    unit_price: 'unit_price',
    amount: 'amount',
    currency: literal(currency),
    rule_table_version: 'rule_table_version',
    price_list_version: 'price_list_version',
    is_correction: yesOrNo('corrects_period is not null'),
    corrects_period: 'corrects_period',
    vendor_attempts: 'vendor_attempts',
    vendor_attempts_invoiced: 'vendor_attempts_invoiced',
    counter_status: 'counter_status',
    quantity: 'quantity',
    price_tier: 'price_tier',
    reference: references === 'none' ? 'null::text' : 'reference',
  });
}

/** The discrepancies file: a row per disagreement with the vendor. */
export function discrepanciesQuery(disagreements: string, period: string): CsvQuery {
  return csvQuery(columnsOf('discrepancies', presentLayout), disagreements, disagreementOrder, {
    period: literal(period),
    transaction_id: 'transaction_id',
    task_type: 'task_type',
    reason: 'reason',
    own_quantity: 'own_quantity',
    vendor_quantity: 'vendor_quantity',
    difference: 'vendor_quantity - own_quantity',
    is_correction: yesOrNo('corrects_period is not null'),
    corrects_period: 'corrects_period',
  });
}

/** A query of a file's columns, in order. @param values the SQL expression of each cell, for a row of `source`. */
export function csvQuery<Header extends string>(
  columns: readonly (ReportColumn & { readonly header: Header })[],
  source: string,
  order: readonly string[],
  values: Readonly<Record<Header, string>>,
): CsvQuery {
  const cells = columns.map(({ header, type }) => {
    const value = values[header];
    return `${type === 'text' ? neutralised(value) : value} as ${header}`;
  });
  return {
    headers: columns.map(({ header }) => header),
    select: `select ${cells.join(', ')}
    from (${source}) source order by ${order.map((column) => `source.${column}`).join(', ')}`,
  };
}

/** Streams a query's rows as CSV, with a line feed after each. Holds nothing in memory. */
export function copyCsv({ client }: Snapshot, { select }: CsvQuery): Readable {
  return client.query(copyTo(`copy (${select}) to stdout with (format csv)`));
}
