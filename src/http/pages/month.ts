import { nextPeriod, previousPeriod } from '../../domain/billing-month.ts';
import type { Quantities } from '../../domain/report-lines.ts';
import type { MonthFigures } from '../../jobs/month/month-figures.ts';
import { totalsOf } from '../../jobs/month/months.ts';
import type { Principal } from '../context.ts';
import { quantityLink } from './attempt-links.ts';
import { money, moment, monthName, share } from './format.ts';
import { type Html, html, type Part } from './html.ts';
import { page } from './layout.ts';
import { filesSection } from './month-files.ts';
import { notices } from './month-notices.ts';
import { abandonedSection, correctionsSection, disagreementsSection, openPointsSection } from './month-findings.ts';
import { invoiceSection } from './month-invoice.ts';
import { costSection, trendSection } from './month-money.ts';
import { outcomesSection } from './month-outcomes.ts';
import { type MonthPage, type Section, statusTag } from './month-parts.ts';
import { behindNotice } from './replica-notice.ts';
import { change } from './reports.ts';

/** A month: totals, costs, what is open, what disagrees, and its files. */
export function monthPage(principal: Principal, month: MonthPage): string {
  const { figures, run, published } = month;
  const { period, close, timeZone } = figures;
  const sections = [
    openPointsSection(figures),
    costSection(figures),
    outcomesSection(figures),
    trendSection(month),
    correctionsSection(figures),
    abandonedSection(figures),
    disagreementsSection(figures),
    invoiceSection(period, month.invoice),
    filesSection({ figures, run, published, mayWrite: principal.roles.includes('operator') }),
  ].filter((section): section is Section => section !== undefined);
  return page({
    title: monthName(period),
    principal,
    trail: html`<p class="trail"><a href="/reports">Reports</a></p>`,
    badge: statusTag(close),
    body: html`<p class="lead">${basis(figures, timeZone)}</p>
      ${close ? null : behindNotice(figures.behind)} ${notices(figures)} ${headline(month)}
      <nav class="contents" aria-label="On this page">
        <ul>
          ${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
        </ul>
      </nav>
      ${sections.map(
        ({ id, title, body }) =>
          html`<section id="${id}" aria-labelledby="${id}-title">
            <h2 id="${id}-title">${title}</h2>
            ${body}
          </section>`,
      )}
      ${pager(month)}`,
  });
}

function basis({ close, readAt, month }: MonthFigures, timeZone: string): Html {
  const span = html`${moment(month.start, timeZone)} to before ${moment(month.end, timeZone)}, ${timeZone}.`;
  if (!close) return html`${span} Figures of ${moment(readAt, timeZone)}; they may still change.`;
  return html`${span} Closed on ${moment(close.closedAt, timeZone)} by ${close.closedBy}. It does not change any more;
  what came later is in the next month as corrections.`;
}

function headline({ figures, trend }: MonthPage): Html {
  const { lines, prices, period } = figures;
  const { totals } = lines;
  const before = trend.find((one) => one.period === previousPeriod(period))?.totals;
  const against =
    figures.sameDays === undefined
      ? 'Against the month before'
      : `Against the same days of ${monthName(previousPeriod(period))}`;
  const ofAll = (part: bigint): Html | null =>
    totals.attempts > 0n && part >= 0n
      ? html`<span class="faint">${share((part * 1_000n + totals.attempts / 2n) / totals.attempts)}</span>`
      : null;
  const linked = (key: keyof Quantities) => quantityLink(period, {}, totals, key, totals.corrections > 0n);
  const figure = (name: string, value: Part, more: Part = null, kind = ''): Html =>
    html`<div class="${kind}">
      <dt>${name}</dt>
      <dd>${value} ${more}</dd>
    </div>`;
  return html`<dl class="figures">
    ${figure('Total', money(totals.amount, prices), null, 'main')} ${figure(against, change(totalsOf(figures), before))}
    ${figure('Attempts', linked('attempts'))} ${figure('Invoiced', linked('invoiced'), ofAll(totals.invoiced))}
    ${figure('Not invoiced', linked('notInvoiced'), ofAll(totals.notInvoiced))}
    ${figure('Unclassified', linked('unclassified'), ofAll(totals.unclassified), totals.unclassified > 0n ? 'warn' : '')}
  </dl>`;
}

const pager = ({ figures: { period }, neighbours }: MonthPage): Html =>
  html`<nav class="pager" aria-label="Other months">
    ${neighbours.earlier ? monthLink(previousPeriod(period), '← ') : null}
    ${neighbours.later ? monthLink(nextPeriod(period), '→ ') : null}
  </nav>`;

const monthLink = (period: string, arrow: string): Html =>
  html`<a href="/reports/${period}"><span aria-hidden="true">${arrow}</span>${monthName(period)}</a>`;
