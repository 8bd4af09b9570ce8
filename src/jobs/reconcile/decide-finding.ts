import { hasFinding, recordDecision } from '../../db/reconciliations.ts';
import { openFindings, recordSettlements } from '../../db/settlements.ts';
import { earlierClaim } from '../../domain/reconciliation/matching.ts';
import { type DecisionName, smallerOf } from '../../domain/reconciliation/standing.ts';
import { LedgerError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { isClaimed } from './settle-credits.ts';

export type Decision = {
  readonly finding: string;
  readonly decision: DecisionName;
  readonly reason: string;
  readonly decidedBy: string;
};

/**
 * Keeps what somebody decided about a finding. Accepting a credit that is for an open finding of an earlier month
 * settles that.
 *
 * @throws LedgerError `usage_invalid` if the month's last run has no such finding.
 */
export async function decideFinding({ db }: Context, period: string, given: Decision): Promise<void> {
  const { finding, decision, decidedBy } = given;
  await db.kysely.transaction().execute(async (queries) => {
    if (!(await hasFinding(queries, period, finding)))
      throw new LedgerError('usage_invalid', `${finding} is no finding of ${period}.`, {
        hint: `The findings of the month: /reports/${period}/invoice in the browser, or npx idscan-ledger reconcile ${period}`,
      });
    const open = decision === 'accept' ? await openFindings(queries) : [];
    const credit = open.find((one) => one.period === period && one.finding === finding && one.cause === 'credit');
    const earlier = open.filter((one) => one.period < period && isClaimed(one.decision));
    const claim = credit && earlierClaim({ left: credit.left, description: credit.subject }, earlier);
    await recordDecision(queries, period, given);
    if (!credit || !claim) return;
    const amount = smallerOf(claim.left, -credit.left);
    await recordSettlements(queries, [{ of: claim, by: credit, amount, matchedBy: 'accept' }], decidedBy);
  });
}
