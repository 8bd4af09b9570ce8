import { type GoneDecision, goneDecisions } from '../../db/gone-decisions.ts';
import { givenNames, heldLastMonth, recordReconciliation } from '../../db/reconciliations.ts';
import { recordSettlements } from '../../db/settlements.ts';
import { inBooking, type Snapshot } from '../../db/snapshot.ts';
import { type KeptUsage, keptUsage, type UsageToKeep } from '../../db/usage-statements.ts';
import { type WithdrawnFile, withdrawnFiles } from '../../db/vendor-file-withdrawals.ts';
import type { VendorFile } from '../../db/vendor-files.ts';
import { keepInvoice, type KeptInvoice, keptInvoices } from '../../db/vendor-invoices.ts';
import { monthBounds } from '../../domain/billing-month.ts';
import { withCredits } from '../../domain/reconciliation/credits.ts';
import { explain } from '../../domain/reconciliation/explain.ts';
import { explainByUsage } from '../../domain/reconciliation/explain-usage.ts';
import type { Explanation } from '../../domain/reconciliation/explanation.ts';
import { type Findings, findingsOf, UnbalancedFindings } from '../../domain/reconciliation/findings.ts';
import type { VendorInvoice } from '../../domain/vendor-invoice.ts';
import { atPricesOf, joinInvoices } from '../../domain/reconciliation/invoices.ts';
import { LedgerError } from '../../errors.ts';
import type { Detected } from '../../invoices/read-invoice.ts';
import type { ReadUsage } from '../../invoices/read-usage.ts';
import { requireTiedOut } from '../../invoices/require-tied-out.ts';
import type { DraftFile } from '../../reports/draft-file.ts';
import type { ReconciliationHead } from '../../reports/reconciliation-files.ts';
import type { Context } from '../context.ts';
import { bringUpToDate } from '../month/write-report.ts';
import { type Basis, type BooksOfMonth, booksOfMonth } from './books-of-month.ts';
import { expectKnownTaskTypes } from './known-task-types.ts';
import { withReconcileLock } from './reconcile-lock.ts';
import { settleCredits } from './settle-credits.ts';
import { expectCurrency, expectOfMonth, expectTaskTypes, keepUsageOfMonth } from './usable.ts';
import { withdrawnTexts } from './withdrawn.ts';
import { writeReconciliation } from './write-reconciliation.ts';

/** An invoice to be held against the books, with the file that it came in. */
export type GivenInvoice = {
  readonly invoice: VendorInvoice;
  readonly file: VendorFile;
  readonly layout: VendorFile | undefined;
  readonly detected: Detected;
};

/** A usage statement to match attempts with: its file and its rows are read while they are kept. */
export type GivenUsage = Omit<UsageToKeep, 'period' | 'keptBy'> & Pick<ReadUsage, 'detected' | 'otherTaskTypes'>;

export type ReconcileOptions = {
  readonly basis: Basis;
  /** `undefined` = those that are kept. */
  readonly given: GivenInvoice | undefined;
  /** `undefined` = the one that is kept, if any. */
  readonly usage: GivenUsage | undefined;
  /** Keeps nothing and writes no file. */
  readonly isDryRun: boolean;
  readonly ranBy: string;
  readonly signal?: AbortSignal | undefined;
};

export type Reconciliation = {
  readonly head: ReconciliationHead;
  readonly found: Findings;
  readonly explanation: Explanation;
  /** Where its files are, for people. */
  readonly directory: string;
  /** Empty for a dry run. */
  readonly files: readonly DraftFile[];
  readonly replaced: string | null;
  /** What was taken back from the month before. */
  readonly withdrawn: readonly WithdrawnFile[];
  /** What was decided about findings that are found no longer. */
  readonly gone: readonly GoneDecision[];
};

/**
 * Holds the vendor's invoice for a month against the books, says why they differ, and writes that beside the month's
 * report. An invoice or usage statement that is given is kept with it, all or nothing; the same one twice changes nothing.
 *
 * @throws LedgerError `period_not_ended`, `period_differs`, `invoice_elsewhere`, `currency_differs`, `invoice_missing`,
 * `prices_missing`, `report_busy`, `usage_ambiguous`, `reconciliation_unbalanced`, `invoice_not_tied_out`, `storage_full`,
 * `storage_failed`, `database_unavailable`
 */
export async function reconcileMonth(
  context: Context,
  period: string,
  options: ReconcileOptions,
): Promise<Reconciliation> {
  expectEnded(context, period);
  return withReconcileLock(context.db, period, async (connection) => {
    await bringUpToDate(context, connection.queries, period);
    return inBooking(connection, (booking) => reconcileIn(context, booking, period, options), options);
  });
}

async function reconcileIn(
  context: Context,
  booking: Snapshot,
  period: string,
  options: ReconcileOptions,
): Promise<Reconciliation> {
  const { given, usage, ranBy } = options;
  if (given) expectOfMonth(given.invoice, period);
  const kept = given && (await keepInvoice(booking.queries, { period, ...given, keptBy: ranBy }));
  if (usage) {
    await keepUsageOfMonth(context, booking, period, { ...usage, keptBy: ranBy });
    await expectKnownTaskTypes(booking.queries, usage);
  }
  const invoices = await keptInvoices(booking.queries, period);
  const withdrawn = await withdrawnFiles(booking.queries, period);
  if (!invoices.some(({ isCreditNote }) => !isCreditNote)) throw invoiceMissing(period, withdrawn);
  const statement = await keptUsage(booking.queries, period);
  const month = await booksOfMonth(context, booking, period, {
    basis: options.basis,
    statement: statement?.id ?? null,
  });
  for (const one of invoices) expectCurrency(month, one);
  if (given) {
    expectTaskTypes(month, given.invoice, given.file.name);
    requireTiedOut(given.invoice);
  }
  return compare(context, booking, month, {
    ...options,
    period,
    invoices,
    statement,
    withdrawn,
    replaced: kept?.replaced ?? null,
  });
}

const invoiceMissing = (period: string, withdrawn: readonly WithdrawnFile[]): LedgerError =>
  new LedgerError(
    'invoice_missing',
    [`No invoice of the vendor's counts for ${period}.`, ...withdrawnTexts(withdrawn, [])].join('\n'),
    {
      fields: { period },
      hint: `Give it: /reports/${period}/invoice in the browser, or npx idscan-ledger reconcile ${period} --invoice <file>. A credit note comes after it, for the same month.`,
    },
  );

function expectEnded({ config, now }: Context, period: string): void {
  const { end } = monthBounds(period, config.billingTimeZone);
  if (now() >= end) return;
  throw new LedgerError('period_not_ended', `${period} ends on ${end.toISOString()}: there is no invoice for it yet.`, {
    fields: { period },
    hint: 'Reconcile it when it has ended.',
  });
}

type Comparison = ReconcileOptions & {
  readonly period: string;
  readonly invoices: readonly KeptInvoice[];
  readonly statement: KeptUsage | undefined;
  readonly withdrawn: readonly WithdrawnFile[];
  readonly replaced: string | null;
};

async function compare(
  context: Context,
  booking: Snapshot,
  { books, cube, contract, scope, isProvisional }: BooksOfMonth,
  { period, basis, invoices, statement, withdrawn, replaced, isDryRun, ranBy, signal }: Comparison,
): Promise<Reconciliation> {
  const { queries } = booking;
  const notes = invoices.filter(({ isCreditNote }) => isCreditNote);
  const invoice = atPricesOf(books, joinInvoices(invoices.filter(({ isCreditNote }) => !isCreditNote)));
  const month = { books, cube, contract, priors: { held: await heldLastMonth(queries, period) } };
  const explanation = statement ? explainByUsage(month, invoice) : explain(month, invoice);
  const given = await givenNames(queries, period);
  const credited = withCredits(
    balanced(() => findingsOf(books, invoice, explanation, given), period),
    period,
    notes,
  );
  const { found, settlements, ...standing } = await settleCredits(queries, period, {
    found: credited,
    notes,
    currency: books.currency,
  });
  const folder = context.reports.folder(period);
  const head: ReconciliationHead = {
    period,
    basis,
    isProvisional,
    currency: books.currency,
    minorDigits: books.minorDigits,
    invoices: invoices.map(({ number, fileSha256, isCreditNote, layout }) => ({
      number,
      sha256: fileSha256,
      isCreditNote,
      layout,
    })),
    usage: statement ? { name: statement.name, sha256: statement.fileSha256, layout: statement.layout } : null,
    ...standing,
  };
  const gone = await goneDecisions(
    queries,
    period,
    found.findings.map(({ id }) => id),
  );
  const result = { head, found, explanation, directory: folder.place, replaced, withdrawn, gone };
  if (isDryRun) return { ...result, files: [] };
  const files = await writeReconciliation(booking, head, found, { folder, scope, signal });
  await recordReconciliation(queries, {
    period,
    basis,
    isProvisional,
    invoices: invoices.map(({ id }) => id),
    currency: books.currency,
    total: found.total,
    findings: found.findings,
    held: explanation.steps
      .filter(({ certainty }) => certainty !== 'ambiguous')
      .flatMap(({ part }) => part.readings.flat()),
    manifestSha256: files.at(-1)?.sha256 ?? '',
    ranBy,
  });
  await recordSettlements(queries, settlements, ranBy);
  return { ...result, files };
}

/** @throws LedgerError `reconciliation_unbalanced` */
function balanced(find: () => Findings, period: string): Findings {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof UnbalancedFindings)) throw error;
    throw new LedgerError('reconciliation_unbalanced', `${period} cannot be reconciled. ${error.message}`, {
      fields: { period },
      hint: 'No file was written. This is a fault of the program: please report it with this message.',
      cause: error,
    });
  }
}
