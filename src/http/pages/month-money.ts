import { previousPeriod } from '../../domain/billing-month.ts';
import { minorUnitDigits } from '../../domain/money.ts';
import type { CodeLine, SummaryLine } from '../../domain/report-lines.ts';
import type { MonthFigures } from '../../jobs/month-figures.ts';
import { type Bar, barChart } from './charts/bars.ts';
import { place } from './charts/chart.ts';
import { columnChart } from './charts/columns.ts';
import { amount, count, counted, money, monthName, nothing, shortMonth } from './format.ts';
import { type Html, html } from './html.ts';
import type { MonthPage, Section } from './month.ts';
import { table } from './table.ts';
import { outcome, taskName } from './words.ts';

/** Rows of a table on a page; the files have all. */
const maxRows = 100;
const maxBars = 12;

/** The cost lines, as the summary has them. */
export function costSection({ lines, prices }: MonthFigures): Section {
  const { summary, totals } = lines;
  const shown = summary.slice(0, maxRows);
  const price = ({ unitPrice }: SummaryLine) =>
    unitPrice === null || !prices ? nothing : amount(unitPrice, prices.minorDigits);
  const body = table<SummaryLine>({
    id: 'costs-table',
    caption: 'A line per task, level and price',
    rows: shown,
    columns: [
      {
        header: 'Task',
        isHeader: true,
        cell: (line) =>
          html`${taskName(line.taskType)}${line.correctsPeriod === null ? null : html` <span class="tag quiet">corrects ${monthName(line.correctsPeriod)}</span>`}`,
      },
      { header: 'Level', cell: ({ level }) => level ?? nothing },
      { header: 'Attempts', isNumber: true, cell: ({ attempts }) => count(attempts) },
      { header: 'Invoiced', isNumber: true, cell: ({ invoiced }) => count(invoiced) },
      { header: 'Not invoiced', isNumber: true, cell: ({ notInvoiced }) => count(notInvoiced) },
      { header: 'Unclassified', isNumber: true, cell: ({ unclassified }) => count(unclassified) },
      {
        header: 'Vendor counts',
        isNumber: true,
        cell: ({ vendorCounter }) => (vendorCounter === null ? nothing : count(vendorCounter)),
      },
      { header: 'Unit price', isNumber: true, cell: price },
      { header: 'Amount', isNumber: true, cell: (line) => money(line.amount, prices) },
    ],
    footer: [
      'Total',
      null,
      ...[totals.attempts, totals.invoiced, totals.notInvoiced, totals.unclassified].map((one) => count(one)),
      totals.vendorCounter === null ? nothing : count(totals.vendorCounter),
      null,
      money(totals.amount, prices),
    ],
  });
  return { id: 'costs', title: 'Costs', body: html`${body}${cutNote(summary.length, 'summary')}` };
}

const cutNote = (rows: number, file: string): Html | null =>
  rows > maxRows
    ? html`<p class="faint">The first ${count(maxRows)} of ${count(rows)} rows; the ${file} file has all.</p>`
    : null;

/** Money by task and outcome: bars, and the same figures as a table. */
export function outcomesSection({ lines, prices, period }: MonthFigures): Section {
  const own = lines.codes.filter(({ correctsPeriod }) => correctsPeriod === null);
  const hasMoney = prices !== null && own.every((line) => line.amount !== null);
  const size = (line: CodeLine): bigint => (hasMoney ? (line.amount ?? 0n) : line.invoiced);
  const what = hasMoney ? 'Money' : 'Invoiced attempts';
  const sorted = own.toSorted((a, b) => (size(a) === size(b) ? 0 : size(a) < size(b) ? 1 : -1));
  const types = [...new Set(own.map(({ taskType }) => taskType))];
  const drawn = sorted.slice(0, sorted.length > maxBars ? maxBars - 1 : maxBars);
  const rest = sorted.slice(drawn.length);
  const written = (value: bigint) =>
    hasMoney ? `${amount(value, prices.minorDigits)} ${prices.currency}` : count(value);
  const bar = (label: string, value: bigint, series: number): Bar => ({
    ...{ label, series, text: written(value) },
    value: hasMoney ? place(value) : Number(value),
  });
  const bars = [
    ...drawn.map((line) =>
      bar(`${taskName(line.taskType)}: ${line.code ?? 'Success'}`, size(line), types.indexOf(line.taskType)),
    ),
    ...(rest.length > 0
      ? [
          bar(
            `${count(rest.length)} others`,
            rest.reduce((sum, line) => sum + size(line), 0n),
            4,
          ),
        ]
      : []),
  ];
  const [first] = sorted;
  const about = first
    ? `${counted(bars.length, 'bar')}, the longest first: ${taskName(first.taskType)}, ${first.code ?? 'success'}, ${written(size(first))}. The table below has all figures.`
    : '';
  const title = `${what} by task and outcome, ${monthName(period)}`;
  const body = html`${bars.length > 0 ? barChart({ id: 'outcomes-chart', title, about }, bars) : null}
    ${table<CodeLine>({
      id: 'outcomes-table',
      caption: 'Attempts by task and outcome',
      rows: sorted.slice(0, maxRows),
      columns: [
        { header: 'Task', isHeader: true, cell: ({ taskType }) => taskName(taskType) },
        { header: 'Outcome', cell: ({ code }) => outcome(code) },
        { header: 'Attempts', isNumber: true, cell: ({ attempts }) => count(attempts) },
        { header: 'Invoiced', isNumber: true, cell: ({ invoiced }) => count(invoiced) },
        { header: 'Amount', isNumber: true, cell: (line) => money(line.amount, prices) },
      ],
    })}
    ${cutNote(sorted.length, 'codes')}
    <p class="faint">Amounts here are not rounded; those under “Costs” are rounded once per line.</p>`;
  return { id: 'outcomes', title: 'By task and outcome', body };
}

/** Twelve months: columns, and the same figures as a table. */
export function trendSection({ figures, trend }: MonthPage): Section {
  const { currency } = figures.prices ?? {};
  const isMoney =
    currency !== undefined &&
    trend.every(({ totals }) => !totals || totals.currency === null || totals.currency === currency);
  const months = trend.map(({ period, totals }) => ({
    period,
    totals,
    value: totals && (isMoney ? totals.amount : totals.invoiced),
  }));
  const known = months.filter(({ value }) => value !== undefined && value !== null);
  const what = isMoney ? `Total per month in ${currency}` : 'Invoiced attempts per month';
  const about = `Columns for ${counted(known.length, 'month')} with figures, of twelve up to ${monthName(figures.period)}. Open months are drawn lighter. The table below has all figures.`;
  const staves = months.map(({ period, totals, value }, index) => ({
    label: shortMonth(period),
    year: period.endsWith('-01') || (index === 0 && !period.endsWith('-12')) ? period.slice(0, 4) : null,
    value: value === undefined || value === null ? null : isMoney ? place(value) : Number(value),
    isOpen: totals?.isClosed === false,
    isHere: period === figures.period,
  }));
  const rows = months.filter(({ totals }) => totals).toReversed();
  const body = html`${columnChart({ id: 'trend-chart', title: what, about }, staves)}
  ${table({
    id: 'trend-table',
    caption: what,
    rows,
    columns: [
      {
        header: 'Month',
        isHeader: true,
        cell: ({ period }) => html`<a href="/reports/${period}">${monthName(period)}</a>`,
      },
      {
        header: 'Total',
        isNumber: true,
        cell: ({ totals }) => {
          const of = totals?.currency ?? null;
          return totals && of !== null
            ? money(totals.amount, { currency: of, minorDigits: minorUnitDigits(of) })
            : nothing;
        },
      },
      { header: 'Status', cell: ({ totals }) => (totals?.isClosed ? 'Closed' : 'Open') },
      { header: 'Attempts', isNumber: true, cell: ({ totals }) => (totals ? count(totals.attempts) : nothing) },
      { header: 'Invoiced', isNumber: true, cell: ({ totals }) => (totals ? count(totals.invoiced) : nothing) },
    ],
  })}`;
  return { id: 'trend', title: 'Twelve months', body };
}

/** The twelve months up to one, oldest first. */
export function twelveUpTo(period: string): string[] {
  const months = [period];
  while (months.length < 12) months.unshift(previousPeriod(months[0] ?? period));
  return months;
}
