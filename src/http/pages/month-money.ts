import type { AttemptFilter } from '../../domain/attempt-filter.ts';
import { previousPeriod } from '../../domain/billing-month.ts';
import { minorUnitDigits } from '../../domain/money.ts';
import {
  monthlyMinimum,
  type Quantities,
  quantityKeys,
  type SummaryLine,
  type Totals,
} from '../../domain/report-lines.ts';
import { isPartial } from '../../domain/vendor-counts.ts';
import type { MonthFigures } from '../../jobs/month/month-figures.ts';
import { attemptCount, ofSummaryLine, quantityLink } from './attempt-links.ts';
import { place } from './charts/chart.ts';
import { columnChart } from './charts/columns.ts';
import { amount, count, counted, money, monthName, nothing, shortMonth } from './format.ts';
import { type Html, html } from './html.ts';
import type { MonthPage, Section } from './month-parts.ts';
import { table } from './table.ts';
import { taskName } from './words.ts';

/** The most rows of a table on a page. The files have all. */
const maxRows = 100;

/** The cost lines of the summary. */
export function costSection({ lines, prices, period }: MonthFigures): Section {
  const { summary, totals } = lines;
  const hasCorrections = totals.corrections > 0n;
  const linked = (line: SummaryLine, key: keyof Quantities) =>
    line.taskType === monthlyMinimum
      ? count(line[key])
      : quantityLink(period, ofSummaryLine(line), line, key, line.correctsPeriod !== null);
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
      { header: 'Attempts', isNumber: true, cell: (line) => linked(line, 'attempts') },
      { header: 'Invoiced', isNumber: true, cell: (line) => linked(line, 'invoiced') },
      { header: 'Not invoiced', isNumber: true, cell: (line) => linked(line, 'notInvoiced') },
      { header: 'Unclassified', isNumber: true, cell: (line) => linked(line, 'unclassified') },
      { header: 'Vendor counts', isNumber: true, cell: (line) => vendorCell(line, period, ofSummaryLine(line)) },
      { header: 'Unit price', isNumber: true, cell: price },
      { header: 'Amount', isNumber: true, cell: (line) => money(line.amount, prices) },
    ],
    footer: [
      'Total',
      null,
      ...quantityKeys.map((key) => quantityLink(period, {}, totals, key, hasCorrections)),
      vendorCell(totals, period, {}),
      null,
      money(totals.amount, prices),
    ],
  });
  return { id: 'costs', title: 'Costs', body: html`${body}${cutNote(summary.length, 'summary')}` };
}

/** The vendor's counter, with what it does not say itself: how many attempts it covers, and how many tasks differ. */
function vendorCell(line: SummaryLine | Totals, period: string, filter: AttemptFilter): Html {
  const { vendorCounter, counted: ofThem, attempts, differing } = line;
  if (vendorCounter === null) return nothing;
  const remark = (text: Html | string) => html`<br /><span class="faint">${text}</span>`;
  const covered = () =>
    html`for ${attemptCount(period, { ...filter, counter: 'stated' }, ofThem)} of ${counted(attempts, 'attempt')}`;
  return html`${count(vendorCounter)}${isPartial(line) ? remark(covered()) : null}${differing > 0n ? remark(counted(differing, 'task differs', 'tasks differ')) : null}`;
}

const cutNote = (rows: number, file: string): Html | null =>
  rows > maxRows
    ? html`<p class="faint">The first ${count(maxRows)} of ${count(rows)} rows; the ${file} file has all.</p>`
    : null;

/** Twelve months, as columns and as a table. */
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
  const columns = months.map(({ period, totals, value }, index) => ({
    label: shortMonth(period),
    year: period.endsWith('-01') || (index === 0 && !period.endsWith('-12')) ? period.slice(0, 4) : null,
    value: value === undefined || value === null ? null : isMoney ? place(value) : Number(value),
    isOpen: totals?.isClosed === false,
    isHere: period === figures.period,
  }));
  const rows = months.filter(({ totals }) => totals).toReversed();
  const body = html`${columnChart({ id: 'trend-chart', title: what, about }, columns)}
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
      {
        header: 'Attempts',
        isNumber: true,
        cell: ({ period, totals }) => (totals ? attemptCount(period, {}, totals.attempts) : nothing),
      },
      {
        header: 'Invoiced',
        isNumber: true,
        cell: ({ period, totals }) => (totals ? attemptCount(period, { invoiced: 'true' }, totals.invoiced) : nothing),
      },
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
