import { type Cause, counterAsBooked, levelsIn } from '../../domain/reconciliation/causes.ts';
import type { PublishedFinding } from './published-finding.ts';
import { isOfEveryAttempt, isOfRate, isOutcome, netOfInvoice } from './subjects.ts';
import type { Figures, Language } from './letter.ts';

export const english: Language = {
  decimalMark: '.',
  groupMark: ',',
  months: 'January February March April May June July August September October November December'.split(' '),
  and: 'and',
  or: 'or',
  taskTypes: { document_scan: 'Document scan', face_liveness: 'Face liveness', face_match: 'Face match' },
  to: 'To: CM.com, invoicing',
  from: 'From: [your company, name and address]',
  subject: ({ invoices, isOneInvoice, month, expected, owedBy }) =>
    `Subject: dispute${owedBy === 'nobody' ? '' : ` of ${expected}`}, ${isOneInvoice ? 'invoice' : 'invoices'} ${invoices}, ID Scan, ${month}`,
  opening: ({ invoices, isOneInvoice, month, items }) => [
    'Dear Sir or Madam,',
    '',
    `We have compared your ${isOneInvoice ? 'invoice' : 'invoices'} ${invoices} for ID Scan in ${month} with our own records. We dispute the following ${items === 1 ? 'item' : `${items} items`}. All amounts are without VAT.`,
  ],
  units: (count, isOne) => `${count} ${isOne ? 'unit' : 'units'}`,
  place: (invoice, line) => (invoice === '' ? `invoice line ${line}` : `invoice ${invoice}, line ${line}`),
  noLine: (invoice) => `no line on invoice ${invoice}`,
  wholeInvoice: 'Invoice',
  effect,
  cause: (cause, subject, isTooMuch) => {
    const question = cause === 'unexplained' ? ' Please tell us what is charged here.' : '';
    return `Reason: ${causeInEnglish(cause, subject, isTooMuch, 'your')}${question}`;
  },
  isOneOfSeveral: 'This is the likeliest reason; the invoice does not rule out others.',
  evidence: (rows, file) => `Attempts: ${rows}, listed in ${file} under the reference below.`,
  credited: (settled, left) => `Of this, ${settled} has been credited; ${left} is left.`,
  reference: (id) => `Reference: ${id}`,
  closing: ({ expected, rounded, owedBy, isOneInvoice, evidenceFile }) => [
    `${
      {
        vendor: `We expect a credit note of ${expected} without VAT, and the VAT on it.`,
        us: `By our records these items make your ${isOneInvoice ? 'invoice' : 'invoices'} ${expected} without VAT too low. We expect a corrected invoice.`,
        nobody: `These items change the amount without VAT by ${expected}. We expect a corrected invoice.`,
      }[owedBy]
    }${rounded ? ` By the unit prices the items come to exactly ${rounded.exact}; rounded to ${rounded.unit}, halves up, that is ${expected}.` : ''}`,
    '',
    `How to answer: please name the references above, in your answer and on the lines of the credit note. Where you do not agree with an item, please send us the attempts that you charge for, with transaction ID and time.${evidenceFile === undefined ? '' : ` Ours are in ${evidenceFile}.`} We would be glad to hear from you within 14 days.`,
    '',
    'Yours faithfully,',
    '',
    '[name]',
  ],
};

function effect(
  { effect: kind, amount, vendorQuantity, vendorPrice: charged, ownPrice: agreed }: PublishedFinding,
  figures: Figures,
): string {
  const { own, vendor, units, ownPrice, vendorPrice, ownAmount, vendorAmount, amount: written } = figures;
  const price = charged === null ? '' : ` at ${vendorPrice}`;
  const ours = agreed === null ? '' : ` at ${ownPrice}`;
  const what = vendorQuantity === null || vendorQuantity === 0n ? '' : `${vendor}${price}, `;
  const way = amount < 0n ? 'too little' : 'too much';
  switch (kind) {
    case 'quantity':
      return `You charge ${vendor}, our records have ${own}. This item is about ${units}${ours}: ${written} ${way}.`;
    case 'price':
      return `You charge ${vendorPrice} a unit for ${vendor}; ${agreed === null ? 'no price is agreed' : `agreed is ${ownPrice}`}: ${written} ${way}.`;
    case 'missing_line':
      return `Our records have ${own}${ours}, ${ownAmount}; the invoice has no such line: ${written} ${way}.`;
    case 'extra_line':
      return amount < 0n
        ? `You credit ${written}, which our records have no reason for.`
        : `You charge ${what}${written}; our records have no such charge.`;
    case 'minimum':
      return `You charge ${vendorAmount} up to the monthly minimum, by our calculation it is ${ownAmount}: ${written} ${way}.`;
    case 'rounding':
      return `The amount of the line differs from ours by rounding: ${written} ${way}.`;
    case 'tax':
      return amount === 0n
        ? 'The VAT of this line does not follow from your rate. The amount without VAT is not affected.'
        : `The net amount of the invoice is not the sum of its lines without tax: ${written} ${way}.`;
    default:
      return kind satisfies never;
  }
}

/** Why there is a difference, in words that also fit a page of our own. @param your whose documentation and counters it is about. */
export const causeInEnglish = (cause: Cause, subject: string, isTooMuch: boolean, your: string): string =>
  reasons[cause](subject, isTooMuch, your);

const reasons: Readonly<Record<Cause, (subject: string, isTooMuch: boolean, your: string) => string>> = {
  usage_unknown: () => 'our records have no such usage.',
  usage_not_billed: () => 'our records have this usage, and it is not charged.',
  billed_twice: () => 'the same attempts are charged more than once.',
  cutoff: (subject) =>
    `the month seems to be taken by another time (${subject}), so that attempts are charged in another month.`,
  rule: (subject, isTooMuch, your) => {
    const levels = levelsIn(subject);
    if (levels !== undefined) return `attempts are charged at another level than ${your} answers say (${levels}).`;
    if (!isOutcome(subject)) return `attempts are charged otherwise than ${your} documentation says (${subject}).`;
    return isTooMuch
      ? `attempts with the outcome ${subject} are charged; by ${your} documentation they are not.`
      : `attempts with the outcome ${subject} are not charged; by ${your} documentation they are.`;
  },
  counter: (subject, _isTooMuch, your) =>
    subject === counterAsBooked
      ? `the invoice does not agree with ${your} own counter attemptsInvoiced, which says what our records say.`
      : `${your} own counter attemptsInvoiced says what the invoice says, and our records do not.`,
  unclassified: (subject, _isTooMuch, your) =>
    subject === 'all'
      ? `attempts are charged with outcomes that ${your} documentation does not name.`
      : `attempts with the outcome ${subject} are charged, which ${your} documentation does not name.`,
  abandoned: () => 'these are attempts of transactions that ended without a result.',
  late: () => 'these attempts became known after the month was closed.',
  price: () => 'the unit price is not the one agreed.',
  tier: () => 'the price tier is not the one agreed.',
  allowance: () => 'the free units are not those agreed.',
  minimum: () => 'the monthly minimum is not the one agreed.',
  rounding: (subject) =>
    isOfEveryAttempt(subject)
      ? 'the price of every attempt is rounded, not each line once.'
      : subject === netOfInvoice
        ? 'the net amount is not the sum of the lines.'
        : 'the line is rounded, and so is ours; this is what the fractions differ by.',
  fee: (subject) => `we know of no such fee ("${subject}").`,
  discount: (subject) => `we know of no such discount ("${subject}").`,
  credit: (subject) => `we know of no such credit ("${subject}").`,
  currency: () => 'the currency is not the one agreed.',
  tax: (subject) =>
    isOfRate(subject) ? `the VAT and its rate do not agree (${subject}).` : 'the net amount contains tax.',
  unexplained: () => 'we found none.',
};
