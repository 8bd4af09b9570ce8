import type { Blocker } from '../../db/blockers.ts';
import type { Disagreement, DisagreementCount } from '../../db/month-figures.ts';
import type { SummaryLine } from '../../domain/report-lines.ts';
import { none } from '../../domain/attempt-filter.ts';
import { form } from '../../domain/wording.ts';
import { listed, type MonthFigures } from '../../jobs/month/month-figures.ts';
import { type Obstacle, remedyCommand } from '../../jobs/month/obstacles.ts';
import { outstandingText } from '../../jobs/fetch/recheck-settled.ts';
import { attemptCount, attemptsLink } from './attempt-links.ts';
import { amountText, count, counted, money, monthName, signed } from './format.ts';
import { type Html, html } from './html.ts';
import type { Section } from './month-parts.ts';
import { table } from './table.ts';
import { disagreementWords, obstacleNames, taskName } from './words.ts';

/** A transaction ID, linked to its explanation. */
export const transactionLink = (id: string): Html =>
  html`<a class="id" href="/transactions/${encodeURIComponent(id)}">${id}</a>`;

/** What stands between an open month and its close: the same list as in the command `close`. */
export function openPointsSection({ open, period }: MonthFigures): Section | undefined {
  if (!open) return undefined;
  const { counts, obstacles, first, items, outstandingRechecks: rechecks } = open;
  const all = Object.values(counts).reduce((sum, one) => sum + one, 0);
  const body =
    obstacles.length === 0
      ? html`<p>Nothing is open: the month can be closed.</p>`
      : html`${obstacleTable(period, obstacles)} ${first.length > 0 ? blockerTable(first, all) : null}`;
  const unfetched =
    items.unfetchedTransactions > 0
      ? html`<p class="faint">
          Of ${counted(items.unfetchedTransactions, 'transaction')} nothing is known yet:
          ${form(items.unfetchedTransactions, 'it', 'they')} may belong to any month.
        </p>`
      : null;
  return { id: 'open-points', title: 'Open points', body: html`${body}${unfetched}${rechecksNote(rechecks)}` };
}

/** A note on rechecks, which do not block the close. */
const rechecksNote = (rechecks: number): Html | null => {
  const text = outstandingText(rechecks);
  return text === null ? null : html`<p class="faint">${text}</p>`;
};

const obstacleTable = (period: string, obstacles: readonly Obstacle[]): Html =>
  table<Obstacle>({
    id: 'open-points-counts',
    caption: 'What has to be cleared before the month can be closed',
    rows: obstacles,
    columns: [
      { header: 'What', isHeader: true, cell: ({ code }) => obstacleNames[code] },
      {
        header: 'How many',
        isNumber: true,
        cell: (one) =>
          one.code === 'unclassified' || one.code === 'unpriced'
            ? attemptCount(period, { only: one.code }, BigInt(one.count))
            : count(one.count),
      },
      {
        header: 'What it means, and what to do',
        cell: ({ what, remedy, closeFirst }) =>
          html`${what}
          ${remedy}${closeFirst === null ? null : html` <a href="/reports/${closeFirst}#open-points">Open points of ${monthName(closeFirst)}</a>`}`,
      },
    ],
  });

const blockerTable = (first: readonly Blocker[], all: number): Html =>
  table<Blocker>({
    id: 'open-points-first',
    caption: all > listed ? `The first ${count(listed)} of ${count(all)}` : 'All of them',
    rows: first,
    columns: [
      { header: 'Transaction', isHeader: true, cell: ({ subject }) => transactionLink(subject) },
      { header: 'What', cell: ({ kind }) => obstacleNames[kind] },
      {
        header: 'Detail',
        cell: (one) => {
          const command = remedyCommand(one);
          return command === null ? one.detail : html`${one.detail}: <code>${command}</code>`;
        },
      },
    ],
  });

/** What a month books for closed months. */
export function correctionsSection({ lines, prices, period: here }: MonthFigures): Section | undefined {
  const corrections = lines.summary.filter(({ correctsPeriod }) => correctsPeriod !== null);
  if (corrections.length === 0) return undefined;
  const months = [...Map.groupBy(corrections, ({ correctsPeriod }) => correctsPeriod ?? '')];
  const sum = (of: readonly SummaryLine[], read: (line: SummaryLine) => bigint) =>
    of.reduce((total, line) => total + read(line), 0n);
  const body = html`<p>
      Something arrived or changed after these months were closed. Their figures stay; the difference is booked here. A
      line that was wrong is taken back and written again.
    </p>
    ${table({
      id: 'corrections-table',
      caption: 'Corrections, by the month that they correct',
      rows: months,
      columns: [
        {
          header: 'Corrects',
          isHeader: true,
          cell: ([period]) => html`<a href="/reports/${period}">${monthName(period)}</a>`,
        },
        {
          header: 'Attempts',
          isNumber: true,
          cell: ([corrects, of]) =>
            attemptsLink(here, { corrects }, signed(count(sum(of, ({ attempts }) => attempts)))),
        },
        {
          header: 'Invoiced',
          isNumber: true,
          cell: ([corrects, of]) =>
            attemptsLink(here, { corrects, invoiced: 'true' }, signed(count(sum(of, ({ invoiced }) => invoiced)))),
        },
        {
          header: 'Amount',
          isNumber: true,
          cell: ([, of]) =>
            money(of.some(({ amount }) => amount === null) ? null : sum(of, ({ amount }) => amount ?? 0n), prices),
        },
      ],
    })}`;
  return { id: 'corrections', title: 'Corrections of closed months', body };
}

/** Transactions that were never completed, and what they cost. */
export function abandonedSection({ abandoned, prices, period }: MonthFigures): Section {
  const { transactions, attempts, invoiced, amount } = abandoned;
  const cost =
    prices && amount !== null
      ? html`, <strong>${amountText(padded(amount, prices.minorDigits))}&nbsp;${prices.currency}</strong>`
      : null;
  const these = { only: 'abandoned', corrects: none };
  const some = () => attemptCount(period, { ...these, invoiced: 'true' }, BigInt(invoiced));
  const invoicedAllTheSame =
    attempts === 1
      ? `It is ${invoiced === 1 ? 'invoiced all the same' : 'not invoiced'}`
      : html`${invoiced === attempts ? 'All' : some()} of them are invoiced all the same`;
  const body =
    transactions === 0
      ? html`<p>No attempt of this month belongs to a transaction that ended without being completed.</p>`
      : html`<p>
          ${counted(transactions, 'transaction')} ended without being completed, after
          ${attemptsLink(period, these, counted(attempts, 'attempt'))}. ${invoicedAllTheSame}${cost}.
          ${transactions === 1 ? 'It is' : 'They are'} in the figures above.
        </p>`;
  return { id: 'abandoned', title: 'Abandoned transactions', body };
}

/** Pads an amount: sums from Postgres have only as many decimals as their parts. */
function padded(text: string, minorDigits: number): string {
  const [whole = '0', fraction = ''] = text.split('.');
  const digits = fraction.padEnd(minorDigits, '0');
  return digits === '' ? whole : `${whole}.${digits}`;
}

/** Where the vendor's own counters differ from ours. */
export function disagreementsSection({ disagreements, period }: MonthFigures): Section {
  const { counts, first, attempts } = disagreements;
  const open = counts.filter((one) => one.count > 0);
  const all = open.reduce((sum, one) => sum + one.count, 0);
  const resolved = counts.reduce((sum, one) => sum + one.resolved, 0);
  const body = html`${all === 0 ? noDisagreement : disagreementTables(open, first, all)}${
    attempts > 0n
      ? html`<p>
          The vendor’s counter of invoiced attempts differs for the tasks of
          ${attemptsLink(period, { counter: 'mismatch' }, counted(attempts, 'attempt'))}.
        </p>`
      : null
  }${
    resolved > 0
      ? html`<p>
          <span class="tag good">Resolved</span> ${counted(resolved, 'disagreement')} of closed months: both count the
          same now. ${resolved === 1 ? 'It is' : 'They are'} not counted here; the discrepancies file has
          ${resolved === 1 ? 'it' : 'them'}, with a difference of 0.
        </p>`
      : null
  }`;
  return { id: 'disagreements', title: 'Where the vendor counts differently', body };
}

const noDisagreement = html`<p>None: where the vendor counts at all, it counts as we do.</p>`;

const disagreementTables = (counts: readonly DisagreementCount[], first: readonly Disagreement[], all: number): Html =>
  html`<p>
      The vendor counts attempts as well. Where it counts something else, both figures stand; nothing is adjusted.
    </p>
    ${table({
      id: 'disagreements-counts',
      caption: 'What disagrees',
      rows: counts,
      columns: [
        { header: 'What', isHeader: true, cell: ({ reason }) => disagreementWords(reason) },
        { header: 'Tasks', isNumber: true, cell: (one) => count(one.count) },
        { header: 'Vendor minus ours', isNumber: true, cell: ({ difference }) => signed(count(difference)) },
      ],
    })}
    ${table<Disagreement>({
      id: 'disagreements-first',
      caption:
        all > listed ? `The first ${count(listed)} of ${count(all)}; the discrepancies file has all` : 'All of them',
      rows: first,
      columns: [
        { header: 'Transaction', isHeader: true, cell: ({ transactionId }) => transactionLink(transactionId) },
        {
          header: 'Task',
          cell: ({ taskType, correctsPeriod }) =>
            html`${taskName(taskType)}${correctsPeriod === null ? null : html` <span class="tag quiet">corrects ${monthName(correctsPeriod)}</span>`}`,
        },
        { header: 'What', cell: ({ reason }) => disagreementWords(reason) },
        { header: 'Ours', isNumber: true, cell: ({ ownQuantity }) => count(ownQuantity) },
        { header: 'Vendor', isNumber: true, cell: ({ vendorQuantity }) => count(vendorQuantity) },
      ],
    })}`;
