import type { Queries } from '../../db/database.ts';
import { findingAmount, recordDecision } from '../../db/reconciliations.ts';
import { recordSettlements, type SettledFinding, settledFindings } from '../../db/settlements.ts';
import { formatAmount, type Micros, minorUnitDigits } from '../../domain/money.ts';
import { earlierClaims, sharesOf } from '../../domain/reconciliation/earlier.ts';
import type { DecisionName } from '../../domain/reconciliation/standing.ts';
import { LedgerError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { withReconcileLock } from './reconcile-lock.ts';
import { claimsBefore } from './settle-credits.ts';

export type Decision = {
  readonly finding: string;
  readonly decision: DecisionName;
  readonly reason: string;
  readonly decidedBy: string;
  /** What whoever decides was shown that it comes to; `undefined` = the last run's. */
  readonly seen?: Micros | undefined;
  /** What they were shown that no credit had settled of it; `undefined` = what is left now. */
  readonly seenLeft?: Micros | undefined;
};

/**
 * Keeps what somebody decided about a finding, for as long as it comes to the same. Accepting a credit that is for open
 * findings of earlier months settles these.
 *
 * @throws LedgerError `usage_invalid` if the month's last run has no such finding, `reconciliation_changed` if it comes to
 * something else by now, `report_busy`
 */
export async function decideFinding({ db }: Context, period: string, given: Decision): Promise<void> {
  await withReconcileLock(db, period, ({ queries }) =>
    queries.transaction().execute(async (transaction) => {
      await decideIn(transaction, period, given);
      return {};
    }),
  );
}

async function decideIn(queries: Queries, period: string, given: Decision): Promise<void> {
  const { finding, decision, decidedBy } = given;
  const amount = await findingAmount(queries, period, finding);
  if (amount === undefined)
    throw new LedgerError('usage_invalid', `${finding} is no finding of ${period}.`, {
      hint: `The findings of the month: /reports/${period}/invoice in the browser, or npx idscan-ledger reconcile ${period}`,
    });
  await expectAsSeen(queries, period, amount, given);
  const all = await settledFindings(queries, { period, finding, decision });
  const decided = all.find((one) => one.period === period && one.finding === finding);
  const settlements = decided && decision === 'accept' ? earlierSettlements(all, decided) : [];
  // What a credit settles by being accepted is no part of what is accepted without settling anything.
  const settling = settlements.reduce((sum, one) => sum + one.amount, 0n);
  const left = amount - (decided?.settled ?? 0n) + settling;
  const decisionId = await recordDecision(queries, period, { ...given, amount, left });
  await recordSettlements(
    queries,
    settlements.map((one) => ({ ...one, decisionId })),
    decidedBy,
  );
}

/** Who decides about what has changed since they saw it would decide about something else. */
async function expectAsSeen(
  queries: Queries,
  period: string,
  amount: Micros,
  { finding, seen = amount, seenLeft }: Decision,
): Promise<void> {
  const changed = (what: string, now: Micros): LedgerError =>
    new LedgerError(
      'reconciliation_changed',
      `${finding} of ${period}: ${what} ${formatAmount(now, 2)} by now. Nothing was decided.`,
      { fields: { period, finding }, hint: 'Look at the finding again, then decide.' },
    );
  if (seen !== amount) throw changed('it comes to', amount);
  if (seenLeft === undefined) return;
  const known = await settledFindings(queries);
  const left = amount - (known.find((one) => one.period === period && one.finding === finding)?.settled ?? 0n);
  if (seenLeft !== left) throw changed('what no credit has settled of it is', left);
}

/** What a credit settles of earlier months if it is accepted. */
function earlierSettlements(all: readonly SettledFinding[], credit: SettledFinding) {
  if (credit.cause !== 'credit') return [];
  const { period, currency, subject: description } = credit;
  const left = credit.amount - credit.settled;
  const earlier = claimsBefore(all, period, currency);
  const { claims } = earlierClaims({ left, description }, earlier, minorUnitDigits(currency));
  return sharesOf(claims, left).map(({ claim: of, amount }) => ({
    of,
    by: credit,
    amount,
    matchedBy: 'accept' as const,
  }));
}
