import { minorUnitDigits } from '../../domain/money.ts';
import type { Cause } from '../../domain/reconciliation/causes.ts';
import { type Differing, differingText } from '../../domain/reconciliation/earlier.ts';
import type { PublishedFinding } from '../../reports/dispute/published-finding.ts';
import { isOfRate, isOfEveryAttempt, netOfInvoice } from '../../reports/dispute/subjects.ts';
import { findingPath, money, monthName, type Priced } from './format.ts';
import { type Html, html } from './html.ts';

/** Where a finding stands. */
export type FindingPlace = {
  readonly period: string;
  readonly currency: string;
  readonly differing: ReadonlyMap<string, Differing>;
};

type Said = { readonly size: Html; readonly priced: Priced; readonly place: FindingPlace };

/** What is said of a line that is about no attempts, and what to do about it; `undefined` = it is about attempts. */
export function chargeSentence(finding: PublishedFinding, place: FindingPlace): Html | undefined {
  const { cause, amount } = finding;
  const { currency } = place;
  const priced = { currency, minorDigits: minorUnitDigits(currency) };
  const size = money(amount < 0n ? -amount : amount, priced);
  return sentences[cause]?.(finding, { size, priced, place });
}

const sentences: Partial<Record<Cause, (finding: PublishedFinding, said: Said) => Html>> = {
  fee: ({ amount, subject }, { priced }) =>
    html`The invoice has a fee of ${money(amount, priced)}, “${subject}”. We know of no such fee: the books have
    attempts and monthly minimums alone. If your contract has it, accept it; if not, dispute it.`,
  discount: ({ subject }, { size }) =>
    html`The invoice has a discount of ${size}, “${subject}”. The books have no discounts. If your contract has it,
    accept it; if not, ask the vendor what it is for.`,
  credit: (finding, { size, place }) => creditSentence(finding, size, place),
  minimum: (finding, { priced }) => minimumSentence(finding, priced),
  rounding: ({ subject }) => html`${roundingSentence(subject)}`,
  tax: ({ subject }) => html`${taxSentence(subject)}`,
};

/** The names of findings that a credit settles, or may settle: one of another month says which. */
const settledName = /^([0-9a-f]{16})(?: of (\d{4}-\d{2}))?$/;

function creditSentence(finding: PublishedFinding, size: Html, { period, currency, differing }: FindingPlace): Html {
  const { id: credit, subject, settled } = finding;
  const names = subject.split('+').map((one) => settledName.exec(one));
  const other = differing.get(credit);
  if (other) return html`The vendor credits ${size}, “${subject}”. ${differingText(other, currency)}`;
  if (names.some((one) => one === null))
    return html`The vendor credits ${size}, “${subject}”. It settles nothing that is disputed or expected so far. Decide
    the finding that it is for first; if there is none and the credit is right, accept it.`;
  const links = names.map((one, index): Html => {
    const [, id = '', month] = one ?? [];
    const link = html`<a href="${findingPath(month ?? period, id)}">${id}</a>`;
    return html`${index === 0 ? '' : ' and '}${link}${month === undefined ? '' : ` of ${monthName(month)}`}`;
  });
  if (settled !== 0n) return html`The vendor credits ${size} for ${links}. That is settled by it, as far as it goes.`;
  return links.length === 1
    ? html`The vendor credits ${size}. It may be for ${links}, which is open: accept the credit, and it settles that.`
    : html`The vendor credits ${size}. It names ${links}, which are open and come to it: accept the credit, and it
      settles them all.`;
}

const minimumSentence = ({ ownAmount, vendorAmount }: PublishedFinding, priced: Priced): Html =>
  html`The invoice tops the month up to its minimum by ${money(vendorAmount ?? 0n, priced)}, the books by
  ${money(ownAmount ?? 0n, priced)}. Look up the monthly minimum in your contract and in the price list.`;

function roundingSentence(subject: string): string {
  if (isOfEveryAttempt(subject))
    return 'The invoice rounds the price of every attempt, the books round each line once.';
  if (subject === netOfInvoice) return 'The net of the invoice is not the sum of its lines.';
  return 'Each side rounds its line once, to what can be paid. This is what the fractions beyond that differ by.';
}

function taxSentence(subject: string): string {
  if (!isOfRate(subject))
    return 'The net of the invoice has its tax in it. Ask for a correct invoice, or correct the layout if it reads the wrong column.';
  const [left = '', right = ''] = subject.split(' ≠ ');
  const isBase = left.startsWith('taxable ');
  const said = isBase
    ? `What the invoice taxes, ${left.slice('taxable '.length)}, is not its net, ${right}.`
    : `The tax does not follow from its rate: ${left}, and the invoice has ${right}.`;
  return `${said} The amount without tax is not affected.`;
}
