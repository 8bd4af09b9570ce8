import { formatAmount } from '../../domain/money.ts';
import { amountOf, original } from './cells.ts';
import { orderChecker } from './detail.ts';
import type { KnownReport } from './manifest.ts';
import { shown } from './problems.ts';
import type { Row } from './reading.ts';
import { codeKey, isSum, keyText, type Tally } from './tally.ts';

type Add = (problem: string, row?: number, column?: string) => void;

/**
 * Checks the codes file row by row against the detail file; `tally` is `undefined` if that could not be read in full.
 */
export function codesChecker(report: KnownReport, tally: Tally | undefined, add: Add) {
  const missing = new Map(tally?.codes);
  const orders = new Map<string, ReturnType<typeof orderChecker>>();
  return {
    row: (row: Row) => {
      checkShared(row, report, add);
      // Corrections may be among or after the ordinary rows. Only the rows for the same month must be in order.
      const order = orders.get(row.cell('corrects_period')) ?? codeOrder();
      orders.set(row.cell('corrects_period'), order);
      const problem = order(row);
      if (problem !== undefined) add(problem, row.line);
      if (tally) compareCode(row, tally, missing, report, add);
    },
    end: () => {
      for (const [key, sums] of missing)
        add(`has no row of ${keyText(key, 'codes')}: the detail file adds up to ${sums.attempts} attempts there`);
    },
  };
}

const codeOrder = () =>
  orderChecker(
    (row) => [original(row.cell('task_type')), original(row.cell('outcome_code'))],
    'task_type and outcome_code',
  );

function compareCode(
  row: Row,
  tally: Tally,
  missing: Map<string, unknown>,
  { manifest, minorDigits, layout }: KnownReport,
  add: Add,
): void {
  const key = codeKey(row);
  const sums = tally.codes.get(key);
  if (!sums || !missing.delete(key)) {
    const what = sums ? 'this is a second row' : 'no row of the detail file belongs to this row';
    add(`${what} of ${keyText(key, 'codes')}`, row.line);
    return;
  }
  const is = (column: string, sum: bigint) => {
    if (BigInt(row.cell(column)) !== sum)
      add(`${column} is ${row.cell(column)}, the detail file adds up to ${sum}`, row.line, column);
  };
  is('attempts', sums.attempts);
  is('invoiced', sums.invoiced);
  if (layout > 1) {
    is('not_invoiced', sums.notInvoiced);
    is('unclassified', sums.unclassified);
  }
  if (layout > 1 && sums.unclassified > 0n) {
    if (row.cell('amount') !== '')
      add(`amount is ${row.cell('amount')}, ${sums.unclassified} attempts there are unclassified`, row.line, 'amount');
    return;
  }
  const isPriced = manifest.control_totals.currency !== null;
  if (isSum(amountOf(row.cell('amount')), sums, isPriced)) return;
  const expected =
    !isPriced || sums.unpriced !== 0n
      ? 'the detail file has attempts without a price there'
      : `the detail file adds up to ${formatAmount(sums.amount, minorDigits)}`;
  add(`amount is ${shown(row.cell('amount'))}, ${expected}`, row.line, 'amount');
}

/** Checks that the codes and discrepancies files share. */
function checkShared(row: Row, { manifest }: KnownReport, add: Add): void {
  if (row.cell('period') !== manifest.period)
    add(`period is ${row.cell('period')}, the report is of ${manifest.period}`, row.line, 'period');
  if ((row.cell('is_correction') === 'true') !== (row.cell('corrects_period') !== ''))
    add('is_correction and corrects_period do not go together', row.line, 'corrects_period');
}

const reasons = [
  'attempt_count_differs',
  'invoiced_count_differs',
  'listed_twice',
  'scan_list_missing',
  'still_processing',
];

/** Checks the discrepancies file row by row. */
export function discrepanciesChecker(report: KnownReport, add: Add) {
  const order = orderChecker(
    (row) => [
      original(row.cell('transaction_id')),
      original(row.cell('task_type')),
      row.cell('reason'),
      row.cell('corrects_period'),
    ],
    'transaction_id, task_type, reason and corrects_period',
  );
  return (row: Row) => {
    checkShared(row, report, add);
    const problem = order(row);
    if (problem !== undefined) add(problem, row.line);
    if (!reasons.includes(row.cell('reason')))
      add(`reason is ${row.cell('reason')}, none of ${reasons.join(', ')}`, row.line, 'reason');
    const difference = BigInt(row.cell('vendor_quantity')) - BigInt(row.cell('own_quantity'));
    if (BigInt(row.cell('difference')) !== difference)
      add(
        `difference is ${row.cell('difference')}, vendor_quantity − own_quantity is ${difference}`,
        row.line,
        'difference',
      );
  };
}
