import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { formatAmount } from '../domain/money.ts';
import type { Cause } from '../domain/reconciliation/causes.ts';
import type { Finding } from '../domain/reconciliation/findings.ts';
import { counted } from '../domain/wording.ts';
import type { Context } from '../jobs/context.ts';
import { decideFinding } from '../jobs/reconcile/decide-finding.ts';
import { type Dispute, disputeMonth } from '../jobs/reconcile/dispute-month.ts';
import { type Reconciliation, reconcileMonth } from '../jobs/reconcile/reconcile-month.ts';
import { disputeTotals } from '../reports/dispute/files.ts';
import type { BillingMistake, DocumentName, Simulator } from '../simulator/index.ts';
import { currentUser } from './current-user.ts';
import { invoiceGiven, usageGiven } from './vendor-files.ts';

/** What the simulated vendor gets wrong on its invoice. */
const mistakes: readonly BillingMistake[] = ['rule', 'billed_twice'];

/** What became of the invoice that the simulated vendor sent. */
export type DemoReconciliation = {
  readonly invoiceFile: string;
  readonly made: readonly BillingMistake[];
  readonly reconciliation: Reconciliation;
  /** `null` = there was nothing to dispute. */
  readonly dispute: Dispute | null;
};

/**
 * Receives an invoice with mistakes, and the usage statement to it, finds what is wrong, and writes what is to be sent.
 *
 * @returns `null` if the month has nothing that an invoice could be about.
 */
export async function reconcileDemo(
  context: Context,
  { simulator, period, priceList }: { simulator: Simulator; period: string; priceList: string },
  signal: AbortSignal,
): Promise<DemoReconciliation | null> {
  const bill = simulator.bill({ priceList: await readFile(priceList, 'utf8'), month: period, mistakes });
  if (bill.usage.length === 0) return null;
  const folder = path.join(context.config.dataDir, 'from-vendor');
  await mkdir(folder, { recursive: true });
  const received = async (name: DocumentName): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, await simulator.document(bill, name));
    return file;
  };
  const invoiceFile = await received('invoice.csv');
  const options = { basis: 'restated', isDryRun: false, ranBy: currentUser(), signal } as const;
  const [given, usage] = [
    await invoiceGiven(invoiceFile, undefined, period),
    await usageGiven(await received('usage.csv'), undefined),
  ];
  const reconciliation = await reconcileMonth(context, period, { ...options, given, usage });
  const disputed = reconciliation.found.findings.filter(
    ({ likelyWrong, amountDifference }) => likelyWrong === 'vendor' && amountDifference > 0n,
  );
  const reason = 'The vendor charges more than its documentation and the books say.';
  for (const { id: finding } of disputed)
    await decideFinding(context, period, { finding, decision: 'dispute', reason, decidedBy: currentUser() });
  if (disputed.length > 0) await reconcileMonth(context, period, { ...options, given: undefined, usage: undefined });
  const dispute = disputed.length === 0 ? null : await disputeMonth(context, period, { out: undefined, signal });
  return { invoiceFile, made: bill.made, reconciliation, dispute };
}

/** Whether everything that the vendor got wrong was found, or is among what it may have been. */
export const isAllFound = ({ made, reconciliation }: DemoReconciliation): boolean =>
  made.every((mistake) =>
    reconciliation.found.findings.some(
      ({ cause, alternatives }) => cause === mistake || alternatives.includes(`${mistake}(`),
    ),
  );

/** The three steps, for somebody who sees this for the first time. */
export function demoReconciliationText(done: DemoReconciliation): string[] {
  const { head, found } = done.reconciliation;
  const money = (amount: bigint): string => `${formatAmount(amount, head.minorDigits)} ${head.currency}`;
  const { vendorAmount, amountDifference } = found.total;
  const byCause = [...Map.groupBy(found.findings, ({ cause }) => cause)];
  const numbers = head.invoices.map(({ number }) => number).join(', ');
  return [
    'Then the vendor sent an invoice with mistakes:',
    `  1. Invoice ${numbers} came with a usage statement: ${money(vendorAmount)} without tax, ${differenceText(amountDifference, money)}.`,
    `  2. Reconciling found ${counted(byCause.length, 'cause')}:`,
    ...byCause.map(([cause, findings]) => `     ${causeLine(cause, findings, money)}`),
    ...(done.dispute === null ? ['  3. There is nothing to dispute.'] : sendLines(done.dispute, money)),
  ];
}

function differenceText(difference: bigint, money: (amount: bigint) => string): string {
  if (difference === 0n) return 'as much as the books';
  return difference > 0n ? `${money(difference)} more than the books` : `${money(-difference)} less than the books`;
}

function causeLine(cause: Cause, findings: readonly Finding[], money: (amount: bigint) => string): string {
  const amount = findings.reduce((sum, { amountDifference }) => sum + amountDifference, 0n);
  const attempts = findings.reduce((sum, { evidenceRows }) => sum + evidenceRows, 0);
  const certainties = [...new Set(findings.map(({ certainty }) => certainty))].join(' or ');
  const subjects = [...new Set(findings.map(({ subject }) => subject))].join(', ');
  const evidence = attempts === 0 ? '' : `${counted(attempts, 'attempt')}, `;
  return `${cause}: ${evidence}${money(amount)}. ${saidOf(cause, subjects)} (${certainties})`;
}

function saidOf(cause: Cause, subjects: string): string {
  if (cause === 'rule') return `Its documentation does not charge ${subjects}.`;
  if (cause === 'billed_twice') return 'Its usage statement has them twice.';
  return `About ${subjects}.`;
}

function sendLines({ head, directory }: Dispute, money: (amount: bigint) => string): string[] {
  const { expected, evidenceRows } = disputeTotals(head.findings);
  return [
    `  3. What to send is in ${directory}: a letter, English and Dutch, that asks for a credit of ${money(expected)}, with ${counted(evidenceRows, 'attempt')} as evidence.`,
  ];
}
