import { formatAmount, type Micros, minorUnitDigits, roundToMinorUnit } from '../money.ts';
import { type Credit, idsNamedIn } from './matching.ts';
import { type FindingName, smallerOf } from './standing.ts';

/** A finding of an earlier month that is still open. */
export type EarlierClaim = { readonly finding: string; readonly left: Micros };

/** What a credit is for among the open findings of earlier months. */
export type ForEarlier<T> = {
  /** What it settles if it is accepted. */
  readonly claims: readonly T[];
  /** What it names if it names several findings and comes to another sum: it settles none of these. */
  readonly differing: readonly T[];
};

/**
 * All open findings of earlier months that a credit names, if they come to it; the only one that it names, whatever it
 * comes to; or the only one whose amount it has if it names none. An amount is the one that is meant, or rounds to it.
 */
export function earlierClaims<T extends EarlierClaim>(
  { left, description }: Pick<Credit, 'left' | 'description'>,
  earlier: readonly T[],
  minorDigits: number,
): ForEarlier<T> {
  const nothing = { claims: [], differing: [] };
  if (left === 0n) return nothing;
  const isRounded = (sum: Micros): boolean => roundToMinorUnit(sum, minorDigits) === -left;
  const ids = idsNamedIn(description);
  if (ids.length > 1) {
    const named = earlier.filter(({ finding }) => ids.includes(finding));
    const sum = sumOf(named);
    return sum === -left || isRounded(sum) ? { ...nothing, claims: named } : { ...nothing, differing: named };
  }
  const open = earlier.filter((claim) => smallerOf(claim.left, -left) !== 0n);
  const exact = open.filter((claim) => claim.left === -left);
  const found =
    ids.length === 1
      ? open.filter(({ finding }) => ids.includes(finding))
      : exact.length > 0
        ? exact
        : open.filter((claim) => isRounded(claim.left));
  return found.length === 1 ? { ...nothing, claims: found } : nothing;
}

/**
 * What a credit settles of each claim. What is owed the other way comes first: the credit was made smaller by it, and
 * covers that much more of the others.
 */
export function sharesOf<T extends EarlierClaim>(
  claims: readonly T[],
  left: Micros,
): readonly { readonly claim: T; readonly amount: Micros }[] {
  const isOpposite = (claim: T): boolean => claim.left > 0n === left > 0n;
  let rest = -left;
  return [...claims.filter(isOpposite), ...claims.filter((claim) => !isOpposite(claim))].flatMap((claim) => {
    const amount = isOpposite(claim) ? claim.left : smallerOf(claim.left, rest);
    rest -= amount;
    return amount === 0n ? [] : [{ claim, amount }];
  });
}

/** A credit that names several findings of earlier months and comes to something else. */
export type Differing = {
  readonly named: readonly FindingName[];
  /** What is open of them together. */
  readonly open: Micros;
  /** How much more the credit is. */
  readonly more: Micros;
};

/** Of each credit that differs from what it names, by how much, by its ID. */
export function differingCredits(
  credits: readonly Pick<Credit, 'id' | 'left' | 'description'>[],
  earlier: readonly (EarlierClaim & FindingName)[],
  currency: string,
): Map<string, Differing> {
  const found = new Map<string, Differing>();
  for (const credit of credits) {
    const { differing: named } = earlierClaims(credit, earlier, minorUnitDigits(currency));
    const open = sumOf(named);
    if (named.length > 0) found.set(credit.id, { named, open, more: -credit.left - open });
  }
  return found;
}

const sumOf = (claims: readonly EarlierClaim[]): Micros => claims.reduce((sum, { left }) => sum + left, 0n);

export function differingText({ named, open, more }: Differing, currency: string): string {
  const money = (amount: Micros) => `${formatAmount(amount, minorUnitDigits(currency))} ${currency}`;
  const names = named.map(({ period, finding }) => `${finding} of ${period}`).join(' and ');
  const by = more > 0n ? `${money(more)} more` : `${money(-more)} less`;
  return `It names several findings. Open of them: ${names}, together ${money(open)}. The credit is ${by}, so that accepting it settles none of them.`;
}
