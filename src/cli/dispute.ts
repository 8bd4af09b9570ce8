import { composeBooks } from '../compose/books.ts';
import { isPeriod } from '../domain/billing-month.ts';
import { formatAmount, minorUnitDigits } from '../domain/money.ts';
import { counted } from '../domain/wording.ts';
import { type Dispute, disputeMonth } from '../jobs/reconcile/dispute-month.ts';
import { disputeTotals, payableCredit, roundedFrom } from '../reports/dispute/files.ts';
import { say } from './output.ts';
import { type CommandInput, type ExitCode, usageError } from './run.ts';

/** `dispute <YYYY-MM> [--out <folder>] [--json]` */
export async function dispute(
  period: string,
  { out, json }: { readonly out?: string; readonly json: boolean },
  { config, signal }: CommandInput,
): Promise<ExitCode> {
  if (!isPeriod(period)) throw usageError(`${period} is not a month.`, 'Write it as YYYY-MM, such as 2026-10.');
  const { context, close } = await composeBooks(config);
  try {
    const written = await disputeMonth(context, period, { out, signal });
    say(...(json ? [disputeJson(written)] : disputeText(written)));
    return 0;
  } finally {
    await close();
  }
}

function disputeText({ head, directory, files }: Dispute): string[] {
  const { expected, evidenceRows } = disputeTotals(head.findings);
  const amount = formatAmount(payableCredit(expected, head.currency), minorUnitDigits(head.currency));
  const rounded = roundedFrom(expected, head.currency);
  return [
    `Dispute of ${head.period} with ${head.invoices.map(({ number }) => number).join(', ')}: ${counted(head.findings.length, 'finding')}, ${counted(evidenceRows, 'attempt')} as evidence.`,
    `Expected credit: ${amount} ${head.currency}, without tax.`,
    ...(rounded === undefined ? [] : [rounded]),
    `Files in ${directory}:`,
    ...files.map(({ name, bytes }) => `  ${name}  ${counted(bytes, 'byte')}`),
    `Add names and addresses to the letter. Prove the folder: npx idscan-ledger verify ${directory}`,
  ];
}

function disputeJson({ head, directory, files }: Dispute): string {
  const totals = disputeTotals(head.findings);
  const money = (amount: bigint) => formatAmount(amount, minorUnitDigits(head.currency));
  return JSON.stringify(
    {
      period: head.period,
      currency: head.currency,
      invoices: head.invoices.map(({ number }) => number),
      findings: head.findings.map(({ id, amount, settled }) => ({
        finding: id,
        amount_difference: money(amount),
        settled_amount: money(settled),
      })),
      disputed_amount: money(totals.disputed),
      settled_amount: money(totals.settled),
      expected_credit: money(totals.expected),
      payable_credit: money(payableCredit(totals.expected, head.currency)),
      evidence_rows: totals.evidenceRows,
      directory,
      files: files.map(({ name, sha256, bytes }) => ({ name, sha256, bytes })),
    },
    null,
    2,
  );
}
