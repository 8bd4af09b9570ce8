import type { ListedAttempt } from '../../db/attempt-list.ts';
import { type AttemptSort, attemptSorts } from '../../domain/attempt-filter.ts';
import { minorUnitDigits, storedAmount } from '../../domain/money.ts';
import type { AttemptPage } from '../../jobs/attempts/attempt-list.ts';
import { placeInLink } from '../attempt-query.ts';
import type { Principal } from '../context.ts';
import { attemptsLink, attemptsPath } from './attempt-links.ts';
import { filterFacts } from './attempt-words.ts';
import { count, counted, money, moment, monthName, nothing } from './format.ts';
import { type Html, html } from './html.ts';
import { page } from './layout.ts';
import { statusTag } from './month-parts.ts';
import { transactionLink } from './month-findings.ts';
import { behindNotice } from './replica-notice.ts';
import { facts, type Sort, table } from './table.ts';
import { counterWords, outcome, taskName, verdict } from './words.ts';

/** The attempts behind a number of a month: what was counted, a line each. */
export function attemptsPage(principal: Principal, shown: AttemptPage): string {
  const { month, query, total, readAt, behind } = shown;
  const { period } = month.head;
  const isAll = Object.keys(query.filter).length === 0;
  const csv = attemptsPath(period, query.filter, {}, '.csv');
  return page({
    title: `Attempts, ${monthName(period)}`,
    principal,
    trail: html`<p class="trail">
      <a href="/reports">Reports</a> / <a href="/reports/${period}">${monthName(period)}</a>
    </p>`,
    badge: statusTag(month.close),
    body: html`<p class="lead">
        ${month.close ? 'As the closed month has them.' : html`As of ${moment(readAt, month.timeZone)}; they may still change.`}
      </p>
      ${month.close ? null : behindNotice(behind)}
      <dl class="figures">
        <div class="main">
          <dt>Attempts</dt>
          <dd>${count(total.attempts)}</dd>
        </div>
      </dl>
      ${netNote(total)}
      ${
        isAll
          ? null
          : html`${facts(filterFacts(query.filter, period))}
              <p>${attemptsLink(period, {}, 'All attempts of the month')}</p>`
      }
      ${total.lines === 0n ? html`<p>There is no such attempt.</p>` : list(shown)}
      ${total.lines === 0n ? null : html`<p><a href="${csv}" download>All ${counted(total.lines, 'line')} as CSV</a>, with the columns of the detail file</p>`}`,
  });
}

/** Said where lines are no count: a correction takes a line back, and writes it again. */
const netNote = ({ attempts, lines }: AttemptPage['total']): Html | null =>
  attempts === lines
    ? null
    : html`<p>
        ${counted(lines, 'line')}: corrections take back what was booked for closed months, and each line that takes
        back counts −1.
      </p>`;

const sortNames: Readonly<Record<AttemptSort, string>> = {
  attempted_at: 'When',
  transaction_id: 'Transaction',
  amount: 'Amount',
  outcome_code: 'Outcome',
};

function list(shown: AttemptPage): Html {
  const { month, query, attempts } = shown;
  const { priceList } = month.head;
  const { order } = query;
  const caption = `By ${sortNames[order.by].toLowerCase()}, ${order.isDescending ? 'descending' : 'ascending'}`;
  const amount = ({ amount: text }: ListedAttempt) => (text === null ? null : storedAmount(text));
  return html`<nav class="sorts" aria-label="Sort by">
      <p class="faint">Sort by</p>
      <ul class="inline">
        ${attemptSorts.map((by) => html`<li><a href="${sortOf(shown, by).path}">${sortNames[by]}</a></li>`)}
      </ul>
    </nav>
    ${table<ListedAttempt>({
      id: 'attempts-table',
      caption: isOnePage(shown)
        ? caption
        : `${caption}, ${counted(attempts.length, 'line')} of ${count(shown.total.lines)}`,
      rows: attempts,
      columns: [
        {
          header: sortNames.transaction_id,
          isHeader: true,
          sort: sortOf(shown, 'transaction_id'),
          cell: ({ transactionId }) => transactionLink(transactionId),
        },
        { header: 'Attempt', cell: attemptCell },
        {
          header: sortNames.attempted_at,
          sort: sortOf(shown, 'attempted_at'),
          cell: ({ attemptedAt }) => moment(attemptedAt, month.timeZone),
        },
        { header: sortNames.outcome_code, sort: sortOf(shown, 'outcome_code'), cell: ({ code }) => outcomeCell(code) },
        { header: 'Decision', cell: ({ invoiced, ordinal }) => (ordinal === null ? nothing : verdict(invoiced)) },
        { header: 'Vendor’s counter', cell: ({ counterStatus }) => counterWords(counterStatus) ?? nothing },
        {
          header: sortNames.amount,
          isNumber: true,
          sort: sortOf(shown, 'amount'),
          cell: (one) =>
            money(
              amount(one),
              priceList ? { currency: priceList.currency, minorDigits: minorUnitDigits(priceList.currency) } : null,
            ),
        },
      ],
    })}
    ${pager(shown)}`;
}

function attemptCell({ taskType, ordinal, level, quantity, correctsPeriod }: ListedAttempt): Html {
  const corrects =
    correctsPeriod === null
      ? null
      : html` <span class="tag quiet"
          >${quantity < 0 ? `takes back, ${monthName(correctsPeriod)}` : `corrects ${monthName(correctsPeriod)}`}</span
        >`;
  const which = ordinal === null ? ', not in the books' : ` ${ordinal}`;
  return html`${taskName(taskType)}${which}${level === null ? null : html`, ${level}`}${corrects}`;
}

/** Breaks behind underscores, so that a long code leaves the other columns their room. */
const outcomeCell = (code: string | null): Html =>
  code === null
    ? outcome(code)
    : html`<code>${code.split('_').map((part, index) => html`${index === 0 ? null : html`_<wbr />`}${part}`)}</code>`;

const isOnePage = ({ previous, next }: AttemptPage): boolean => previous === null && next === null;

/** A click on the column that rows are sorted by turns the order around. */
function sortOf({ month, query }: AttemptPage, by: AttemptSort): Sort {
  const { order, filter } = query;
  const isBy = order.by === by;
  const next = isBy && !order.isDescending ? 'descending' : 'ascending';
  return {
    path: attemptsPath(month.head.period, filter, { sort: by, order: next }),
    now: isBy ? directionOf(order.isDescending) : 'none',
  };
}

const directionOf = (isDescending: boolean) => (isDescending ? 'descending' : 'ascending');

function pager(shown: AttemptPage): Html | null {
  if (isOnePage(shown)) return null;
  const { month, query, previous, next } = shown;
  const { by, isDescending } = query.order;
  const order = { sort: by, order: directionOf(isDescending) };
  const link = (more: Readonly<Record<string, string>>, text: Html) =>
    html`<a href="${attemptsPath(month.head.period, query.filter, { ...order, ...more })}">${text}</a>`;
  return html`<nav class="pager" aria-label="More attempts">
    ${previous && link({}, html`First page`)}
    ${previous && link({ before: placeInLink(previous) }, html`<span aria-hidden="true">← </span>Previous page`)}
    ${next && link({ after: placeInLink(next) }, html`<span aria-hidden="true">→ </span>Next page`)}
  </nav>`;
}
