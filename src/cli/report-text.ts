import type { SummaryLine, Totals } from '../domain/report-lines.ts';
import { hidesDifferences, isPartial } from '../domain/vendor-counts.ts';
import type { WrittenReport } from '../jobs/write-report.ts';
import { money } from '../reports/files.ts';
import { count, instant, table } from './output.ts';

/** A report's figures and files for a person. */
export function reportText(written: WrittenReport, timeZone: string): string[] {
  const { head, month, directory, lines, files, manifest } = written;
  const { summary, totals } = lines;
  const row = (name: string, level: string, line: SummaryLine | Totals, price: string): string[] => [
    ...[name, level, String(line.attempts), String(line.invoiced), String(line.notInvoiced), String(line.unclassified)],
    ...[price, money(line.amount, head.priceList) ?? '', counter(line)],
  ];
  const currency = head.priceList ? ` ${head.priceList.currency}` : '';
  return [
    `Report of ${head.period} (${head.status === 'closed' ? 'closed, version 1' : head.status}): ${instant(month.start)} to ${instant(month.end)}, months in ${timeZone}`,
    '',
    ...table(
      [
        'task type',
        'level',
        'attempts',
        'invoiced',
        'not invoiced',
        'unclassified',
        'unit price',
        `amount${currency}`,
        'vendor counter',
      ],
      [
        ...summary.map((line) => row(named(line), line.level ?? '', line, money(line.unitPrice, head.priceList) ?? '')),
        row('TOTAL', '', totals, ''),
      ],
      [2, 3, 4, 5, 6, 7, 8],
    ),
    '',
    ...remarks(written),
    `Files in ${directory}:`,
    ...[...files, manifest].map(
      ({ name, rows, bytes }) =>
        `  ${name}${name.endsWith('.csv') ? `  ${count(rows, 'row')}` : ''}  ${count(bytes, 'byte')}`,
    ),
  ];
}

const named = ({ correctsPeriod, taskType }: SummaryLine): string =>
  correctsPeriod === null ? taskType : `${correctsPeriod}: ${taskType}`;

/** A counter that speaks of some attempts alone has an asterisk. */
const counter = (line: SummaryLine | Totals): string =>
  line.vendorCounter === null ? '' : `${line.vendorCounter}${isPartial(line) ? '*' : ''}`;

/** What the counters do not say by themselves. */
function counterRemarks({ summary, totals }: WrittenReport['lines']): string[] {
  const hiding = summary.filter(hidesDifferences);
  return [
    ...(isPartial(totals)
      ? [
          `* The vendor's counters cover ${totals.counted} of ${count(totals.attempts, 'attempt')}: ${totals.vendorCounter ?? 0n} of those are invoiced by them, ${totals.countedInvoiced} by our count.`,
        ]
      : []),
    ...hiding.map(
      (line) =>
        `${[named(line), line.level].filter(Boolean).join(' ')}: the counters agree in sum, and ${count(line.differing, 'task')} ${line.differing === 1n ? 'differs' : 'differ'}.`,
    ),
  ];
}

function remarks({ head, lines: figures, openItems, discrepancies, resolved, undecided }: WrittenReport): string[] {
  const { totals } = figures;
  const hasPrices = head.priceList !== undefined;
  const lines = counterRemarks(figures);
  if (totals.corrections > 0n)
    lines.push(`${count(totals.corrections, 'line')} correct closed months, whose names stand before the task type.`);
  if (!hasPrices) lines.push('There are no prices: PRICES_FILE is not set, so all amounts are empty.');
  if (hasPrices && totals.unpriced > 0n)
    lines.push(
      `No price is known for ${count(totals.unpriced, 'invoiced attempt')}, so the total amount is empty: complete PRICES_FILE.`,
    );
  if (totals.unclassified > 0n)
    lines.push(
      `${count(totals.unclassified, 'attempt')} unclassified: no rule says whether they are invoiced. See the codes file.`,
    );
  if (discrepancies > resolved)
    lines.push(
      `${count(discrepancies - resolved, 'disagreement')} with the vendor's counters: see the discrepancies file.`,
    );
  if (resolved > 0)
    lines.push(
      `${count(resolved, 'disagreement')} of closed months ${resolved === 1 ? 'is' : 'are'} resolved: both count the same now.`,
    );
  if (undecided > 0n)
    lines.push(
      `${count(undecided, 'scan')} never decided by the vendor: still processing when the transaction was final, so not invoiced. See the discrepancies file.`,
    );
  const { unsettledTransactions, unfetchedTransactions } = openItems;
  if (unsettledTransactions > 0)
    lines.push(`${count(unsettledTransactions, 'transaction')} of this month may still change.`);
  if (unfetchedTransactions > 0)
    lines.push(`${count(unfetchedTransactions, 'transaction')} not fetched yet: they may belong to this month.`);
  return lines.length > 0 ? [...lines, ''] : lines;
}
