import { minorUnitDigits } from '../../domain/money.ts';
import { causeText, type Certainty, type Effect } from '../../domain/reconciliation/causes.ts';
import { type DecisionName, type FindingState, isRoundingLeft } from '../../domain/reconciliation/standing.ts';
import { causeInEnglish } from '../../reports/dispute/english.ts';
import type { PublishedFinding } from '../../reports/dispute/published-finding.ts';
import { subjectIn } from '../../reports/dispute/subjects.ts';
import { chargeSentence, type FindingPlace } from './charge-words.ts';
import { money } from './format.ts';
import { type Html, html } from './html.ts';
import { taskName } from './words.ts';

const effects: Readonly<Record<Effect, string>> = {
  quantity: 'Another quantity',
  price: 'Another unit price',
  missing_line: 'The invoice has no such line',
  extra_line: 'The books have no such line',
  minimum: 'Another monthly minimum',
  rounding: 'Rounded otherwise',
  tax: 'Tax in the net amount',
};

/** What a difference does to its line, in words. */
export function effectWords({ effect, cause, amount }: PublishedFinding): string {
  if (effect === 'tax' && amount === 0n) return 'Tax otherwise than its rate';
  if (effect === 'extra_line' && cause === 'credit') return 'A credit';
  if (effect === 'extra_line' && cause === 'discount') return 'A discount';
  return effects[effect];
}

const certainties: Readonly<Record<Certainty, string>> = {
  proven: 'Proven, attempt by attempt, by the usage statement or the vendor’s own counters.',
  fits: 'It fits: of everything that was looked through, only this gives the invoice to the cent.',
  ambiguous: 'The likeliest of several: the invoice does not rule out others.',
  none: 'No cause was found that gives the invoice.',
};

/** How sure the cause is, in words. */
export function certaintyWords({ certainty, cause }: PublishedFinding): string {
  if (certainty === 'fits' && (cause === 'fee' || cause === 'discount' || cause === 'credit'))
    return 'The invoice says so itself.';
  if (certainty === 'fits' && cause === 'tax') return 'The invoice’s own figures show it.';
  return certainties[certainty];
}

const causeSentence = (finding: PublishedFinding, place: FindingPlace): Html | string => {
  const said = chargeSentence(finding, place);
  if (said) return said;
  const { cause, subject, amount: micros } = finding;
  const sentence = causeInEnglish(cause, subjectIn(subject, 'or'), micros > 0n, 'the vendor’s');
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`;
};

/** Why there is a difference. The name of the cause is shown too: files and commands have it. */
export const causeWords = (finding: PublishedFinding, place: FindingPlace): Html =>
  html`${causeSentence(finding, place)}
    <code class="wrap">${finding.subject === '' ? finding.cause : causeText(finding)}</code>`;

/** What a finding is about. */
export const lineName = ({
  taskType,
  level,
  invoiceNumber,
  invoiceLine,
}: Pick<PublishedFinding, 'taskType' | 'level' | 'invoiceNumber' | 'invoiceLine'>) =>
  [taskType === '' ? '' : taskName(taskType), level].filter(Boolean).join(', ') ||
  (invoiceLine === '' ? 'The whole invoice' : `${invoiceNumber}, line ${invoiceLine}`);

/** What no credit can settle any more. */
export const roundingLeft = ({ amount: whole, settled }: PublishedFinding, currency: string): Html | null =>
  isRoundingLeft(whole, settled, minorUnitDigits(currency))
    ? html`${money(whole - settled, { currency, minorDigits: minorUnitDigits(currency) })} is left: rounding, which no
      credit can come to. Accept it.`
    : null;

export const stateTag = (state: FindingState): Html => {
  switch (state) {
    case 'open':
      return html`<span class="tag warn">To be decided</span>`;
    case 'accepted':
      return html`<span class="tag good">Accepted</span>`;
    case 'settled':
      return html`<span class="tag good">Settled</span>`;
    case 'disputed':
      return html`<span class="tag">Disputed</span>`;
    case 'expected':
      return html`<span class="tag">Expected</span>`;
    case 'partly_settled':
      return html`<span class="tag">Settled in part</span>`;
    default:
      return state satisfies never;
  }
};

export const decisionWords: Readonly<Record<DecisionName, readonly [name: string, about: string]>> = {
  accept: ['Accept', 'the difference is right, or not worth asking about'],
  dispute: ['Dispute', 'the vendor is to credit it'],
  expect: ['Expect', 'a later invoice or credit will settle it'],
};

export const likelyWrongWords = { vendor: 'The vendor', books: 'These books' } as const;
