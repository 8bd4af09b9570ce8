import { formatAmount } from '../../domain/money.ts';
import { amountOf, original } from './cells.ts';
import { orderChecker } from './detail.ts';
import type { KnownReport } from './manifest.ts';
import { shown } from './problems.ts';
import type { Row } from './reading.ts';
import { isSameDivision, mark, newMarks } from './reference-marks.ts';
import { keyText, lineKey, type LineSums, type Tally } from './tally.ts';

type Add = (problem: string, row?: number, column?: string) => void;

const quantities = { invoiced: 'invoiced', not_invoiced: 'notInvoiced', unclassified: 'unclassified' } as const;

/** What the rows of a line add up to. `unpriced`: how many have no amount although all of their attempts are decided. */
type Found = Record<'attempts' | 'invoiced' | 'notInvoiced' | 'unclassified', bigint> & {
  readonly marks: ReturnType<typeof newMarks>;
  unpriced: number;
};

/**
 * Checks the references file row by row and, at the end, that its rows divide each line of the detail file among the
 * same references. Memory grows with the lines of the summary, not with the references.
 *
 * @param tally what the detail file adds up to; `undefined` = it could not be read in full.
 */
export function referencesChecker(report: KnownReport, tally: Tally | undefined, add: Add) {
  const order = referencesOrder();
  const found = new Map<string, Found>();
  return {
    row: (row: Row) => {
      checkRow(row, report, add);
      const problem = order(row);
      if (problem !== undefined) add(problem, row.line);
      const key = lineKey(row);
      const sums = found.get(key) ?? nothing();
      found.set(key, sums);
      addTo(sums, row);
      if (tally && !tally.lines.has(key))
        add(`no row of the detail file belongs to this row of ${keyText(key, 'lines')}`, row.line);
    },
    end: () => {
      for (const [key, sums] of tally?.lines ?? [])
        for (const problem of differences(found.get(key) ?? nothing(), sums, report))
          add(`of ${keyText(key, 'lines')}: ${problem}`);
    },
  };
}

const nothing = (): Found => ({
  attempts: 0n,
  invoiced: 0n,
  notInvoiced: 0n,
  unclassified: 0n,
  marks: newMarks(),
  unpriced: 0,
});

const referencesOrder = () =>
  orderChecker(
    (row) => [
      original(row.cell('reference')),
      row.cell('corrects_period'),
      original(row.cell('task_type')),
      original(row.cell('level')),
      row.cell('unit_price'),
      row.cell('rule_table_version'),
      row.cell('price_list_version'),
    ],
    'reference, corrects_period, task_type, level, unit_price and versions',
  );

function checkRow(row: Row, { manifest, minorDigits }: KnownReport, add: Add): void {
  const is = (column: string, expected: string, why: string) => {
    if (row.cell(column) !== expected)
      add(`${column} is ${shown(row.cell(column))}, ${why} ${shown(expected)}`, row.line, column);
  };
  is('period', manifest.period, 'the report is of');
  is('currency', manifest.control_totals.currency ?? '', 'the manifest says');
  is('is_correction', String(row.cell('corrects_period') !== ''), 'by its corrects_period it is');
  const parts = Object.keys(quantities).map((name) => BigInt(row.cell(name)));
  is('attempts', String(parts.reduce((sum, part) => sum + part, 0n)), 'its parts add up to');
  const [invoiced = 0n, , unclassified = 0n] = parts;
  const unitPrice = amountOf(row.cell('unit_price'));
  if (manifest.control_totals.currency === null || unclassified > 0n)
    is('amount', '', 'without a price list, or with something unclassified, it is');
  else if (unitPrice !== null)
    is('amount', formatAmount(invoiced * unitPrice, minorDigits), 'invoiced × unit_price is');
  // Attempts without a price may be among these, and then their amount is not known.
  else if (row.cell('amount') !== '') is('amount', formatAmount(0n, minorDigits), 'without a price it is');
}

function addTo(sums: Found, row: Row): void {
  sums.attempts += BigInt(row.cell('attempts'));
  for (const [column, name] of Object.entries(quantities)) {
    const quantity = BigInt(row.cell(column));
    sums[name] += quantity;
    mark(sums.marks, row.cell('reference'), name, quantity);
  }
  if (row.cell('amount') === '' && BigInt(row.cell('unclassified')) <= 0n) sums.unpriced += 1;
}

function differences(found: Found, sums: LineSums, { manifest }: KnownReport): string[] {
  const problems = (['attempts', 'invoiced', 'notInvoiced', 'unclassified'] as const).flatMap((name) =>
    found[name] === sums[name] ? [] : [`the rows have ${found[name]} ${words[name]}, the detail file ${sums[name]}`],
  );
  if (problems.length === 0 && !isSameDivision(found.marks, sums.marks))
    problems.push('the attempts are divided among other references than in the detail file');
  const isPriced = manifest.control_totals.currency !== null;
  if (isPriced && sums.unpriced === 0n && found.unpriced > 0)
    problems.push('a row has no amount, though every attempt in the detail file has a price');
  return problems;
}

const words = {
  attempts: 'attempts',
  invoiced: 'invoiced',
  notInvoiced: 'not invoiced',
  unclassified: 'unclassified',
} as const;
