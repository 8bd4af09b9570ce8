import type { GoneDecision } from '../db/gone-decisions.ts';
import type { WithdrawnFile } from '../db/vendor-file-withdrawals.ts';
import { formatAmount, minorUnitDigits } from '../domain/money.ts';
import { causeText } from '../domain/reconciliation/causes.ts';
import type { FileWithdrawn } from '../jobs/reconcile/withdraw-file.ts';
import { isGoneWith } from '../jobs/reconcile/withdrawn.ts';
import { table } from './output.ts';

/** What became of a file that was just withdrawn, for a person. */
export const goneText = ({ name, countsAgain, hasInvoice }: FileWithdrawn, period: string): string[] => [
  `${name} is withdrawn from ${period}: the file stays, and counts no more.`,
  ...(countsAgain ? ['What it had replaced counts again.'] : []),
  ...(hasInvoice
    ? []
    : [`No invoice is left to reconcile ${period} with. The reconciliation files that are there count no more.`]),
];

/** What was decided about findings that are found no longer, for a person. */
export function goneDecisionLines(gone: readonly GoneDecision[]): string[] {
  if (gone.length === 0) return [];
  return [
    '',
    'Decided earlier and no longer found:',
    ...table(
      ['finding', 'effect', 'about', 'decision', 'amount', '', 'on', 'by', 'reason'],
      gone.map((one) => [
        one.finding,
        one.effect,
        aboutOf(one),
        one.decision,
        amountOf(one) ?? 'not known',
        one.currency,
        one.decidedAt.toISOString().slice(0, 10),
        one.decidedBy,
        one.reason,
      ]),
      [4],
    ),
  ];
}

export const aboutOf = ({ cause, subject }: Pick<GoneDecision, 'cause' | 'subject'>): string =>
  subject === '' ? cause : causeText({ cause, subject });
const amountOf = ({ amount, currency }: GoneDecision): string | null =>
  amount === null ? null : formatAmount(amount, minorUnitDigits(currency));

/** The same for a program. */
export const goneDecisionJson = (one: GoneDecision) => ({
  finding: one.finding,
  effect: one.effect,
  cause: one.cause,
  subject: one.subject,
  decision: one.decision,
  amount: amountOf(one),
  currency: one.currency,
  reason: one.reason,
  decided_at: one.decidedAt.toISOString(),
  decided_by: one.decidedBy,
});

/** What was withdrawn from a month, with the decisions that went with it, for a program. */
export const withdrawnJson = (file: WithdrawnFile, gone: readonly GoneDecision[]) => ({
  name: file.name,
  sha256: file.sha256,
  reason: file.reason,
  withdrawn_at: file.withdrawnAt.toISOString(),
  withdrawn_by: file.withdrawnBy,
  decisions: gone.filter((one) => isGoneWith(file, one)).map((one) => goneDecisionJson(one)),
});
