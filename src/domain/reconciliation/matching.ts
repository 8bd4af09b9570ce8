import { type Micros, roundToMinorUnit } from '../money.ts';
import { smallerOf } from './standing.ts';

/** A line of a credit note, and what of it has settled nothing yet. */
export type Credit = {
  readonly id: string;
  readonly left: Micros;
  readonly description: string;
  readonly taskType: string | null;
  readonly level: string | null;
};

/** A disputed or expected finding, and what of it is not settled yet. */
export type Claim = {
  readonly id: string;
  readonly left: Micros;
  /** Several invoices are joined by `+`; their lines then are `<number>:<line>`. */
  readonly invoiceNumber: string;
  /** As the invoice numbers it; `null` = it has no such line. */
  readonly invoiceLine: string | null;
  readonly taskType: string | null;
  readonly level: string | null;
};

/**
 * How a credit and a finding were found to belong together.
 * - `named`: the credit names the finding's ID.
 * - `line`: the same line, and the amount that is left.
 * - `amount`: the only finding with that amount.
 * - `sum`: the only findings that add up to it, also with the rounding of their lines.
 * - `part`: the only finding on its line, and another amount.
 *
 * An amount is the one that is meant, else the one that rounds to it: a credit note has whole minor units.
 */
export type MatchedBy = 'named' | 'line' | 'amount' | 'sum' | 'part';

export type Match = {
  readonly claim: string;
  readonly credit: string;
  /** With the claim's sign. */
  readonly amount: Micros;
  readonly matchedBy: MatchedBy;
};

export type HowToMatch = {
  readonly minorDigits: number;
  /** Findings of mere rounding that nobody has decided about: a credit for their line may take them back, too. */
  readonly roundings: readonly Claim[];
};

/** A credit, with what its text names. */
type NamingCredit = Credit & { readonly named: Named };
type Choose = (credit: NamingCredit, claims: readonly Claim[]) => readonly Claim[];

/** The surest first. Each is tried for all credits before the next. */
function rulesFor(minorDigits: number): readonly (readonly [MatchedBy, Choose])[] {
  const isExact: Fits = (sum, credit) => sum === -credit.left;
  const isRounded: Fits = (sum, credit) => roundToMinorUnit(sum, minorDigits) === -credit.left;
  const byAmount = (fits: Fits): (readonly [MatchedBy, Choose])[] => [
    ['line', (credit, claims) => only(claims.filter((claim) => isSameLine(credit, claim) && fits(claim.left, credit)))],
    ['amount', (credit, claims) => only(claims.filter((claim) => fits(claim.left, credit)))],
    ['sum', (credit, claims) => onlySum(credit, claims, fits)],
  ];
  return [
    ['named', (credit, claims) => named(credit, claims, (sum, of) => isExact(sum, of) || isRounded(sum, of))],
    ...byAmount(isExact),
    ...byAmount(isRounded),
    ['part', (credit, claims) => only(claims.filter((claim) => isSameLine(credit, claim)))],
  ];
}

/** Whether a credit is for a sum. */
type Fits = (sum: Micros, credit: Credit) => boolean;

/** Finds what each credit settles. Where two answers are possible, it settles nothing. */
export function matchCredits(
  credits: readonly Credit[],
  claims: readonly Claim[],
  { minorDigits, roundings }: HowToMatch,
): Match[] {
  const left = new Map([...credits, ...claims, ...roundings].map((one) => [one.id, one.left]));
  const naming = credits.map((credit): NamingCredit => ({ ...credit, named: namedIn(credit.description) }));
  const now = <T extends Credit | Claim>(one: T): T => ({ ...one, left: left.get(one.id) ?? 0n });
  const matches: Match[] = [];
  const settle = (credit: Credit, claim: Claim, matchedBy: MatchedBy): void => {
    const amount = smallerOf(now(claim).left, -now(credit).left);
    if (amount === 0n) return;
    left.set(claim.id, now(claim).left - amount);
    left.set(credit.id, now(credit).left + amount);
    matches.push({ claim: claim.id, credit: credit.id, amount, matchedBy });
  };
  for (const [matchedBy, choose] of rulesFor(minorDigits)) {
    const chosen = naming.map((credit) => {
      const open = claims.map(now).filter((claim) => isPossible(now(credit), claim));
      return { credit, claims: choose(now(credit), open) };
    });
    for (const one of chosen.filter((choice) => !chosen.some((other) => isRival(choice.claims, other.claims))))
      for (const claim of one.claims) settle(one.credit, claim, matchedBy);
  }
  for (const credit of credits) {
    const settled = claims.filter(({ id }) =>
      matches.some((match) => match.credit === credit.id && match.claim === id),
    );
    const beside = roundings.map(now).filter((rounding) => settled.some((claim) => lineOf(claim) === lineOf(rounding)));
    for (const rounding of subsetWithSum(beside, (sum) => sum === -now(credit).left)) settle(credit, rounding, 'sum');
  }
  return matches;
}

const lineOf = ({ invoiceNumber, invoiceLine, taskType, level }: Claim): string =>
  JSON.stringify([invoiceNumber, invoiceLine, taskType, level]);

/** Whether two credits want some of the same findings, and not just the same ones. */
function isRival(own: readonly Claim[], other: readonly Claim[]): boolean {
  const shared = own.filter(({ id }) => other.some((claim) => claim.id === id)).length;
  return shared > 0 && (shared < own.length || shared < other.length);
}

const only = <T>(found: readonly T[]): readonly T[] => (found.length === 1 ? found : []);

/** A credit that says what it is for is for nothing else. */
function isPossible(credit: NamingCredit, claim: Claim): boolean {
  if (smallerOf(claim.left, -credit.left) === 0n) return false;
  if (credit.taskType !== null && credit.taskType !== claim.taskType) return false;
  if (credit.level !== null && credit.level !== claim.level) return false;
  const { named } = credit;
  if (named.ids.length > 0) return named.ids.includes(claim.id);
  return (
    (named.invoices.length === 0 || isOfNamed(claim, named)) && (named.lines.length === 0 || isOnNamed(claim, named))
  );
}

const isSameLine = (credit: NamingCredit, claim: Claim): boolean =>
  (credit.taskType !== null && credit.taskType === claim.taskType && credit.level === claim.level) ||
  isOnNamed(claim, credit.named);

type Named = {
  readonly ids: readonly string[];
  readonly invoices: readonly string[];
  readonly lines: readonly string[];
};

const numbers = String.raw`#?([\w./:-]*\d[\w./:-]*(?:\s*(?:,|\+|&|and|en)\s*#?[\w./:-]*\d[\w./:-]*)*)`;
const lineWords = new RegExp(String.raw`(?:lines?|regels?|positions?|posities?|pos\.?)\s*${numbers}`, 'gi');
const invoiceWords = new RegExp(
  String.raw`(?:invoices?|facturen|factuur)(?:nummer|\s*(?:number|no\.?|nr\.?))?\s*${numbers}`,
  'gi',
);

/** What a text names: `Credit for line 3`, `Correctie regel INV-1:3`, `invoice INV-1, line 2 and 4`, an ID. */
const namedIn = (text: string): Named => ({
  ids: idsNamedIn(text),
  invoices: numbersIn(text, invoiceWords),
  lines: numbersIn(text, lineWords),
});

/** The IDs of findings in a text, each once. */
export const idsNamedIn = (text: string): string[] => [...new Set(text.match(/\b[0-9a-f]{16}\b/g) ?? [])];

const numbersIn = (text: string, words: RegExp): string[] =>
  [...text.matchAll(words)]
    .flatMap(([, listed = '']) => listed.split(/\s*(?:,|\+|&|\band\b|\ben\b)\s*/i))
    .map((one) =>
      one
        .replace(/^#/, '')
        .replace(/[.:/-]+$/, '')
        .toLowerCase(),
    )
    .filter((one) => one !== '');

const numbersOf = ({ invoiceNumber }: Claim): string[] => invoiceNumber.toLowerCase().split('+');

/** The lines of a claim; of several invoices only those of the ones that are named. */
function linesOf(claim: Claim, { invoices }: Named): string[] {
  const all = claim.invoiceLine?.toLowerCase().split('+') ?? [];
  if (invoices.length === 0 || numbersOf(claim).length === 1) return all;
  return all.filter((line) => invoices.some((number) => line.startsWith(`${number}:`)));
}

const isOfNamed = (claim: Claim, named: Named): boolean =>
  named.invoices.some((number) => numbersOf(claim).includes(number)) &&
  (claim.invoiceLine === null || linesOf(claim, named).length > 0);

const isOnNamed = (claim: Claim, named: Named): boolean =>
  linesOf(claim, named).some((line) => named.lines.some((number) => line === number || line.endsWith(`:${number}`)));

/** The findings that a credit names, if it settles all of them, or the only one. */
function named(credit: NamingCredit, claims: readonly Claim[], fits: Fits): readonly Claim[] {
  const found = claims.filter(({ id }) => credit.named.ids.includes(id));
  const total = found.reduce((sum, { left }) => sum + left, 0n);
  return fits(total, credit) ? found : only(found);
}

function onlySum(credit: NamingCredit, claims: readonly Claim[], fits: Fits): readonly Claim[] {
  const isSum = (sum: Micros) => fits(sum, credit);
  const onLine = subsetWithSum(
    claims.filter((claim) => isSameLine(credit, claim)),
    isSum,
  );
  return onLine.length > 0 ? onLine : subsetWithSum(claims, isSum);
}

/** With more sums than these, nobody would believe the one that fits. */
const mostSums = 20_000;

/** The only subset with a sum that is meant. Empty if there is none, or more than one. */
function subsetWithSum(claims: readonly Claim[], isSum: (sum: Micros) => boolean): readonly Claim[] {
  let sums = new Map<Micros, readonly Claim[] | 'several'>([[0n, []]]);
  for (const claim of claims) {
    const next = new Map(sums);
    for (const [reached, by] of sums) {
      const total = reached + claim.left;
      next.set(total, next.has(total) || by === 'several' ? 'several' : [...by, claim]);
    }
    if (next.size > mostSums) return [];
    sums = next;
  }
  const [found, another] = [...sums].filter(([sum]) => isSum(sum));
  return found === undefined || another !== undefined || found[1] === 'several' ? [] : found[1];
}
