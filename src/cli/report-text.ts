import type { SummaryLine, Totals } from '../domain/report-lines.ts';
import { hidesDifferences, isPartial } from '../domain/vendor-counts.ts';
import { counted, form } from '../domain/wording.ts';
import type { WrittenReport } from '../jobs/month/write-files.ts';
import { money } from '../reports/files.ts';
import { instant, table } from './output.ts';

/** The times that a report's remarks depend on. */
export type ReportTimes = {
  readonly now: Date;
  /** When the first transaction came into the books. Given if that may be later than the report's instant. */
  readonly booksBegan?: Date | null | undefined;
};

/** A report's figures and files for a person. */
export function reportText(written: WrittenReport, times: ReportTimes): string[] {
  const { head, directory, lines, files, manifest } = written;
  const { summary, totals } = lines;
  const row = (name: string, level: string, line: SummaryLine | Totals, price: string): string[] => [
    name,
    level,
    String(line.attempts),
    String(line.invoiced),
    String(line.notInvoiced),
    String(line.unclassified),
    price,
    money(line.amount, head.priceList) ?? '',
    counter(line),
  ];
  const currency = head.priceList ? ` ${head.priceList.currency}` : '';
  return [
    heading(written),
    ...timeRemarks(written, times),
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
        `  ${name}${name.endsWith('.csv') ? `  ${counted(rows, 'row')}` : ''}  ${counted(bytes, 'byte')}`,
    ),
  ];
}

function heading({ head, span, timeZone, asOf }: WrittenReport): string {
  const status = head.status === 'closed' ? 'closed, version 1' : head.status;
  const of = asOf === null ? head.period : `${head.period} as of ${exactly(asOf)}`;
  return `Report of ${of} (${status}): ${instant(span.start)} to ${instant(span.end)}, months in ${timeZone}`;
}

/** An instant with the precision that was given. */
const exactly = (at: Date): string => at.toISOString().replace('.000Z', 'Z');

/** Says why the report is empty if it must be: zeros alone would look as if nothing had happened. */
function timeRemarks({ head, span, timeZone, asOf }: WrittenReport, { now, booksBegan }: ReportTimes): string[] {
  const start = `${head.period} ${asOf === null ? 'begins' : 'began'} on ${instant(span.start)} (${timeZone})`;
  return [
    ...(span.start > (asOf ?? now)
      ? [asOf === null ? `The month has not begun: ${start}.` : `The month had not begun then: ${start}.`]
      : []),
    ...(booksBegan === null ? ['There was nothing in the books then, and there is nothing yet.'] : []),
    ...(asOf && booksBegan && booksBegan > asOf
      ? [`There was nothing in the books then: the first transaction came on ${instant(booksBegan)}.`]
      : []),
  ];
}

const named = ({ correctsPeriod, taskType }: SummaryLine): string =>
  correctsPeriod === null ? taskType : `${correctsPeriod}: ${taskType}`;

/** A counter that covers only some of the attempts gets an asterisk. */
const counter = (line: SummaryLine | Totals): string =>
  line.vendorCounter === null ? '' : `${line.vendorCounter}${isPartial(line) ? '*' : ''}`;

/** What the counters do not show by themselves. */
function counterRemarks({ summary, totals }: WrittenReport['lines']): string[] {
  const hiding = summary.filter(hidesDifferences);
  return [
    ...(isPartial(totals)
      ? [
          `* The vendor's counters cover ${totals.counted} of ${counted(totals.attempts, 'attempt')}: ${totals.vendorCounter ?? 0n} of those are invoiced by them, ${totals.countedInvoiced} by our count.`,
        ]
      : []),
    ...hiding.map(
      (line) =>
        `${[named(line), line.level].filter(Boolean).join(' ')}: the counters agree in sum, and ${counted(line.differing, 'task')} ${form(line.differing, 'differs', 'differ')}.`,
    ),
  ];
}

function remarks(written: WrittenReport): string[] {
  const { head, lines: figures, openItems, discrepancies, resolved, undecided } = written;
  const { totals } = figures;
  const hasPrices = head.priceList !== undefined;
  const lines = counterRemarks(figures);
  if (totals.corrections > 0n)
    lines.push(
      `${counted(totals.corrections, 'line corrects', 'lines correct')} closed months, whose names stand before the task type.`,
    );
  if (!hasPrices) lines.push('There are no prices: PRICES_FILE is not set, so all amounts are empty.');
  if (hasPrices && totals.unpriced > 0n)
    lines.push(
      `No price is known for ${counted(totals.unpriced, 'invoiced attempt')}, so the total amount is empty: complete PRICES_FILE.`,
    );
  if (totals.unclassified > 0n)
    lines.push(
      `${counted(totals.unclassified, 'attempt')} unclassified: no rule says whether ${form(totals.unclassified, 'it is', 'they are')} invoiced. See the codes file.`,
    );
  if (discrepancies > resolved)
    lines.push(
      `${counted(discrepancies - resolved, 'disagreement')} with the vendor's counters: see the discrepancies file.`,
    );
  if (resolved > 0)
    lines.push(
      `${counted(resolved, 'disagreement')} of closed months ${form(resolved, 'is', 'are')} resolved: both count the same now.`,
    );
  if (undecided > 0n)
    lines.push(
      `${counted(undecided, 'scan')} never decided by the vendor: still processing when the transaction was final, so not invoiced. See the discrepancies file.`,
    );
  lines.push(...openRemarks(openItems, head.status === 'closed'), ...possibleRemarks(written));
  return lines.length > 0 ? [...lines, ''] : lines;
}

/** Only a person can find out whether they exist. */
const possibleRemarks = ({ possiblyCreated }: WrittenReport): string[] =>
  possiblyCreated === 0
    ? []
    : [
        `${counted(possiblyCreated, 'transaction was', 'transactions were')} asked for, and no answer came: ${form(possiblyCreated, 'it', 'they')} may be charged for this month, and no report has ${form(possiblyCreated, 'it', 'them')}. status lists ${form(possiblyCreated, 'it', 'them')}.`,
      ];

/** What may still change the figures or, for a closed month, which open items it was closed with. */
function openRemarks(
  { unsettledTransactions: unsettled, unfetchedTransactions: unfetched }: WrittenReport['openItems'],
  isClosed: boolean,
): string[] {
  const [changing, unknown] = [counted(unsettled, 'transaction'), counted(unfetched, 'transaction')];
  const belong = `${form(unfetched, 'it', 'they')} may belong to this month`;
  return [
    ...(unsettled === 0
      ? []
      : [
          isClosed
            ? `${changing} of this month could still change when it was closed: what comes of ${form(unsettled, 'it', 'them')} is booked as corrections.`
            : `${changing} of this month may still change.`,
        ]),
    ...(unfetched === 0
      ? []
      : [
          isClosed
            ? `${unknown} not fetched when it was closed: ${belong}, and then ${form(unfetched, 'is', 'are')} booked as corrections.`
            : `${unknown} not fetched yet: ${belong}.`,
        ]),
  ];
}
