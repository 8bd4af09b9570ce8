import type { Micros } from '../../domain/money.ts';
import { amountOf } from './cells.ts';
import { mark, newMarks, type ReferenceMarks } from './reference-marks.ts';
import type { Row } from './reading.ts';

/** What rows of the detail file add up to. A reversal counts negative. */
export type Sums = {
  attempts: bigint;
  invoiced: bigint;
  notInvoiced: bigint;
  unclassified: bigint;
  amount: Micros;
  /** Invoiced attempts without a price. Reversals do not count: a line that had no price takes no amount back. */
  unpriced: bigint;
  /** Rows whose task has a counter; those of them with a mismatch; and the invoiced attempts of all of them. */
  counted: number;
  mismatched: number;
  countedInvoiced: bigint;
};

/** The sums of a line of the summary, and how its attempts are divided among references. */
export type LineSums = Sums & { readonly marks: ReferenceMarks };

/** The detail file added up. Its size depends on the summary and codes, not on the number of rows. */
export type Tally = {
  readonly total: Sums;
  readonly lines: Map<string, LineSums>;
  readonly codes: Map<string, Sums>;
  corrections: number;
};

const noSums = (): Sums => ({
  attempts: 0n,
  invoiced: 0n,
  notInvoiced: 0n,
  unclassified: 0n,
  amount: 0n,
  unpriced: 0n,
  counted: 0,
  mismatched: 0,
  countedInvoiced: 0n,
});

export const newTally = (): Tally => ({ total: noSums(), lines: new Map(), codes: new Map(), corrections: 0 });

const lineHeaders = [
  'is_correction',
  'corrects_period',
  'task_type',
  'level',
  'unit_price',
  'rule_table_version',
  'price_list_version',
];
const codeHeaders = ['is_correction', 'corrects_period', 'task_type', 'outcome_code'];

const keyOf = (row: Row, headers: readonly string[]): string =>
  JSON.stringify(headers.map((header) => row.cell(header)));

/** The key of the summary line that a row of the detail file belongs to, or that a row of the summary is. */
export const lineKey = (row: Row): string => keyOf(row, lineHeaders);
/** The same for the codes file. */
export const codeKey = (row: Row): string => keyOf(row, codeHeaders);

/** A key as text: `task_type document_scan, level advanced`. */
export function keyText(key: string, kind: 'lines' | 'codes'): string {
  const headers = kind === 'lines' ? lineHeaders : codeHeaders;
  const cells = JSON.parse(key) as string[];
  return headers.flatMap((header, at) => (cells[at] ? [`${header} ${cells[at]}`] : [])).join(', ');
}

/** Adds a row of the detail file. */
export function addRow(tally: Tally, row: Row): void {
  if (row.cell('is_correction') === 'true') tally.corrections += 1;
  add(tally.total, row);
  const line = getOrAdd(tally.lines, lineKey(row), newLine);
  add(line, row);
  // The first layout has no references.
  if (row.columns.has('reference'))
    mark(line.marks, row.cell('reference'), quantityOf(row.cell('invoiced')), BigInt(row.cell('quantity')));
  add(getOrAdd(tally.codes, codeKey(row), noSums), row);
}

const newLine = (): LineSums => ({ ...noSums(), marks: newMarks() });

function getOrAdd<Of>(map: Map<string, Of>, key: string, create: () => Of): Of {
  const sums = map.get(key) ?? create();
  map.set(key, sums);
  return sums;
}

const quantityOf = (invoiced: string) =>
  invoiced === 'true' ? 'invoiced' : invoiced === 'false' ? 'notInvoiced' : 'unclassified';

function add(sums: Sums, row: Row): void {
  const quantity = BigInt(row.cell('quantity'));
  const invoiced = row.cell('invoiced');
  const amount = amountOf(row.cell('amount'));
  sums.attempts += quantity;
  sums[quantityOf(invoiced)] += quantity;
  if (invoiced === 'true' && amount === null && quantity > 0n) sums.unpriced += quantity;
  sums.amount += amount ?? 0n;
  if (row.cell('vendor_attempts_invoiced') === '') return;
  sums.counted += 1;
  if (row.cell('counter_status') === 'mismatch') sums.mismatched += 1;
  if (invoiced === 'true') sums.countedInvoiced += quantity;
}

/** Whether an amount is the rows' sum. It is empty without a price list, and if an invoiced attempt has no price. */
export const isSum = (
  amount: Micros | null,
  sums: Sums,
  isPriced: boolean,
  round = (exact: Micros) => exact,
): boolean => amount === (isPriced && sums.unpriced === 0n ? round(sums.amount) : null);
