import {
  type CurrentFinding,
  currentFindings,
  keptSettlements,
  type OpenFinding,
  type SettledFinding,
  withSettled,
} from '../../db/settlements.ts';
import { type FindingDecision, findingDecisions } from '../../db/reconciliations.ts';
import type { Queries } from '../../db/database.ts';
import type { Finding, Findings } from '../../domain/reconciliation/findings.ts';
import { minorUnitDigits } from '../../domain/money.ts';
import { type Differing, differingCredits, earlierClaims } from '../../domain/reconciliation/earlier.ts';
import { type Match, matchCredits, type MatchedBy } from '../../domain/reconciliation/matching.ts';
import {
  countingDecision,
  countingSettlements,
  type DecisionName,
  decisionsOn,
  isOpen,
  type LastDecision,
  nameKey,
  settledAmounts,
  type Settlement,
  type Standing,
  standingOf,
} from '../../domain/reconciliation/standing.ts';
import type { VendorInvoice } from '../../domain/vendor-invoice.ts';

/** What is disputed or expected, and still open, of an earlier month. */
export type Carried = OpenFinding & { readonly decision: 'dispute' | 'expect' };

/** How far each finding of a month is, with what its credits settle. */
export type Settled = {
  /** A credit's subject names what it settles, or the earlier finding that it would settle if it were accepted. */
  readonly found: Findings;
  readonly decisions: ReadonlyMap<string, FindingDecision>;
  /** The last decisions of findings where they count no more: they were about another amount. */
  readonly former: ReadonlyMap<string, FindingDecision>;
  readonly standings: ReadonlyMap<string, Standing>;
  readonly carried: readonly Carried[];
  /** Credits that name several earlier findings and come to another sum. */
  readonly differing: ReadonlyMap<string, Differing>;
  /** What was not known before. */
  readonly settlements: readonly (Settlement & { readonly matchedBy: MatchedBy })[];
};

/** What was found of a month, and its credit notes. */
type Compared = { readonly found: Findings; readonly notes: readonly VendorInvoice[]; readonly currency: string };

/**
 * Finds what the credit notes of a month settle of its disputed and expected findings. A credit that settles none of
 * them, or that stands on an invoice, may be for an earlier month: that is only offered, for a person to accept.
 */
export async function settleCredits(
  db: Queries,
  period: string,
  { found, notes, currency }: Compared,
): Promise<Settled> {
  const amounts = new Map(found.findings.map(({ id, amountDifference }) => [id, amountDifference]));
  const last = await findingDecisions(db, period);
  const others = (await currentFindings(db)).filter((one) => one.period !== period);
  const kept = countingSettlements(await keptSettlements(db), lastOnes(others, period, last, amounts));
  const amountsSettled = (settlements: readonly Settlement[]) =>
    settledAmounts(
      settlements,
      new Map([
        ...others.map((one): [string, bigint] => [nameKey(one), one.amount]),
        ...[...amounts].map(([finding, amount]): [string, bigint] => [nameKey({ period, finding }), amount]),
      ]),
    );
  const known = amountsSettled(kept);
  const minorDigits = minorUnitDigits(currency);
  const left = ({ id, amountDifference: amount }: Finding, settled: ReadonlyMap<string, bigint>) =>
    amount - (settled.get(nameKey({ period, finding: id })) ?? 0n);
  const leftOf = (one: Finding): bigint => left(one, known);
  const before = decidedOn(found.findings, last, leftOf).decisions;
  const matches = matchesIn(found.findings, notes, { decisions: before, minorDigits, leftOf });
  const settlements = matches.map(({ claim, credit, amount, matchedBy }) => ({
    of: { period, finding: claim },
    by: { period, finding: credit },
    amount,
    matchedBy,
  }));
  const all = [...kept, ...settlements];
  const settled = amountsSettled(all);
  const { decisions, former } = decidedOn(found.findings, last, (one) => left(one, settled));
  const undecided = (finding: Finding) => !decisions.has(finding.id);
  const carried = claimsBefore(
    others.map((one) => withSettled(one, settled.get(nameKey(one)) ?? 0n)),
    period,
    currency,
  );
  const creditOf = (one: Finding) => ({ id: one.id, left: left(one, settled), description: one.subject });
  const settledBy = ({ id }: Finding) => all.filter(({ by }) => by.period === period && by.finding === id);
  const subjectOf = (one: Finding): string => {
    if (one.cause !== 'credit') return one.subject;
    const known = settledBy(one).map(({ of }) => of);
    const offered =
      known.length === 0 && undecided(one) ? earlierClaims(creditOf(one), carried, minorDigits).claims : [];
    const names = [...known, ...offered].map((of) => nameOf(of, period));
    return names.length > 0 ? [...new Set(names)].join('+') : one.subject;
  };
  const unmatched = found.findings.filter((one) => one.cause === 'credit' && settledBy(one).length === 0);
  return {
    found: { ...found, findings: found.findings.map((one) => ({ ...one, subject: subjectOf(one) })) },
    decisions,
    former,
    standings: new Map(
      found.findings.map((one) => {
        const part = settled.get(nameKey({ period, finding: one.id })) ?? 0n;
        return [one.id, standingOf(one.amountDifference, part, decisions.get(one.id)?.decision)];
      }),
    ),
    carried,
    differing: differingCredits(unmatched.map(creditOf), carried, currency),
    settlements,
  };
}

/** What the lines of credit notes settle of a month's findings. */
function matchesIn(
  findings: readonly Finding[],
  notes: readonly VendorInvoice[],
  of: {
    readonly decisions: ReadonlyMap<string, FindingDecision>;
    readonly minorDigits: number;
    readonly leftOf: (finding: Finding) => bigint;
  },
): Match[] {
  const { decisions, minorDigits, leftOf } = of;
  const isOnNote = (finding: Finding) =>
    finding.cause === 'credit' && notes.some(({ number }) => number === finding.invoiceNumber);
  const undecided = (finding: Finding) => !decisions.has(finding.id);
  const withLeft = (one: Finding) => ({ ...one, left: leftOf(one) });
  return matchCredits(
    findings
      .filter((one) => isOnNote(one) && undecided(one))
      .map((one) => ({ ...withLeft(one), description: one.subject })),
    findings.filter((one) => !isOnNote(one) && isClaimed(decisions.get(one.id)?.decision)).map(withLeft),
    { minorDigits, roundings: findings.filter((one) => one.cause === 'rounding' && undecided(one)).map(withLeft) },
  );
}

/** Of the decisions about a finding the one that counts, and the last one where that is another: it tells what it was about. */
export function decidedAs(
  decided: readonly FindingDecision[] | undefined,
  amount: bigint,
  left: bigint,
): { readonly counting: FindingDecision | undefined; readonly before: FindingDecision | undefined } {
  const counting = countingDecision(decisionsOn(decided ?? [], amount), left);
  const last = decided?.[0];
  return { counting, before: last && last !== counting ? { ...last, amount: last.left ?? last.amount } : undefined };
}

/** The decisions that count, and the last ones of those findings where another one does, or none. */
function decidedOn(
  findings: readonly Finding[],
  last: ReadonlyMap<string, readonly FindingDecision[]>,
  leftOf: (finding: Finding) => bigint,
): { decisions: Map<string, FindingDecision>; former: Map<string, FindingDecision> } {
  const [decisions, former] = [new Map<string, FindingDecision>(), new Map<string, FindingDecision>()];
  for (const one of findings) {
    const { counting, before } = decidedAs(last.get(one.id), one.amountDifference, leftOf(one));
    if (counting) decisions.set(one.id, counting);
    if (before) former.set(one.id, before);
  }
  return { decisions, former };
}

const isClaimed = (decision: DecisionName | null | undefined): decision is 'dispute' | 'expect' =>
  decision === 'dispute' || decision === 'expect';

const nameOf = (of: Settlement['of'], period: string): string =>
  of.period === period ? of.finding : `${of.finding} of ${of.period}`;

/** The last decision about what each finding comes to. */
const lastOnes = (
  others: readonly CurrentFinding[],
  period: string,
  own: ReadonlyMap<string, readonly FindingDecision[]>,
  amounts: ReadonlyMap<string, bigint>,
): Map<string, LastDecision> =>
  new Map(
    [
      ...others.map((one) => [nameKey(one), one.decided[0]] as const),
      ...[...amounts].map(
        ([finding, amount]) => [nameKey({ period, finding }), decisionsOn(own.get(finding) ?? [], amount)[0]] as const,
      ),
    ].flatMap(([name, one]): [string, LastDecision][] => (one ? [[name, one]] : [])),
  );

/** What is disputed or expected of months before one, in its currency, and not settled whole. */
export const claimsBefore = (findings: readonly SettledFinding[], period: string, currency: string): Carried[] =>
  findings.flatMap(({ settled, decision, ...one }): Carried[] => {
    if (one.period >= period || one.currency !== currency || !isClaimed(decision)) return [];
    return isOpen(standingOf(one.amount, settled, decision).state)
      ? [{ ...one, decision, left: one.amount - settled }]
      : [];
  });
