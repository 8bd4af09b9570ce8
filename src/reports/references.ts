import { finished } from 'node:stream/promises';
import { parse } from 'csv-parse';
import { type Micros, roundToMinorUnit, storedAmount } from '../domain/money.ts';
import { columnsOf } from '../domain/report-columns.ts';
import { monthlyMinimum, type Quantities, quantityKeys, type SummaryLine } from '../domain/report-lines.ts';
import { LedgerError } from '../errors.ts';
import { neutraliseFormula } from './csv.ts';
import type { ReportHead } from './files.ts';

/** Quantities are counted down from those of the summary. `amount`: `null` = some row has none. */
type Rest = Record<keyof Quantities, bigint> & { readonly line: SummaryLine; amount: Micros | null };

const quantityHeaders = {
  attempts: 'attempts',
  invoiced: 'invoiced',
  notInvoiced: 'not_invoiced',
  unclassified: 'unclassified',
} as const satisfies Record<keyof Quantities, string>;

/**
 * Passes the references file on, and adds up its rows meanwhile. Holds what is left of each line of the summary, and no row.
 *
 * @throws LedgerError `report_unbalanced` where they are not the attempts of the summary, line by line.
 */
export async function* referencesTallied(
  chunks: AsyncIterable<Buffer>,
  summary: readonly SummaryLine[],
  head: ReportHead,
): AsyncGenerator<Buffer> {
  const rests = new Map(summary.map((line) => [keyOfLine(line), { line, ...quantitiesOf(line), amount: 0n }]));
  let strangers = 0;
  const places = new Map(columnsOf('references', head.layout).map(({ header }, place) => [header as string, place]));
  const parser = parse({ record_delimiter: '\r\n', from_line: 2 });
  parser.on('data', (cells: readonly string[]) => {
    const cell = (header: string): string => cells[places.get(header) ?? -1] ?? '';
    const rest = rests.get(keyOfRow(cell));
    if (rest) countDown(rest, cell);
    else strangers += 1;
  });
  const ended = finished(parser);
  ended.catch(() => undefined);
  for await (const chunk of chunks) {
    parser.write(chunk);
    yield chunk;
  }
  parser.end();
  await ended;
  expectNothingLeft([...rests.values()], strangers, head);
}

const quantitiesOf = ({ attempts, invoiced, notInvoiced, unclassified }: SummaryLine): Quantities => ({
  attempts,
  invoiced,
  notInvoiced,
  unclassified,
});

const keyOfLine = (line: SummaryLine): string =>
  JSON.stringify([
    line.correctsPeriod ?? '',
    neutraliseFormula(line.taskType),
    neutraliseFormula(line.level ?? ''),
    String(line.unitPrice ?? ''),
    line.ruleTableVersion ?? '',
    line.priceListVersion ?? '',
  ]);

function keyOfRow(cell: (header: string) => string): string {
  const unitPrice = cell('unit_price');
  return JSON.stringify([
    cell('corrects_period'),
    cell('task_type'),
    cell('level'),
    unitPrice === '' ? '' : String(storedAmount(unitPrice)),
    cell('rule_table_version'),
    cell('price_list_version'),
  ]);
}

function countDown(rest: Rest, cell: (header: string) => string): void {
  for (const name of quantityKeys) rest[name] -= BigInt(cell(quantityHeaders[name]));
  const amount = cell('amount');
  rest.amount = rest.amount === null || amount === '' ? null : rest.amount + storedAmount(amount);
}

function expectNothingLeft(rests: readonly Rest[], strangers: number, { period, priceList }: ReportHead): void {
  const isRight = ({ line, amount, ...left }: Rest): boolean => {
    // The top-up to a minimum is no attempt's, so it has no row.
    const isStated = amount !== null && priceList !== undefined && line.taskType !== monthlyMinimum;
    const isSum = !isStated || roundToMinorUnit(amount, priceList.minorDigits) === line.amount;
    return isSum && quantityKeys.every((name) => left[name] === 0n);
  };
  const wrong = rests.filter((rest) => !isRight(rest)).length + strangers;
  if (wrong === 0) return;
  throw new LedgerError(
    'report_unbalanced',
    `The report of ${period} does not balance: by reference, ${wrong} lines are not those of the summary.`,
    {
      fields: { period, problems: wrong },
      hint: 'Nothing was published. This is a fault of the program: please report it with this message.',
    },
  );
}
