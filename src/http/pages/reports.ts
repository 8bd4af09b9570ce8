import type { Behind } from '../../db/replica.ts';
import type { KnownMonth, MonthTotals } from '../../jobs/month/months.ts';
import { againstMonthBefore } from '../../jobs/month/months.ts';
import { minorUnitDigits } from '../../domain/money.ts';
import { previousPeriod } from '../../domain/billing-month.ts';
import type { Principal } from '../context.ts';
import { attemptCount } from './attempt-links.ts';
import { amount, count, money, moment, monthName, nothing, percent, signed } from './format.ts';
import { type Html, html } from './html.ts';
import { invoiceStanding, type MonthInvoice } from './month-invoice.ts';
import { notice, page } from './layout.ts';
import { behindNotice } from './replica-notice.ts';
import { table } from './table.ts';

/** @property totals `undefined` = still being counted. */
type OverviewMonth = KnownMonth & { readonly totals: MonthTotals | undefined; readonly invoice: MonthInvoice };

export type Overview = {
  readonly months: readonly OverviewMonth[];
  /** The month before the oldest one shown, for comparison. */
  readonly before: MonthTotals | undefined;
  /** The newest month that is not shown; `null` = all are shown. */
  readonly older: string | null;
  readonly isFirstPage: boolean;
  /** How far behind it may be; `null` = it is from the primary. */
  readonly behind: Behind | null;
  readonly timeZone: string;
};

/** All months, newest first. */
export function reportsPage(principal: Principal, overview: Overview): string {
  const { months, older, isFirstPage, timeZone } = overview;
  const totals = new Map(months.map(({ period, totals: of }) => [period, of]));
  const before = ({ period }: OverviewMonth) => totals.get(previousPeriod(period)) ?? previousOf(overview, period);
  const isCounting = months.some(({ totals: of }) => of === undefined);
  return page({
    title: 'Reports',
    principal,
    body: html`<p class="lead">What ID Scan costs, month by month. Months are those of ${timeZone}.</p>
      ${behindNotice(overview.behind)}
      ${
        isCounting
          ? notice(
              'note',
              html`<p>Some months are still being counted. <a href="/reports">Look again</a> in a moment.</p>`,
            )
          : null
      }
      ${table({
        id: 'months',
        caption: 'Months, newest first',
        rows: months,
        columns: [
          {
            header: 'Month',
            isHeader: true,
            cell: ({ period }) => html`<a href="/reports/${period}">${monthName(period)}</a>`,
          },
          { header: 'Total', isNumber: true, cell: ({ totals: of }) => (of ? total(of) : counting) },
          {
            header: 'Against the month before',
            isNumber: true,
            cell: (month) => html`${change(month.totals, before(month))}${sameDaysNote(month.totals)}`,
          },
          {
            header: 'Attempts',
            isNumber: true,
            cell: ({ period, totals: of }) => (of ? attemptCount(period, {}, of.attempts) : counting),
          },
          {
            header: 'Invoiced',
            isNumber: true,
            cell: ({ period, totals: of }) => (of ? attemptCount(period, { invoiced: 'true' }, of.invoiced) : counting),
          },
          { header: 'Status', cell: (month) => statusOf(month, timeZone) },
          { header: 'Invoice', cell: ({ period, invoice }) => invoiceStanding(period, invoice) },
          {
            header: 'Open points',
            isNumber: true,
            cell: ({ period, close, totals: of }) => openPoints(period, close !== null, of),
          },
        ],
      })}
      <nav class="pager" aria-label="More months">
        ${isFirstPage ? null : html`<a href="/reports">Newest months</a>`}
        ${older === null ? null : html`<a href="/reports?until=${older}">Earlier months</a>`}
      </nav>`,
  });
}

const counting = html`<span class="faint">being counted</span>`;

const previousOf = ({ before }: Overview, period: string): MonthTotals | undefined =>
  before?.period === previousPeriod(period) ? before : undefined;

const total = ({ amount: micros, currency }: MonthTotals): Html =>
  money(micros, currency === null ? null : { currency, minorDigits: minorUnitDigits(currency) });

/** The status of a month: closed, or open with the state of its files. */
function statusOf({ close, run }: KnownMonth, timeZone: string): Html {
  if (close) return html`<span class="tag good">Closed</span> <span class="faint">version ${close.version}</span>`;
  if (!run?.finishedAt) return html`<span class="tag">Open</span> <span class="faint">no files yet</span>`;
  return html`<span class="tag">Open</span>
    <span class="faint">provisional, files of ${moment(run.finishedAt, timeZone)}</span>`;
}

/** A running month is compared with only a part of the one before. */
const sameDaysNote = (totals: MonthTotals | undefined): Html | null =>
  totals?.sameDays ? html`<br /><span class="faint">same days</span>` : null;

/** The change against the month before, as an amount and a share; for a running month, against the same days of it. */
export function change(now: MonthTotals | undefined, before: MonthTotals | undefined): Html {
  const found = now && againstMonthBefore(now, before);
  if (!found) return nothing;
  const { amount: micros, perMille, minorDigits } = found;
  const share = perMille === null ? null : html` <span class="faint">${percent(perMille)}</span>`;
  return html`<span class="money">${signed(amount(micros, minorDigits))}</span>${share}`;
}

function openPoints(period: string, isClosed: boolean, totals: MonthTotals | undefined): Html {
  if (isClosed || !totals) return nothing;
  if (totals.blockers === 0) return html`<span class="faint">none</span>`;
  return html`<a href="/reports/${period}#open-points"
    >${count(totals.blockers)}<span class="unseen">
      open ${totals.blockers === 1 ? 'point' : 'points'} of ${monthName(period)}</span
    ></a
  >`;
}
