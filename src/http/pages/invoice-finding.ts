import { listedAlternatives } from '../../domain/reconciliation/reasons.ts';
import type { EvidenceRow } from '../../jobs/reconcile/published-evidence.ts';
import type { MonthReconciliation } from '../../jobs/reconcile/published-month.ts';
import type { PublishedFinding } from '../../reports/dispute/published-finding.ts';
import { evidenceName } from '../../reports/reconciliation-files.ts';
import type { Principal } from '../context.ts';
import {
  causeWords,
  certaintyWords,
  effectWords,
  likelyWrongWords,
  lineName,
  roundingLeft,
  stateTag,
} from './finding-words.ts';
import { attemptsLink } from './attempt-links.ts';
import { count, counted, moment, monthName, nothing } from './format.ts';
import { type Html, html } from './html.ts';
import { invoiceTrail } from './invoice.ts';
import { behindNotice } from './invoice-parts.ts';
import { decidedText, decisionForm, difference, formerText, sidesTable } from './invoice-findings.ts';
import { page } from './layout.ts';
import { transactionLink } from './month-findings.ts';
import { facts, table } from './table.ts';
import { outcome, taskName, verdict } from './words.ts';

/** The most evidence that a page shows. The file has the rest. */
export const maxEvidence = 100;

export type FindingPage = {
  readonly period: string;
  readonly month: MonthReconciliation;
  readonly finding: PublishedFinding;
  readonly evidence: readonly EvidenceRow[];
  readonly timeZone: string;
  readonly mayDecide: boolean;
};

/** A finding: what both sides say, why, which attempts, and what was decided. */
export function findingPage(principal: Principal, shown: FindingPage): string {
  const { period, month, finding, timeZone, mayDecide } = shown;
  const { currency, decisions } = month;
  const decided = decisions.get(finding.id);
  const former = month.former.get(finding.id);
  return page({
    title: lineName(finding),
    principal,
    trail: invoiceTrail(period, true),
    badge: stateTag(finding.state),
    body: html`${month.isBehind ? behindNotice(period, mayDecide) : null}
      <p class="lead">${effectWords(finding)}: ${difference(finding.amount, currency)} in ${monthName(period)}</p>
      ${facts([
        ['Why', causeWords(finding, { period, currency, differing: month.differing })],
        ['How sure', certaintyWords(finding)],
        ['Also possible', alternatives(finding)],
        ['Likely wrong', finding.likelyWrong === null ? null : likelyWrongWords[finding.likelyWrong]],
        [
          'Invoice',
          finding.invoiceLine === '' ? finding.invoiceNumber : `${finding.invoiceNumber}, line ${finding.invoiceLine}`,
        ],
        ['Credited so far', finding.settled === 0n ? null : difference(finding.settled, currency)],
        ['Left', roundingLeft(finding, currency)],
        ['Reference', html`<code>${finding.id}</code>`],
      ])}
      ${sidesTable(finding, currency)}
      <section id="decision" aria-labelledby="decision-title">
        <h2 id="decision-title">Decision</h2>
        ${
          decided
            ? decidedText(decided, timeZone)
            : former
              ? formerText(former, currency, timeZone)
              : html`<p>Nobody has decided yet.</p>`
        }
        ${mayDecide ? decisionForm(period, finding, decided) : null}
      </section>
      <section id="evidence" aria-labelledby="evidence-title">
        <h2 id="evidence-title">Evidence</h2>
        ${evidenceBody(shown)}
      </section>`,
  });
}

const alternatives = ({ alternatives: text }: PublishedFinding): Html | null =>
  text === ''
    ? null
    : html`<ul>
        ${listedAlternatives(text).map((one) => html`<li><code>${one}</code></li>`)}
      </ul>`;

function evidenceBody({ period, finding, evidence, timeZone }: FindingPage): Html {
  if (evidence.length === 0) return html`<p>This finding is about no single attempts.</p>`;
  const all = finding.evidenceRows;
  const file = evidenceName(period);
  return html`<p>${attemptsLink(period, { finding: finding.id }, counted(all, 'attempt'))}:</p>
    ${table<EvidenceRow>({
      id: 'evidence-table',
      caption: all > evidence.length ? `The first ${count(evidence.length)} of ${count(all)}` : 'All of them',
      rows: evidence,
      columns: [
        { header: 'Transaction', isHeader: true, cell: ({ transactionId }) => transactionLink(transactionId) },
        {
          header: 'Attempt',
          cell: ({ taskType, attempt }) => html`${taskName(taskType)}${attempt === '' ? null : ` ${attempt}`}`,
        },
        { header: 'When', cell: ({ attemptedAt }) => (attemptedAt ? moment(attemptedAt, timeZone) : nothing) },
        { header: 'Outcome', cell: ({ outcomeCode }) => outcome(outcomeCode === '' ? null : outcomeCode) },
        { header: 'Books', cell: ({ ownInvoiced }) => (ownInvoiced === null ? nothing : verdict(ownInvoiced)) },
        {
          header: 'Vendor',
          cell: ({ vendorInvoiced }) => (vendorInvoiced === null ? nothing : verdict(vendorInvoiced)),
        },
      ],
    })}
    <p>
      <a class="file" href="/reports/${period}/files/${file}" download>${file}</a> has all, under the reference above.
    </p>`;
}
