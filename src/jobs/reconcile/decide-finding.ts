import type { Queries } from '../../db/database.ts';
import { findingAmount, recordDecision } from '../../db/reconciliations.ts';
import { recordSettlements, type SettledFinding, settledFindings } from '../../db/settlements.ts';
import { formatAmount, type Micros, minorUnitDigits } from '../../domain/money.ts';
import { earlierClaim } from '../../domain/reconciliation/matching.ts';
import { type DecisionName, smallerOf } from '../../domain/reconciliation/standing.ts';
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
};

/**
 * Keeps what somebody decided about a finding, for as long as it comes to the same. Accepting a credit that is for an open
 * finding of an earlier month settles that.
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
  const { finding, decision, decidedBy, seen } = given;
  const amount = await findingAmount(queries, period, finding);
  if (amount === undefined)
    throw new LedgerError('usage_invalid', `${finding} is no finding of ${period}.`, {
      hint: `The findings of the month: /reports/${period}/invoice in the browser, or npx idscan-ledger reconcile ${period}`,
    });
  if (seen !== undefined && seen !== amount)
    throw new LedgerError(
      'reconciliation_changed',
      `${finding} of ${period} comes to ${formatAmount(amount, 2)} by now. Nothing was decided.`,
      { fields: { period, finding }, hint: 'Look at the finding again, then decide.' },
    );
  const all = await settledFindings(queries, { period, finding, decision });
  const decided = all.find((one) => one.period === period && one.finding === finding);
  const settlement = decided && decision === 'accept' ? earlierSettlement(all, decided) : undefined;
  // What a credit settles by being accepted is no part of what is accepted without settling anything.
  const left = amount - (decided?.settled ?? 0n) + (settlement?.amount ?? 0n);
  const decisionId = await recordDecision(queries, period, { ...given, amount, left });
  if (settlement) await recordSettlements(queries, [{ ...settlement, decisionId }], decidedBy);
}

/** What a credit settles of an earlier month if it is accepted. */
function earlierSettlement(all: readonly SettledFinding[], credit: SettledFinding) {
  if (credit.cause !== 'credit') return undefined;
  const { period, currency, subject: description } = credit;
  const left = credit.amount - credit.settled;
  const claim = earlierClaim({ left, description }, claimsBefore(all, period, currency), minorUnitDigits(currency));
  return claim && { of: claim, by: credit, amount: smallerOf(claim.left, -left), matchedBy: 'accept' as const };
}
