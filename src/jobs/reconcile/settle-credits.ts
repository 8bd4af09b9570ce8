import { openFindings, type OpenFinding, settlementsAbout } from '../../db/settlements.ts';
import { findingDecisions } from '../../db/reconciliations.ts';
import type { Queries } from '../../db/database.ts';
import type { Finding, Findings } from '../../domain/reconciliation/findings.ts';
import { earlierClaim, matchCredits, type MatchedBy } from '../../domain/reconciliation/matching.ts';
import {
  type DecisionName,
  nameKey,
  settledAmounts,
  type Settlement,
  type Standing,
  standingOf,
} from '../../domain/reconciliation/standing.ts';
import type { VendorInvoice } from '../../domain/vendor-invoice.ts';

/** What is disputed or expected, and still open, of an earlier month. */
type Carried = OpenFinding & { readonly decision: 'dispute' | 'expect' };

/** How far each finding of a month is, with what its credits settle. */
export type Settled = {
  /** A credit's subject names what it settles, or the earlier finding that it would settle if it were accepted. */
  readonly found: Findings;
  readonly decisions: ReadonlyMap<string, { readonly decision: DecisionName }>;
  readonly standings: ReadonlyMap<string, Standing>;
  readonly carried: readonly Carried[];
  /** What was not known before. */
  readonly settlements: readonly (Settlement & { readonly matchedBy: MatchedBy })[];
};

/**
 * Finds what the credit notes of a month settle of its disputed and expected findings. A credit that settles none of
 * them, or that stands on an invoice, may be for an earlier month: that is only offered, for a person to accept.
 */
export async function settleCredits(
  db: Queries,
  period: string,
  { found, notes }: { readonly found: Findings; readonly notes: readonly VendorInvoice[] },
): Promise<Settled> {
  const decisions = await findingDecisions(db, period);
  const kept = await settlementsAbout(db, period);
  const known = settledAmounts(kept, amountsOf(kept, period, found.findings));
  const isOnNote = (finding: Finding) =>
    finding.cause === 'credit' && notes.some(({ number }) => number === finding.invoiceNumber);
  const undecided = (finding: Finding) => !decisions.has(finding.id);
  const left = ({ id, amountDifference: amount }: Finding, settled: ReadonlyMap<string, bigint>) =>
    amount - (settled.get(nameKey({ period, finding: id })) ?? 0n);
  const matches = matchCredits(
    found.findings
      .filter((one) => isOnNote(one) && undecided(one))
      .map((one) => ({ ...one, left: left(one, known), description: one.subject })),
    found.findings
      .filter((one) => !isOnNote(one) && isClaimed(decisions.get(one.id)?.decision))
      .map((one) => ({ ...one, left: left(one, known) })),
  );
  const settlements = matches.map(({ claim, credit, amount, matchedBy }) => ({
    of: { period, finding: claim },
    by: { period, finding: credit },
    amount,
    matchedBy,
  }));
  const all = [...kept, ...settlements];
  const settled = settledAmounts(all, amountsOf(kept, period, found.findings));
  const carried = await carriedTo(db, period);
  const subjectOf = (one: Finding): string => {
    if (one.cause !== 'credit') return one.subject;
    const names = all.flatMap(({ of, by }) =>
      by.period === period && by.finding === one.id ? [nameOf(of, period)] : [],
    );
    if (names.length > 0) return [...new Set(names)].join('+');
    const offered = undecided(one)
      ? earlierClaim({ left: left(one, settled), description: one.subject }, carried)
      : undefined;
    return offered ? nameOf(offered, period) : one.subject;
  };
  return {
    found: { ...found, findings: found.findings.map((one) => ({ ...one, subject: subjectOf(one) })) },
    decisions,
    standings: new Map(
      found.findings.map((one) => {
        const part = settled.get(nameKey({ period, finding: one.id })) ?? 0n;
        return [one.id, standingOf(one.amountDifference, part, decisions.get(one.id)?.decision)];
      }),
    ),
    carried,
    settlements,
  };
}

export const isClaimed = (decision: DecisionName | null | undefined): decision is 'dispute' | 'expect' =>
  decision === 'dispute' || decision === 'expect';

const nameOf = (of: Settlement['of'], period: string): string =>
  of.period === period ? of.finding : `${of.finding} of ${of.period}`;

function amountsOf(
  kept: Awaited<ReturnType<typeof settlementsAbout>>,
  period: string,
  findings: readonly Finding[],
): Map<string, bigint> {
  const elsewhere = kept.flatMap(({ of, by, amounts }): [string, bigint][] => [
    ...(of.period !== period && amounts.of !== null ? [[nameKey(of), amounts.of] as [string, bigint]] : []),
    ...(by.period !== period && amounts.by !== null ? [[nameKey(by), amounts.by] as [string, bigint]] : []),
  ]);
  const own = findings.map(({ id, amountDifference }): [string, bigint] => [
    nameKey({ period, finding: id }),
    amountDifference,
  ]);
  return new Map([...elsewhere, ...own]);
}

/** What earlier months carry into a month. */
async function carriedTo(db: Queries, period: string): Promise<Carried[]> {
  const open = await openFindings(db);
  return open.flatMap((one) =>
    one.period < period && isClaimed(one.decision) ? [{ ...one, decision: one.decision }] : [],
  );
}
