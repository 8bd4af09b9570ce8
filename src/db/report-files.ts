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

/** The order of the references file: bytewise, an empty cell first. */
const referenceOrder = [
  'reference',
  'corrects_period',
  'task_type',
  'level',
  'unit_price',
  'rule_table_version',
  'price_list_version',
].map((column) => `${column} nulls first`);

/**
 * The references file: a row per reference and line of the summary. Postgres counts, because there may be as many
 * references as transactions.
 */
export function referencesQuery(
  lines: string,
  {
    period,
    layout,
    priceList,
  }: { readonly period: string; readonly layout: number; readonly priceList: Prices | undefined },
  references: References = 'none',
): CsvQuery {
  const amount = `case when unclassified <= 0 and unpriced = 0 then invoiced * coalesce(unit_price::numeric, 0) end`;
  return csvQuery(columnsOf('references', layout), countedByReference(lines, references), referenceOrder, {
    period: literal(period),
    reference: 'reference',
    task_type: 'task_type',
    level: 'level',
    attempts: 'attempts',
    invoiced: 'invoiced',
    not_invoiced: 'not_invoiced',
    unclassified: 'unclassified',
    unit_price: 'unit_price',
    amount: priceList ? written(amount, priceList.minorDigits) : 'null',
    currency: literal(priceList?.currency ?? null),
    rule_table_version: 'rule_table_version',
    price_list_version: 'price_list_version',
    is_correction: yesOrNo('corrects_period is not null'),
    corrects_period: 'corrects_period',
  });
}

type Prices = { readonly currency: string; readonly minorDigits: number };

function countedByReference(lines: string, references: References): string {
  const groups = 'reference, corrects_period, task_type, level, unit_price, rule_table_version, price_list_version';
  const sum = (condition: string) => `coalesce(sum(quantity) filter (where ${condition}), 0)`;
  const referred =
    references === 'none'
      ? `select line.*, null::text collate "C" as reference from (${lines}) line`
      : withReferences(lines, references);
  return `select ${groups}, sum(quantity) as attempts, ${sum('invoiced')} as invoiced,
    ${sum('not invoiced')} as not_invoiced, ${sum('invoiced is null')} as unclassified,
    count(*) filter (where quantity = 1 and invoiced and unit_price is null) as unpriced
    from (${referred}) line group by ${groups}`;
}

/** The same form as that of `formatAmount` in `src/domain/money.ts`. A test compares both. */
const written = (amount: string, minorDigits: number): string =>
  `(select round(exact, greatest(scale(trim_scale(exact)), ${minorDigits}))::text from (select ${amount} as exact) amount)`;

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
