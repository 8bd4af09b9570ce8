import type { GoneDecision } from '../../db/gone-decisions.ts';
import type { WithdrawnFile } from '../../db/vendor-file-withdrawals.ts';
import { minorUnitDigits, storedAmount } from '../../domain/money.ts';
import { causeText } from '../../domain/reconciliation/causes.ts';
import { isAskedFor } from '../../domain/reconciliation/asked.ts';
import { isOpen } from '../../domain/reconciliation/standing.ts';
import type { MonthReconciliation } from '../../jobs/reconcile/published-month.ts';
import type { CountingFile } from '../../jobs/reconcile/withdraw-file.ts';
import { payableCredit, roundedFrom } from '../../reports/dispute/files.ts';
import type { PublishedDispute } from '../../reports/dispute/published-files.ts';
import { moreThanFiles } from '../../reports/dispute/source.ts';
import type { PublishedFile } from '../../reports/published.ts';
import { count, counted, findingPath, money, monthName, nothing, size } from './format.ts';
import { type Html, html, type Part } from './html.ts';
import { difference } from './invoice-findings.ts';
import { notice } from './layout.ts';
import { table } from './table.ts';

/** What a reader is told of an error. */
export type ShownProblem = { readonly title: string; readonly detail: string; readonly hint?: string };

export type InvoicePage = {
  readonly period: string;
  /** `undefined` = there is none yet, or its files cannot be shown: then `problem` says why. */
  readonly month: MonthReconciliation | undefined;
  readonly problem: ShownProblem | undefined;
  readonly dispute: PublishedDispute | undefined;
  readonly files: readonly PublishedFile[];
  /** The vendor's files that count for the month, and those that were taken back from it. */
  readonly kept: readonly CountingFile[];
  readonly withdrawn: readonly WithdrawnFile[];
  /** What was decided about findings that are found no longer. */
  readonly gone: readonly GoneDecision[];
  readonly timeZone: string;
  /** Whether this user may upload and decide. */
  readonly mayDecide: boolean;
};

export const invoicePath = (period: string): string => `/reports/${period}/invoice`;

export const section = (id: string, title: string, body: Part): Html =>
  html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    ${body}
  </section>`;

/** That the files are older than what the page shows, and what to do. */
export const behindNotice = (period: string, mayDecide: boolean): Html =>
  notice(
    'warn',
    html`<p>
      ${moreThanFiles(period)}
      ${mayDecide ? html`<a href="${invoicePath(period)}#again">Reconcile again</a>.` : 'Finance reconciles it again.'}
    </p>`,
  );

export function disputeSection({ period, month, dispute, mayDecide }: InvoicePage): Html | null {
  const disputed =
    month?.findings.filter(
      ({ id, state, amount, settled }) =>
        isOpen(state) &&
        isAskedFor(
          { amount, left: amount - settled, decision: month.decisions.get(id)?.decision ?? null },
          minorUnitDigits(month.currency),
        ),
    ) ?? [];
  if (disputed.length === 0 && !dispute) return null;
  const isBehind = month?.isBehind === true;
  const isCurrent = !isBehind && dispute !== undefined && dispute.reconciliationSha256 === month?.manifestSha256;
  const state =
    dispute && !isCurrent
      ? notice('note', html`<p>More was decided or credited since the letters were written.</p>`)
      : null;
  const form =
    mayDecide && disputed.length > 0 && !isCurrent && !isBehind
      ? html`<form method="post" action="${invoicePath(period)}/dispute">
          <button type="submit">${dispute ? 'Write the letters anew' : 'Write the letters'}</button>
          <span class="faint">for ${counted(disputed.length, 'disputed finding')}</span>
        </form>`
      : null;
  return section(
    'dispute',
    'To send to the vendor',
    html`<p>
        A letter in English and Dutch, what is disputed, and its evidence. Add names and addresses to the letter.
      </p>
      ${state}
      ${
        dispute
          ? html`${expectedCredit(dispute)} ${fileTable('dispute-files', 'Files of the dispute', period, dispute.files)}`
          : null
      }
      ${form}`,
  );
}

function expectedCredit({ expectedCredit: exact, currency }: PublishedDispute): Html {
  const expected = storedAmount(exact);
  const priced = { currency, minorDigits: minorUnitDigits(currency) };
  return html`<p>Expected credit: <strong>${money(payableCredit(expected, currency), priced)}</strong>, without tax.</p>
    ${roundedFrom(expected, currency) === undefined ? null : html`<p>${roundedFrom(expected, currency)}</p>`}`;
}

export function carriedSection(month: MonthReconciliation | undefined): Html | null {
  if (!month || month.carried.length === 0) return null;
  return section(
    'carried',
    'Still open of earlier months',
    table<MonthReconciliation['carried'][number]>({
      id: 'carried-table',
      caption: 'Disputed or expected, and not credited yet',
      rows: month.carried,
      columns: [
        {
          header: 'Finding',
          isHeader: true,
          cell: ({ period, finding }) => html`<a href="${findingPath(period, finding)}">${monthName(period)}</a>`,
        },
        {
          header: 'What it is about',
          cell: ({ cause, subject }) =>
            html`<code class="wrap">${subject === '' ? cause : causeText({ cause, subject })}</code>`,
        },
        { header: 'Decision', cell: ({ decision }) => decision },
        { header: 'Left', isNumber: true, cell: (one) => difference(one.left, one.currency) },
        { header: 'Since', cell: ({ since }) => since.toISOString().slice(0, 10) },
      ],
    }),
  );
}

export const filesSection = ({ period, month, files }: InvoicePage): Html | null =>
  month && files.length > 0
    ? section('files', 'Files', fileTable('reconciliation-files', 'Files of the reconciliation', period, files))
    : null;

const fileTable = (id: string, caption: string, period: string, files: readonly PublishedFile[]): Html =>
  table<PublishedFile>({
    id,
    caption,
    rows: files,
    columns: [
      {
        header: 'File',
        isHeader: true,
        cell: ({ name }) => html`<a class="file" href="/reports/${period}/files/${name}" download>${name}</a>`,
      },
      { header: 'Rows', isNumber: true, cell: ({ rows }) => (rows === null ? nothing : count(rows)) },
      { header: 'Size', isNumber: true, cell: ({ bytes }) => size(bytes) },
    ],
  });

export const againForm = (period: string, month: MonthReconciliation | undefined): Html =>
  section(
    'again',
    'Reconcile again',
    html`<p>With the invoices that are kept, after the books or decisions changed.</p>
      <form method="post" action="${invoicePath(period)}/again">
        <input type="hidden" name="basis" value="${month?.basis ?? 'restated'}" />
        <button type="submit">Reconcile again</button>
      </form>`,
  );
