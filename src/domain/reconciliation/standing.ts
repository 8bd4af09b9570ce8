import type { Micros } from '../money.ts';

export const decisions = ['accept', 'dispute', 'expect'] as const;
export type DecisionName = (typeof decisions)[number];

/** How far a finding is. `accepted` and `settled` are done, all others are open. */
export type FindingState = 'open' | 'accepted' | 'disputed' | 'expected' | 'partly_settled' | 'settled';

export type Standing = {
  readonly state: FindingState;
  /** The part of its amount that credits have settled, or that it settles itself if it is a credit. */
  readonly settled: Micros;
};

/** How far a finding is, by the last decision about it and by what was credited. Who accepts it accepts what is left. */
export function standingOf(amount: Micros, settled: Micros, decision: DecisionName | undefined): Standing {
  return { state: stateOf(amount, settled, decision), settled };
}

function stateOf(amount: Micros, settled: Micros, decision: DecisionName | undefined): FindingState {
  if (settled !== 0n && settled === amount) return 'settled';
  if (decision === 'accept') return 'accepted';
  if (settled !== 0n) return 'partly_settled';
  switch (decision) {
    case 'dispute':
      return 'disputed';
    case 'expect':
      return 'expected';
    case undefined:
      return 'open';
    default:
      return decision satisfies never;
  }
}

export const isOpen = (state: FindingState): boolean => state !== 'accepted' && state !== 'settled';

/**
 * Whether what is left beside a settlement is mere rounding: less than the minor unit, so that no credit can come to it.
 * It stays open until somebody accepts it.
 */
export function isRoundingLeft(amount: Micros, settled: Micros, minorDigits: number): boolean {
  const left = amount - settled;
  const size = left < 0n ? -left : left;
  return settled !== 0n && size !== 0n && size < 10n ** BigInt(6 - minorDigits);
}

/** A finding of a month. */
export type FindingName = { readonly period: string; readonly finding: string };

/** A credit, which is a finding itself, takes back an amount of another finding. The amount has that finding's sign. */
export type Settlement = { readonly of: FindingName; readonly by: FindingName; readonly amount: Micros };

/** A settlement as it is kept. */
export type KeptSettlement = Settlement & {
  /** The decision that accepted it; `null` = it was found without one. */
  readonly decisionId: string | null;
};

/** What was last decided about a finding. */
export type LastDecision = { readonly id: string; readonly decision: DecisionName };

/** What a decision was about. */
export type DecidedAmounts = {
  /** What the finding came to then; `null` = not known. */
  readonly amount: Micros | null;
  /** What of it no credit had settled then. */
  readonly left: Micros | null;
};

/** A decision is about the amount that its finding had: about another amount nobody has decided. The last one is first. */
export const decisionsOn = <Decided extends DecidedAmounts>(decided: readonly Decided[], amount: Micros): Decided[] =>
  decided.filter((one) => one.amount === amount);

/**
 * The decision that counts: the last one that was about all that is left. Who accepts what a credit left over accepts no
 * more than that, so without the credit it is as it was decided before.
 *
 * @param decided those about the finding's amount, the last one first.
 */
export const countingDecision = <Decided extends Pick<DecidedAmounts, 'left'>>(
  decided: readonly Decided[],
  left: Micros,
): Decided | undefined => decided.find((one) => smallerOf(left, one.left ?? left) === left);

export const nameKey = ({ period, finding }: FindingName): string => `${period} ${finding}`;

/**
 * The settlements that count. Whoever disputes a credit, or expects another, says that it settles nothing; what an
 * accepted one settles, it settles by the last decision about it.
 *
 * @param decisions the last ones about what each finding comes to, by {@link nameKey}.
 */
export const countingSettlements = (
  settlements: readonly KeptSettlement[],
  decisions: ReadonlyMap<string, LastDecision>,
): KeptSettlement[] =>
  settlements.filter(({ by, decisionId }) => {
    const last = decisions.get(nameKey(by));
    return decisionId === null ? (last?.decision ?? 'accept') === 'accept' : decisionId === last?.id;
  });

/**
 * What settlements come to, in the order in which they were kept. One of them never counts for more than what is left of
 * both sides, nor where one of them is no finding any more, so that nothing is settled twice. A credit that was made
 * smaller by what is owed the other way covers that much more, as long as all it settles is a part of it.
 *
 * @param amounts of all findings that are concerned, by {@link nameKey}.
 * @returns the amount that is settled of each finding.
 */
export function settledAmounts(
  settlements: readonly Settlement[],
  amounts: ReadonlyMap<string, Micros>,
): Map<string, Micros> {
  const settled = new Map<string, Micros>();
  const amountOf = (key: string): Micros => amounts.get(key) ?? 0n;
  const isOpposite = ({ by, amount }: Settlement): boolean => amountOf(nameKey(by)) > 0n === amount > 0n;
  for (const one of settlements) {
    const [finding, credit] = [nameKey(one.of), nameKey(one.by)];
    if (amountOf(credit) === 0n) continue;
    const left = (key: string): Micros => amountOf(key) - (settled.get(key) ?? 0n);
    const most = isOpposite(one) ? left(finding) : smallerOf(left(finding), -left(credit));
    const counted = smallerOf(one.amount, most);
    settled.set(finding, (settled.get(finding) ?? 0n) + counted);
    settled.set(credit, (settled.get(credit) ?? 0n) - counted);
  }
  const isPart = ({ by }: Settlement): boolean => {
    const part = settled.get(nameKey(by)) ?? 0n;
    return part === 0n || smallerOf(part, amountOf(nameKey(by))) === part;
  };
  return settlements.every(isPart)
    ? settled
    : settledAmounts(
        settlements.filter((one) => isPart(one) || !isOpposite(one)),
        amounts,
      );
}

/** The one closer to zero; zero if their signs differ. */
export function smallerOf(a: Micros, b: Micros): Micros {
  if (a > 0n !== b > 0n || a === 0n || b === 0n) return 0n;
  return a > 0n === a < b ? a : b;
}
