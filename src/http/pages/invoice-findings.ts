import { formatAmount, type Micros, minorUnitDigits } from '../../domain/money.ts';
import { decisions } from '../../domain/reconciliation/standing.ts';
import type { FindingDecision } from '../../db/reconciliations.ts';
import type { PublishedFinding } from '../../reports/dispute/published-finding.ts';
import { attemptsLink } from './attempt-links.ts';
import type { FindingPlace } from './charge-words.ts';
import { amount, count, findingPath, moment, money, nothing, signed } from './format.ts';
import {
  causeWords,
  certaintyWords,
  decisionWords,
  effectWords,
  lineName,
  roundingLeft,
  stateTag,
} from './finding-words.ts';
import { type Html, html } from './html.ts';
import { table } from './table.ts';

/** A difference with its sign and currency: `+51.00 EUR`. */
export const difference = (micros: Micros, currency: string): Html =>
  html`<span class="money">${signed(amount(micros, minorUnitDigits(currency)))}&nbsp;<abbr>${currency}</abbr></span>`;

type Findings = {
  readonly period: string;
  readonly currency: string;
  readonly findings: readonly PublishedFinding[];
  /** Whether they have pages of their own. Before they are kept they have none. */
  readonly isKept: boolean;
} & Pick<FindingPlace, 'differing'>;

/** The most that a page shows. What is open comes first, so that all of them come up. */
const maxFindings = 100;

/** Findings, a row each. */
export function findingsTable({ period, currency, findings, isKept, differing }: Findings): Html {
  const shown = findings.slice(0, maxFindings);
  return table<PublishedFinding>({
    id: 'findings-table',
    caption:
      findings.length > shown.length
        ? `The first ${count(shown.length)} of ${count(findings.length)}; the reconciliation file has all`
        : 'What is open first, the largest first',
    rows: shown,
    columns: [
      {
        header: 'What',
        isHeader: true,
        cell: (one) =>
          isKept ? html`<a href="${findingPath(period, one.id)}">${lineName(one)}</a>` : html`${lineName(one)}`,
      },
      { header: 'Effect', cell: (one) => effectWords(one) },
      {
        header: 'Why',
        cell: (one) =>
          html`${causeWords(one, { period, currency, differing })}<br /><span class="faint"
              >${certaintyWords(one)}</span
            >`,
      },
      {
        header: 'Quantity',
        isNumber: true,
        cell: ({ quantity }) => (quantity === 0n ? nothing : signed(count(quantity))),
      },
      {
        header: 'Attempts',
        isNumber: true,
        cell: ({ id, evidenceRows }) =>
          evidenceRows === 0
            ? nothing
            : isKept
              ? attemptsLink(period, { finding: id }, count(evidenceRows))
              : count(evidenceRows),
      },
      { header: 'Invoice minus books', isNumber: true, cell: (one) => difference(one.amount, currency) },
      ...(isKept ? [{ header: 'State', cell: (one: PublishedFinding) => stateCell(one, currency) }] : []),
    ],
  });
}

function stateCell(one: PublishedFinding, currency: string): Html {
  const rounding = roundingLeft(one, currency);
  return html`${stateTag(one.state)}${rounding && html`<br /><span class="faint">${rounding}</span>`}`;
}

/** What both sides say of a finding's line. */
export function sidesTable(one: PublishedFinding, currency: string): Html {
  const priced = { currency, minorDigits: minorUnitDigits(currency) };
  const quantity = (value: bigint | null) => (value === null ? nothing : count(value));
  const rows = [
    { name: 'Books', quantity: one.ownQuantity, price: one.ownPrice, amount: one.ownAmount },
    { name: 'Invoice', quantity: one.vendorQuantity, price: one.vendorPrice, amount: one.vendorAmount },
  ];
  return table<(typeof rows)[number]>({
    id: 'sides',
    caption: 'The whole line on both sides, and what of the difference this finding is',
    rows,
    columns: [
      { header: 'Side', isHeader: true, cell: ({ name }) => name },
      { header: 'Quantity', isNumber: true, cell: (row) => quantity(row.quantity) },
      { header: 'Unit price', isNumber: true, cell: (row) => money(row.price, priced) },
      { header: 'Amount', isNumber: true, cell: (row) => money(row.amount, priced) },
    ],
    footer: [
      'This finding',
      one.quantity === 0n ? nothing : signed(count(one.quantity)),
      nothing,
      difference(one.amount, currency),
    ],
  });
}

/** The form to decide on a finding. */
export const decisionForm = (
  period: string,
  { id, amount: seen, settled }: PublishedFinding,
  decided: FindingDecision | undefined,
): Html =>
  html`<form class="stacked" method="post" action="${findingPath(period, id)}">
    <input type="hidden" name="amount" value="${formatAmount(seen, 2)}" />
    <input type="hidden" name="left" value="${formatAmount(seen - settled, 2)}" />
    <fieldset>
      <legend>${decided ? 'Decide otherwise' : 'Decide'}</legend>
      ${decisions.map(
        (name) =>
          html`<label class="choice"
            ><input type="radio" name="decision" value="${name}" required />
            <span>${decisionWords[name][0]} <span class="faint">${decisionWords[name][1]}</span></span></label
          >`,
      )}
    </fieldset>
    <label for="reason">Reason</label>
    <input id="reason" name="reason" required maxlength="500" autocomplete="off" />
    <button type="submit">Keep the decision</button>
  </form>`;

/** A decision that counts no more, since the finding comes to something else by now. */
export const formerText = (former: FindingDecision, currency: string, timeZone: string): Html =>
  html`<p>
      Decided when it came to ${former.amount === null ? 'something else' : difference(former.amount, currency)}, and to
      be decided again:
    </p>
    ${decidedText(former, timeZone)}`;

export const decidedText = ({ decision, reason, decidedBy, decidedAt }: FindingDecision, timeZone: string): Html =>
  html`<p>
    <strong>${decisionWords[decision][0]}</strong>: “${reason}”
    <span class="faint">${decidedBy}, ${moment(decidedAt, timeZone)}</span>
  </p>`;
