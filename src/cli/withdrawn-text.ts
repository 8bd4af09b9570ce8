import type { WithdrawnDecision, WithdrawnFile } from '../db/vendor-file-withdrawals.ts';
import { formatAmount } from '../domain/money.ts';
import { withdrawnText } from '../jobs/reconcile/reconcile-month.ts';
import type { FileWithdrawn } from '../jobs/reconcile/withdraw-file.ts';

/** What became of a file that was just withdrawn, for a person. */
export const goneText = ({ name, countsAgain, hasInvoice }: FileWithdrawn, period: string): string[] => [
  `${name} is withdrawn from ${period}: the file stays, and counts no more.`,
  ...(countsAgain ? ['What it had replaced counts again.'] : []),
  ...(hasInvoice
    ? []
    : [`No invoice is left to reconcile ${period} with. The reconciliation files that are there count no more.`]),
];

/** What was withdrawn from a month, with what had been decided about it. */
export const withdrawnLines = (files: readonly WithdrawnFile[], minorDigits: number): string[] =>
  files.flatMap((file) => [
    withdrawnText(file),
    ...file.decisions.map(
      ({ finding, decision, amount, decidedBy, reason }) =>
        `  decided before: ${finding}=${decision}${amount === null ? '' : ` about ${formatAmount(amount, minorDigits)}`} by ${decidedBy}: ${reason}`,
    ),
  ]);

/** The same for a program. */
export const withdrawnJson = ({ name, sha256, reason, withdrawnAt, withdrawnBy, decisions }: WithdrawnFile) => ({
  name,
  sha256,
  reason,
  withdrawn_at: withdrawnAt.toISOString(),
  withdrawn_by: withdrawnBy,
  decisions: decisions.map((one) => decisionJson(one)),
});

const decisionJson = ({ finding, decision, amount, reason, decidedAt, decidedBy }: WithdrawnDecision) => ({
  finding,
  decision,
  amount: amount === null ? null : formatAmount(amount, 2),
  reason,
  decided_at: decidedAt.toISOString(),
  decided_by: decidedBy,
});
