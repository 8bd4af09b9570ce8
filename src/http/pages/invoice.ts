import { minorUnitDigits } from '../../domain/money.ts';
import { isOpen } from '../../domain/reconciliation/standing.ts';
import type { MatchedLine, MonthReconciliation, ShownReconciliation } from '../../jobs/reconcile/published-month.ts';
import type { Principal } from '../context.ts';
import { count, counted, money, monthName, nothing } from './format.ts';
import { lineName } from './finding-words.ts';
import { type Html, html, type Part } from './html.ts';
import { difference, findingsTable } from './invoice-findings.ts';
import { goneSection } from './invoice-gone.ts';
import { keptSection } from './invoice-kept.ts';
import { uploadForm } from './invoice-upload.ts';
import {
  againForm,
  behindNotice,
  carriedSection,
  disputeSection,
  filesSection,
  type InvoicePage,
  invoicePath,
  section,
  type ShownProblem,
} from './invoice-parts.ts';
import { notice, page } from './layout.ts';
import { table } from './table.ts';

export const invoiceTrail = (period: string, isBelow = false): Html =>
  html`<p class="trail">
    <a href="/reports">Reports</a> / <a href="/reports/${period}">${monthName(period)}</a>${
      isBelow ? html` / <a href="${invoicePath(period)}">Invoice</a>` : null
    }
  </p>`;

/** The vendor's invoice for a month: what it comes to, why it differs, and what was decided. */
export function invoicePage(principal: Principal, shown: InvoicePage): string {
  const { period, month, problem, mayDecide } = shown;
  const open = month?.findings.filter(({ state }) => isOpen(state)) ?? [];
  const isDone = month !== undefined && open.length === 0;
  return page({
    title: `Invoice, ${monthName(period)}`,
    principal,
    trail: invoiceTrail(period),
    badge: month
      ? isDone
        ? html`<span class="tag good">Reconciled</span>`
        : html`<span class="tag warn">${counted(open.length, 'open finding')}</span>`
      : html`<span class="tag">No invoice yet</span>`,
    body: html`${problem ? problemNotice(problem) : null} ${month ? standing(shown, month, open.length) : null}
    ${month ? result(period, month, true) : null} ${month ? disputeSection(shown) : null} ${goneSection(shown)}
    ${carriedSection(month)} ${filesSection(shown)}
    ${mayDecide ? section('upload', month ? 'Another invoice or credit note' : 'Give the invoice', uploadForm(period)) : notice('note', html`<p>Finance gives invoices and decides on findings.</p>`)}
    ${mayDecide && (month || problem) ? againForm(period, month) : null} ${keptSection(shown)}`,
  });
}

/** What a file would come to, before it is kept. */
export function lookPage(
  principal: Principal,
  look: {
    readonly period: string;
    readonly uploadId: string;
    readonly detected: Html;
    readonly shown: ShownReconciliation;
    readonly replaced: boolean;
  },
): string {
  const { period, uploadId, detected, shown } = look;
  return page({
    title: `Invoice, ${monthName(period)}`,
    principal,
    trail: invoiceTrail(period, true),
    badge: html`<span class="tag">Not kept yet</span>`,
    body: html`${notice('good', html`<p>The file can be read, and it adds up: lines, net, tax and total.</p>`)}
    ${look.replaced ? notice('note', html`<p>It replaces the invoice with the same number that is kept.</p>`) : null}
    ${section('read', 'How it was read', detected)} ${result(period, shown, false)}
    ${section(
      'keep',
      'Is that right?',
      html`<p>Only then is it kept, with who gave it, and its files are written beside the month’s report.</p>
        <form method="post" action="${invoicePath(period)}/keep">
          <input type="hidden" name="upload" value="${uploadId}" />
          <button type="submit">Keep it and reconcile</button>
          <a href="${invoicePath(period)}">Do not keep it</a>
        </form>`,
    )}`,
  });
}

/** What went wrong, with the form to try again. */
export function invoiceProblemPage(principal: Principal, period: string, problem: ShownProblem): string {
  return page({
    title: `Invoice, ${monthName(period)}`,
    principal,
    trail: invoiceTrail(period, true),
    body: html`${problemNotice(problem)}
      <p>Nothing was kept. <a href="${invoicePath(period)}">Back to the invoice of ${monthName(period)}</a></p>
      ${section('upload', 'Try again', uploadForm(period))}`,
  });
}

/** Errors may say several things, a line each. */
const problemNotice = ({ title, detail, hint }: ShownProblem): Html =>
  html`<div role="alert">
    ${notice(
      'warn',
      html`<p><strong>${title}.</strong></p>
        ${detail.split('\n').map((line) => html`<p>${line}</p>`)} ${hint === undefined ? null : html`<p>${hint}</p>`}`,
    )}
  </div>`;

function standing({ period, mayDecide }: InvoicePage, month: MonthReconciliation, open: number): Html {
  const provisional = month.isProvisional
    ? notice(
        'note',
        html`<p>
          ${monthName(period)} is not closed: its figures may still change. Close it before you sign the invoice.
        </p>`,
      )
    : null;
  const said =
    open === 0
      ? notice('good', html`<p role="status">Reconciled: every cent between books and invoice is accounted for.</p>`)
      : null;
  return html`${month.isBehind ? behindNotice(period, mayDecide) : null}${said}${provisional}`;
}

function result(period: string, shown: ShownReconciliation, isKept: boolean): Html {
  const { currency, totals, findings, matches, invoices, basis, isProvisional, usageName, differing } = shown;
  const priced = { currency, minorDigits: minorUnitDigits(currency) };
  const figure = (name: string, value: Part, kind = ''): Html =>
    html`<div class="${kind}">
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>`;
  const lines = linesOf(shown);
  const against = isProvisional
    ? 'the open month as it stands'
    : basis === 'closed'
      ? 'the month as it was closed'
      : 'the closed month with all corrections so far';
  return html`<p class="lead">
      ${invoices.map(({ number, isCreditNote }) => (isCreditNote ? `credit note ${number}` : number)).join(', ')}
      against ${against}${usageName === null ? '' : `, attempt by attempt with ${usageName}`}. Without tax.
    </p>
    <dl class="figures even">
      ${figure('Difference', difference(totals.difference, currency), 'main')}
      ${figure('Books', money(totals.own, priced))} ${figure('Invoice', money(totals.vendor, priced))}
    </dl>
    <dl class="figures even">
      ${figure('Lines that agree', count(matches.length))} ${figure('Lines that differ', count(lines.different))}
      ${figure('Missing on the invoice', count(lines.missing), lines.missing > 0 ? 'warn' : '')}
      ${figure('Not in the books', count(lines.extra), lines.extra > 0 ? 'warn' : '')}
    </dl>
    ${section(
      'findings',
      'Why they differ',
      findings.length === 0
        ? html`<p>Every line agrees.</p>`
        : findingsTable({ period, currency, findings, isKept, differing }),
    )}
    ${matches.length === 0 ? null : section('matches', 'Lines that agree', matchesTable(matches, currency))}`;
}

const maxMatches = 100;

function matchesTable(matches: readonly MatchedLine[], currency: string): Html {
  return table<MatchedLine>({
    id: 'matches-table',
    caption: matches.length > maxMatches ? `The first ${count(maxMatches)} of ${count(matches.length)}` : 'To the cent',
    rows: matches.slice(0, maxMatches),
    columns: [
      { header: 'Line', isHeader: true, cell: (one) => lineName(one) },
      { header: 'Quantity', isNumber: true, cell: ({ quantity }) => (quantity === null ? nothing : count(quantity)) },
      {
        header: 'Amount',
        isNumber: true,
        cell: ({ amount }) => money(amount, { currency, minorDigits: minorUnitDigits(currency) }),
      },
    ],
  });
}

/** How many lines differ, and how: several findings may be about one. */
function linesOf({ findings }: ShownReconciliation): { different: number; missing: number; extra: number } {
  const effects = new Map<string, 'different' | 'missing' | 'extra'>();
  for (const { invoiceNumber, invoiceLine, taskType, level, effect } of findings) {
    const kind = effect === 'missing_line' ? 'missing' : effect === 'extra_line' ? 'extra' : 'different';
    effects.set(JSON.stringify([invoiceNumber, invoiceLine, taskType, level]), kind);
  }
  const all = [...effects.values()];
  const many = (kind: string) => all.filter((one) => one === kind).length;
  return { different: many('different'), missing: many('missing'), extra: many('extra') };
}
