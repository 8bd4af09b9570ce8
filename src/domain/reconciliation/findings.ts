import type { Micros } from '../money.ts';
import type { InvoiceLine, VendorInvoice } from '../vendor-invoice.ts';
import { type Certainty, type Effect, likelyWrong, type LikelyWrong } from './causes.ts';
import type { CellNote, Evidence, Explanation } from './explanation.ts';
import { isAbout, lineOf, type ReasonedShare, withoutNetting } from './finding-evidence.ts';
import { type LineFacts, lineFacts, withoutUsage } from './line-facts.ts';
import type { Books } from './lines.ts';
import { type GivenName, type Name, namesOf } from './naming.ts';
import { cellKey, isTakenBack, type LinePair, pairLines, vendorLines } from './pairing.ts';
import { type Known, type Reason, reasonFor, reasonOfKind, reasonOfTax } from './reasons.ts';
import { minimumShares, type Share, sharesOf } from './shares.ts';
import { taxDoubtsOf } from './taxes.ts';

/** One effect on one line by one cause: the unit that people decide on. */
export type Finding = LineFacts &
  Reason &
  Name & {
    /** The same in every run, whichever invoice it is found on: 16 hexadecimal digits. */
    readonly id: string;
    /** Several invoices are joined by `+`. */
    readonly invoiceNumber: string;
    readonly effect: Effect;
    readonly quantityDifference: bigint;
    readonly amountDifference: Micros;
    readonly likelyWrong: LikelyWrong;
    /** Attempts, or rows of the usage statement, that it is about. */
    readonly evidenceRows: number;
  };

/** Evidence, and the finding that it is of. */
export type FindingEvidence = { readonly finding: string; readonly evidence: Evidence };

/** The differences between the books and an invoice, to the last digit, and the lines without any. */
export type Findings = {
  readonly findings: readonly Finding[];
  readonly matches: readonly LineFacts[];
  readonly evidence: readonly FindingEvidence[];
  readonly total: { readonly ownAmount: Micros; readonly vendorAmount: Micros; readonly amountDifference: Micros };
};

/** Findings that do not add up to the difference: a fault of the program. */
export class UnbalancedFindings extends Error {
  readonly difference: Micros;
  readonly found: Micros;

  constructor(place: string, difference: Micros, found: Micros) {
    super(`${place}: the findings add up to ${found}, the difference is ${difference} micro-units.`);
    this.name = 'UnbalancedFindings';
    this.difference = difference;
    this.found = found;
  }
}

/** A line of both sides with what is to be said of it. */
type Compared = { readonly line: LineFacts; readonly shares: readonly ReasonedShare[] };

/**
 * Says of every difference between the books and an invoice what it does and why.
 *
 * @param given names of findings that earlier runs of the month gave.
 * @throws UnbalancedFindings if the findings of a line, or all of them, do not add up to the difference.
 */
export function findingsOf(
  books: Books,
  invoice: VendorInvoice,
  explanation: Explanation,
  given: readonly GivenName[] = [],
): Findings {
  const { steps } = explanation;
  const vendor = vendorLines(invoice.lines);
  const pairs = pairLines(books.lines, vendor);
  const known: Known = {
    books,
    explanation,
    printed: new Set(vendor.map(cellKey)),
    hasStrayUsage: hasStrayUsage(books, invoice),
  };
  const compared: Compared[] = [
    ...pairs.map((pair): Compared => ({
      line: lineFacts(pair),
      shares: sharesOf(pair, steps, accountedFor(pair, explanation)).map((share) => ({
        ...share,
        reason: reasonFor(share, pair, known),
      })),
    })),
    ...comparedMinimum(known, invoice.lines),
    ...invoice.lines.flatMap(otherLine),
    ...comparedTax(invoice),
    ...comparedRates(invoice),
  ];
  const told = withoutNetting(compared, pairs, known);
  for (const { line, shares } of told) checkLine(line, shares);
  const parts = told.flatMap(({ line, shares }) => shares.map((share) => ({ line, share })));
  const about = parts.map(({ line, share }) => ({ ...share.reason, line, effect: share.effect, amount: share.amount }));
  const names = namesOf(books.period, invoice, about, given);
  const named = parts.flatMap(({ line, share }, index) => {
    const name = names[index];
    return name ? [{ share, found: finding(name, invoice.number, line, share) }] : [];
  });
  const evidence = explanation.evidence.flatMap((one): FindingEvidence[] => {
    const of = lineOf(
      one,
      named.filter(({ share, found }) => isAbout(one, found, share)),
    );
    return of ? [{ finding: of.found.id, evidence: one }] : [];
  });
  const rows = Map.groupBy(evidence, (one) => one.finding);
  const findings = named.map(({ found }) => ({
    ...found,
    evidenceRows: (rows.get(found.id) ?? []).reduce((sum, one) => sum + one.evidence.count, 0),
  }));
  const total = totalOf(books, invoice);
  check('the invoice', total.amountDifference, findings);
  const matches = told.filter(({ shares }) => shares.length === 0).map(({ line }) => line);
  return { findings, matches, evidence, total };
}

/** Whether the invoice has usage of a task type and level that the books have no line of, or of none. */
function hasStrayUsage({ lines }: Books, invoice: VendorInvoice): boolean {
  const own = new Set(lines.map(cellKey));
  return invoice.lines.some((line) => line.kind === 'usage' && line.amount > 0n && !own.has(cellKey(line)));
}

/** What the cube has no attempts of, no step can account for. */
function accountedFor({ own, vendor }: LinePair, { outcome, cells }: Explanation): CellNote['accountedFor'] {
  const key = cellKey(own ?? vendor ?? { taskType: null, level: null });
  const note = cells.find((cell) => cellKey(cell) === key);
  return outcome === 'reproduced' && note ? note.accountedFor : 'nothing';
}

function comparedMinimum(known: Known, lines: readonly InvoiceLine[]): Compared[] {
  const { books, explanation } = known;
  const ofVendor = lines.filter(({ kind }) => kind === 'minimum');
  const vendorAmount = sum(ofVendor.map(({ amount }) => amount));
  if (ofVendor.length === 0 && books.minimum === 0n) return [];
  const line = {
    ...withoutUsage,
    invoiceLine: ofVendor.length === 0 ? null : ofVendor.map((one) => one.line).join('+'),
    ownAmount: books.minimum,
    vendorAmount: ofVendor.length === 0 ? null : vendorAmount,
  };
  const shares = minimumShares(books.minimum, vendorAmount, explanation.steps, explanation.outcome === 'reproduced');
  return [{ line, shares: shares.map((share) => ({ ...share, reason: reasonFor(share, {}, known) })) }];
}

/**
 * Lines that the books cannot have: fees, discounts, credits, usage that is taken back, and usage of no task type. Tax is
 * no part of the net.
 */
function otherLine(one: InvoiceLine): Compared[] {
  const { line, description, quantity, unitPrice, amount, taskType } = one;
  const kind = isTakenBack(one) ? 'credit' : one.kind;
  if (kind === 'minimum' || kind === 'tax' || (kind === 'usage' && taskType !== null)) return [];
  const facts = {
    ...withoutUsage,
    invoiceLine: line,
    vendorQuantity: quantity,
    vendorUnitPrice: unitPrice,
    vendorAmount: amount,
  };
  const share = { effect: 'extra_line', step: undefined, quantity: quantity ?? 0n, amount } as const;
  return [{ line: facts, shares: amount === 0n ? [] : [{ ...share, reason: reasonOfKind(kind, description) }] }];
}

/** A net that is not what the lines add up to has the tax in it, or was rounded. */
function comparedTax(invoice: VendorInvoice): Compared[] {
  const amount = netOf(invoice) - sum(netLines(invoice).map((line) => line.amount));
  if (amount === 0n) return [];
  const tax = sum(invoice.lines.filter(({ kind }) => kind === 'tax').map((line) => line.amount));
  const line = { ...withoutUsage, vendorAmount: amount };
  const [effect, certainty]: ['tax' | 'rounding', Certainty] =
    amount === tax ? ['tax', 'fits'] : ['rounding', 'ambiguous'];
  const reason: Reason = { cause: effect, subject: 'net of the invoice', certainty, alternatives: '' };
  return [{ line, shares: [{ effect, step: undefined, quantity: 0n, amount, reason }] }];
}

/** What tax comes to is no part of the net: such a finding adds nothing to the difference. */
const comparedRates = (invoice: VendorInvoice): Compared[] =>
  (invoice.documents ?? [invoice]).flatMap((document) =>
    taxDoubtsOf(document).map(({ line, subject, isSure }): Compared => {
      const reason = reasonOfTax(subject, isSure);
      const invoiceLine = invoice.isJoined ? `${document.number}:${line}` : line;
      const share = { effect: 'tax', step: undefined, quantity: 0n, amount: 0n, reason } as const;
      return { line: { ...withoutUsage, invoiceLine }, shares: [share] };
    }),
  );

function finding(
  name: Name,
  invoiceNumber: string,
  line: LineFacts,
  { effect, quantity, amount, reason }: ReasonedShare,
): Omit<Finding, 'evidenceRows'> {
  return {
    ...line,
    ...reason,
    ...name,
    invoiceNumber,
    effect,
    quantityDifference: quantity,
    amountDifference: amount,
    likelyWrong: likelyWrong(reason),
  };
}

const netLines = ({ lines }: VendorInvoice): InvoiceLine[] => lines.filter(({ kind }) => kind !== 'tax');
const netOf = (invoice: VendorInvoice): Micros =>
  invoice.stated.net ?? sum(netLines(invoice).map(({ amount }) => amount));

function totalOf(books: Books, invoice: VendorInvoice): Findings['total'] {
  const ownAmount = sum(books.lines.map(({ amount }) => amount ?? 0n)) + books.minimum;
  const vendorAmount = netOf(invoice);
  return { ownAmount, vendorAmount, amountDifference: vendorAmount - ownAmount };
}

function checkLine(line: LineFacts, shares: readonly Share[]): void {
  const place = line.invoiceLine === null ? `${line.taskType}, ${line.level}` : `line ${line.invoiceLine}`;
  const found = shares.map(({ amount }) => ({ amountDifference: amount }));
  check(place, (line.vendorAmount ?? 0n) - (line.ownAmount ?? 0n), found);
}

function check(place: string, difference: Micros, found: readonly Pick<Finding, 'amountDifference'>[]): void {
  const added = sum(found.map(({ amountDifference }) => amountDifference));
  if (added !== difference) throw new UnbalancedFindings(place, difference, added);
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);
