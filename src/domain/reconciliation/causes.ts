/** What a difference does to a line. */
export type Effect = 'quantity' | 'price' | 'missing_line' | 'extra_line' | 'minimum' | 'rounding' | 'tax';

/** Why there is a difference. The order counts: where several causes meet on a line, they are applied in it. */
export const causes = [
  'usage_unknown',
  'usage_not_billed',
  'billed_twice',
  'cutoff',
  'rule',
  'counter',
  'unclassified',
  'abandoned',
  'late',
  'price',
  'tier',
  'allowance',
  'minimum',
  'rounding',
  'fee',
  'discount',
  'credit',
  'currency',
  'tax',
  'unexplained',
] as const;
export type Cause = (typeof causes)[number];

/**
 * How sure a cause is.
 * - `proven`: a usage statement or the vendor's counters show it, attempt by attempt.
 * - `fits`: the invoice alone shows it: nothing else that was looked through reproduces the invoice, and it is no chance.
 * - `ambiguous`: several explanations reproduce the invoice, or one that may be chance.
 * - `none`: nothing does.
 */
export type Certainty = 'proven' | 'fits' | 'ambiguous' | 'none';

/** Who is to correct something; `null` = nobody can tell from here. */
export type LikelyWrong = 'vendor' | 'books' | null;

/** Orders causes as {@link causes} lists them. */
export const byCause = (a: { readonly cause: Cause }, b: { readonly cause: Cause }): number =>
  causes.indexOf(a.cause) - causes.indexOf(b.cause);

/** A cause as files write it: `cutoff(UTC+05:30)`. */
export const causeText = ({ cause, subject }: { readonly cause: string; readonly subject: string }): string =>
  `${cause}(${subject})`;

/** What a rule is about where attempts are charged at another level; `null` = none. */
export const levelSubject = (own: string | null, charged: string | null): string =>
  `${ofLevel}${own ?? 'none'}→${charged ?? 'none'}`;

/** The levels that such a subject names, `advanced→basic`; `undefined` = it is about something else. */
export const levelsIn = (subject: string): string | undefined =>
  subject.startsWith(ofLevel) ? subject.slice(ofLevel.length) : undefined;

const ofLevel = 'level ';

/** What `counter` is about where the vendor's own counter says what the books say; else it says what the vendor charges. */
export const counterAsBooked = 'attemptsInvoiced agrees with the books';

/** Who is likely to be wrong, by what the vendor documents and the contract says. */
export function likelyWrong({ cause, subject }: { readonly cause: Cause; readonly subject: string }): LikelyWrong {
  // The vendor's answers say one level and its statement another: which of them is right, neither tells.
  if (cause === 'rule' && levelsIn(subject) !== undefined) return null;
  if (cause === 'counter' && subject === counterAsBooked) return 'vendor';
  switch (cause) {
    // The vendor bills what nobody knows of, or not as it documents, or not as the contract says.
    case 'usage_unknown':
    case 'usage_not_billed':
    case 'billed_twice':
    case 'rule':
    case 'price':
    case 'tier':
    case 'allowance':
    case 'minimum':
    case 'currency':
      return 'vendor';
    // Which time zone the vendor's month is in is a setting of ours, and so are rules for codes that have none.
    case 'cutoff':
    case 'unclassified':
    case 'late':
      return 'books';
    case 'counter':
    case 'abandoned':
    case 'rounding':
    case 'fee':
    case 'discount':
    case 'credit':
    case 'tax':
    case 'unexplained':
      return null;
    default:
      return cause satisfies never;
  }
}
