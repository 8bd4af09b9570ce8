import { formatAmount, type Micros, roundToMinorUnit } from '../../domain/money.ts';
import { amountOf, original } from './cells.ts';
import { orderChecker } from './detail.ts';
import type { KnownReport } from './manifest.ts';
import { shown } from './problems.ts';
import type { Row } from './reading.ts';
import { isSum, keyText, lineKey, type Sums, type Tally } from './tally.ts';

type Add = (problem: string, row?: number, column?: string) => void;

const quantities = ['attempts', 'invoiced', 'not_invoiced', 'unclassified'] as const;
type Quantity = (typeof quantities)[number];

/** The task type of lines that top a month up to its minimum. */
const minimumType = 'monthly_minimum';

/**
 * Checks the summary row by row and, at the end, the sums.
 *
 * @param tally what the detail file adds up to; `undefined` = it could not be read in full.
 */
export function summaryChecker(report: KnownReport, tally: Tally | undefined, add: Add) {
  const { manifest, minorDigits } = report;
  const { currency } = manifest.control_totals;
  const isInOrder = lineOrder();
  const missing = new Map(tally?.lines);
  const added: Record<Quantity, bigint> = { attempts: 0n, invoiced: 0n, not_invoiced: 0n, unclassified: 0n };
  let amount: Micros | null = 0n;
  let ordinaryAmount: Micros | null = 0n;
  let vendorCounter: bigint | null = null;
  let total: Row | undefined;
  let minimum: Row | undefined;

  const line = (row: Row) => {
    const own = amountOf(row.cell('amount'));
    for (const quantity of quantities) added[quantity] += BigInt(row.cell(quantity));
    const counter = row.cell('vendor_counter');
    if (counter !== '') vendorCounter = (vendorCounter ?? 0n) + BigInt(counter);
    amount = plus(amount, own);
    if (own !== null && own !== roundToMinorUnit(own, minorDigits))
      add(`amount is ${row.cell('amount')}, which is not rounded to the minor unit`, row.line, 'amount');
    if (isMinimum(row)) {
      if (row.cell('is_correction') === 'true') return;
      if (minimum) add('is a second line of the monthly minimum', row.line);
      minimum = row;
      return;
    }
    if (row.cell('is_correction') !== 'true') ordinaryAmount = plus(ordinaryAmount, own);
    const problem = isInOrder(row);
    if (problem !== undefined) add(problem, row.line);
    if (tally) compareLine(row, tally.lines, missing, report, add);
  };

  return {
    row: (row: Row) => {
      checkConstants(row, report, add);
      if (total) add('comes after the TOTAL, which is the last row', row.line);
      if (row.cell('record_type') === 'LINE') line(row);
      else if (row.cell('record_type') === 'TOTAL') total = row;
      else add(`record_type is ${row.cell('record_type')}, neither LINE nor TOTAL`, row.line, 'record_type');
    },
    end: (): Row | undefined => {
      for (const [key, sums] of missing)
        add(`has no line of ${keyText(key, 'lines')}: the detail file adds up to ${sums.attempts} attempts there`);
      checkMinimum(minimum, ordinaryAmount, report, add);
      if (!total) add('has no TOTAL');
      else checkTotal(total, { added, amount: currency === null ? null : amount, vendorCounter, minorDigits }, add);
      return total;
    },
  };
}

const isMinimum = (row: Row): boolean =>
  row.cell('task_type') === minimumType &&
  row.cell('unit_price') === '' &&
  quantities.every((name) => row.cell(name) === '0');

const plus = (a: Micros | null, b: Micros | null): Micros | null => (a === null || b === null ? null : a + b);

function checkConstants(row: Row, { manifest }: KnownReport, add: Add): void {
  const is = (column: string, expected: string) => {
    if (row.cell(column) !== expected)
      add(`${column} is ${shown(row.cell(column))}, the manifest says ${shown(expected)}`, row.line, column);
  };
  is('period', manifest.period);
  is('period_status', manifest.period_status);
  const isTotal = row.cell('record_type') === 'TOTAL';
  const isByItself = row.cell('is_correction') === 'true' || manifest.period_status === 'restated';
  const mayBeWithoutPrices = isByItself && row.cell('price_list_version') === '';
  if (!(mayBeWithoutPrices && row.cell('currency') === '')) is('currency', manifest.control_totals.currency ?? '');
  for (const column of isTotal ? ['task_type', 'level', 'unit_price', 'rule_table_version'] : [])
    if (row.cell(column) !== '') add(`${column} is ${row.cell(column)} in the TOTAL`, row.line, column);
  if (!isTotal && row.cell('task_type') === '') add('task_type is empty in a LINE', row.line, 'task_type');
  if (!isTotal && (row.cell('is_correction') === 'true') !== (row.cell('corrects_period') !== ''))
    add('is_correction and corrects_period do not go together', row.line, 'corrects_period');
  const [attempts = 0n, ...parts] = quantities.map((name) => BigInt(row.cell(name)));
  if (parts.reduce((sum, part) => sum + part, 0n) !== attempts)
    add(
      `invoiced + not_invoiced + unclassified is ${parts.join(' + ')}, attempts is ${attempts}`,
      row.line,
      'attempts',
    );
}

function compareLine(
  row: Row,
  lines: ReadonlyMap<string, Sums>,
  missing: Map<string, Sums>,
  { manifest, minorDigits }: KnownReport,
  add: Add,
): void {
  const key = lineKey(row);
  const sums = lines.get(key);
  if (!sums || !missing.delete(key)) {
    const what = sums ? 'this is a second line' : 'no row of the detail file belongs to this line';
    add(`${what} of ${keyText(key, 'lines')}`, row.line);
    return;
  }
  const own: Record<Quantity, bigint> = {
    attempts: sums.attempts,
    invoiced: sums.invoiced,
    not_invoiced: sums.notInvoiced,
    unclassified: sums.unclassified,
  };
  for (const name of quantities)
    if (BigInt(row.cell(name)) !== own[name])
      add(`${name} is ${row.cell(name)}, the detail file adds up to ${own[name]}`, row.line, name);
  checkVendorCounter(row, sums, add);
  const round = (exact: Micros) => roundToMinorUnit(exact, minorDigits);
  const isPriced = manifest.control_totals.currency !== null;
  if (isSum(amountOf(row.cell('amount')), sums, isPriced, round)) return;
  const exact = formatAmount(sums.amount, minorDigits);
  const expected =
    !isPriced || sums.unpriced !== 0n
      ? 'the detail file has attempts without a price there'
      : `the detail file adds up to ${exact}, rounded ${formatAmount(round(sums.amount), minorDigits)}`;
  add(`amount is ${shown(row.cell('amount'))}, ${expected}`, row.line, 'amount');
}

/** If all counters match our counts, a line's share of them equals its invoiced attempts. */
function checkVendorCounter(row: Row, { counted, mismatched, countedInvoiced }: Sums, add: Add): void {
  if (mismatched > 0) return;
  const expected = counted === 0 ? '' : String(countedInvoiced);
  if (row.cell('vendor_counter') === expected) return;
  const problem = `vendor_counter is ${shown(row.cell('vendor_counter'))}, the counters of its rows, which all match, give ${shown(expected)}`;
  add(problem, row.line, 'vendor_counter');
}

/** The order of lines. Among lines with equal keys any order of prices and versions is accepted. */
function lineOrder() {
  const order = orderChecker(
    (row) => [
      row.cell('is_correction'),
      row.cell('corrects_period'),
      original(row.cell('task_type')),
      original(row.cell('level')),
      row.line,
    ],
    'is_correction, corrects_period, task_type and level',
  );
  return order;
}

function checkMinimum(
  row: Row | undefined,
  ordinary: Micros | null,
  { manifest, minorDigits }: KnownReport,
  add: Add,
): void {
  const minimum = amountOf(manifest.control_totals.monthly_minimum ?? '');
  if (minimum === null) {
    if (row) add('tops up to a monthly minimum, but the manifest has none', row.line);
    return;
  }
  const gap = ordinary === null ? null : minimum > ordinary ? minimum - ordinary : 0n;
  // A minimum that is reached needs no line.
  if (!row && (gap === null || gap === 0n)) return;
  const written = row ? amountOf(row.cell('amount')) : undefined;
  if (written === gap) return;
  const expected =
    gap === null
      ? 'a line has no amount'
      : `${formatAmount(gap, minorDigits)} is missing to reach the minimum of ${formatAmount(minimum, minorDigits)}`;
  if (row) add(`amount of ${minimumType} is ${shown(row.cell('amount'))}, ${expected}`, row.line, 'amount');
  else add(`has no line ${minimumType}: ${expected}`);
}

function checkTotal(
  row: Row,
  lines: { added: Record<Quantity, bigint>; amount: Micros | null; vendorCounter: bigint | null; minorDigits: number },
  add: Add,
): void {
  const is = (column: string, sum: string) => {
    if (row.cell(column) !== sum)
      add(`${column} is ${shown(row.cell(column))}, the lines add up to ${shown(sum)}`, row.line, column);
  };
  for (const name of quantities) is(name, String(lines.added[name]));
  is('amount', lines.amount === null ? '' : formatAmount(lines.amount, lines.minorDigits));
  is('vendor_counter', lines.vendorCounter === null ? '' : String(lines.vendorCounter));
}
