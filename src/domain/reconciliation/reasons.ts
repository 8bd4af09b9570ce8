import { formatAmount } from '../money.ts';
import type { InvoiceLineKind } from '../vendor-invoice.ts';
import { type Cause, causeText, type Certainty } from './causes.ts';
import type { Candidate, Explanation } from './explanation.ts';
import type { Books } from './lines.ts';
import { cellKey, type LinePair } from './pairing.ts';
import { factsOf, isRounding, type Share } from './shares.ts';

/** Why there is a difference, and how sure that is. */
export type Reason = {
  readonly cause: Cause;
  /** Names the code, zone, list or line that the cause is about. */
  readonly subject: string;
  readonly certainty: Certainty;
  /** Where it is `ambiguous`, all sets: `|` between sets, `+` within; else empty. */
  readonly alternatives: string;
};

/** What stands behind all that was looked through. */
const somethingElse = 'something else';

/** From how many units on it is no chance that a line is missing altogether. */
const clearlyMissing = 334n;

/** What a reason is looked up in. */
export type Known = {
  readonly books: Books;
  readonly explanation: Explanation;
  /** Keys of the cells that the invoice has lines of. */
  readonly printed: ReadonlySet<string>;
  /** The invoice has usage that the books have no line of: it may be what another line seems to be missing. */
  readonly hasStrayUsage: boolean;
};

/** Why a share of a difference is there: by the part that adds it, or by what is plain to see of the line. */
export function reasonFor(share: Share, pair: LinePair, { books, explanation, printed, hasStrayUsage }: Known): Reason {
  const cell = pair.own ?? pair.vendor;
  const line = cell ? cellText(cell) : 'of the month';
  if (share.step) {
    const { part, certainty, among } = share.step;
    if (certainty === 'none') return unexplained(part.subject || line);
    // A rule is only said to be billed otherwise of a line that is there. A level that is stated is no hypothesis.
    const isMissing =
      part.cause === 'rule' && part.readings.length > 0 && cell !== undefined && !printed.has(cellKey(cell));
    const { cause, subject }: Named = isMissing ? { cause: 'usage_not_billed', subject: line } : part;
    const known = isMissing && hasStrayUsage && certainty === 'fits' ? 'ambiguous' : certainty;
    return { cause, subject, certainty: known, alternatives: known === 'ambiguous' ? allOf(among) : '' };
  }
  const note = cell && explanation.cells.find((one) => cellKey(one) === cellKey(cell));
  const isAccountedFor = explanation.outcome === 'reproduced';
  // Where not every set was tried, something that was not seen may do as well.
  const isWhole = !explanation.isBounded;
  const facts = factsOf(pair);
  switch (share.effect) {
    case 'quantity':
      // Beside what the usage statement charges for no known reason: what the invoice has otherwise than the statement.
      return unexplained(
        explanation.steps.some(({ certainty }) => certainty === 'none') ? `${line}, not in the usage statement` : line,
      );
    case 'price':
      return said({ cause: 'price', subject: priceChange(facts, books) }, isWhole && note?.isCounted === false);
    case 'missing_line':
      return said(
        { cause: 'usage_not_billed', subject: line },
        isWhole && !hasStrayUsage && note?.accountedFor === 'nothing' && facts.ownQuantity >= clearlyMissing,
      );
    case 'extra_line':
      return said({ cause: 'usage_unknown', subject: line }, false);
    case 'minimum':
      // Lines that are missing or have another price lead to another minimum, too.
      return isAccountedFor
        ? said(leadingTo(explanation), isWhole && !hasStrayUsage)
        : said({ cause: 'minimum', subject: line }, false);
    case 'rounding':
      return isRounding(pair, books.minorDigits)
        ? said({ cause: 'rounding', subject: line }, isWhole)
        : unexplained(line);
    case 'tax':
      return said({ cause: 'tax', subject: line }, true);
    default:
      return share.effect satisfies never;
  }
}

function leadingTo({ cells }: Explanation): Named {
  const missing = cells.find(({ accountedFor }) => accountedFor === 'nothing');
  const priced = cells.find(({ accountedFor }) => accountedFor === 'units');
  if (missing) return { cause: 'usage_not_billed', subject: cellText(missing) };
  return { cause: 'price', subject: priced ? cellText(priced) : '' };
}

type Named = Pick<Reason, 'cause' | 'subject'>;

/** What a line that the books cannot have says of itself. */
export function reasonOfKind(kind: Exclude<InvoiceLineKind, 'minimum' | 'tax'>, description: string): Reason {
  return kind === 'usage'
    ? said({ cause: 'usage_unknown', subject: description }, false)
    : said({ cause: kind, subject: description }, true);
}

/** What a line of tax says that does not follow from its rate. */
export const reasonOfTax = (subject: string, isSure: boolean): Reason => said({ cause: 'tax', subject }, isSure);

const said = (named: Named, isSure: boolean): Reason => ({
  ...named,
  certainty: isSure ? 'fits' : 'ambiguous',
  alternatives: isSure ? '' : `${causeText(named)}|${somethingElse}`,
});

const unexplained = (subject: string): Reason => ({
  cause: 'unexplained',
  subject,
  certainty: 'none',
  alternatives: '',
});

/** A task type and level as a subject names them. */
export const cellText = ({ taskType, level }: { readonly taskType: string; readonly level: string | null }): string =>
  level === null ? taskType : `${taskType}/${level}`;

/** The alternatives of a finding, one by one, for people. A subject may have a `+` of its own, such as `UTC+01:00`. */
export const listedAlternatives = (alternatives: string): string[] =>
  alternatives === '' ? [] : alternatives.split('|').map((one) => one.replaceAll(')+', ') + '));

const allOf = (candidates: readonly Candidate[]): string =>
  [...new Set(candidates.map((parts) => parts.map(causeText).join('+'))), somethingElse].join('|');

const priceChange = ({ ownPrice, vendorPrice }: ReturnType<typeof factsOf>, { minorDigits }: Books): string =>
  `${formatAmount(vendorPrice, minorDigits)} instead of ${formatAmount(ownPrice, minorDigits)}`;
