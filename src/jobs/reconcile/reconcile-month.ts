import path from 'node:path';
import { heldLastMonth, recordReconciliation } from '../../db/reconciliations.ts';
import { withNamedLock } from '../../db/report-runs.ts';
import { recordSettlements } from '../../db/settlements.ts';
import { keepInvoice, keptInvoices, type VendorFile } from '../../db/vendor-invoices.ts';
import { monthBounds } from '../../domain/billing-month.ts';
import { withCredits } from '../../domain/reconciliation/credits.ts';
import { explain } from '../../domain/reconciliation/explain.ts';
import type { Explanation } from '../../domain/reconciliation/explanation.ts';
import { type Findings, findingsOf, UnbalancedFindings } from '../../domain/reconciliation/findings.ts';
import type { VendorInvoice } from '../../domain/vendor-invoice.ts';
import { joinInvoices } from '../../domain/reconciliation/invoices.ts';
import { LedgerError } from '../../errors.ts';
import { requireTiedOut } from '../../invoices/require-tied-out.ts';
import type { DraftFile } from '../../reports/draft-file.ts';
import type { ReconciliationHead } from '../../reports/reconciliation-files.ts';
import type { Context } from '../context.ts';
import { withReportSnapshot } from '../reading.ts';
import { bringUpToDate } from '../month/write-report.ts';
import { type Basis, type BooksOfMonth, booksOfMonth } from './books-of-month.ts';
import { settleCredits } from './settle-credits.ts';
import { writeReconciliation } from './write-reconciliation.ts';

/** An invoice to be held against the books, with the file that it came in. */
export type GivenInvoice = {
  readonly invoice: VendorInvoice;
  readonly file: VendorFile;
  readonly layout: VendorFile | undefined;
};

export type ReconcileOptions = {
  readonly basis: Basis;
  /** `undefined` = those that are kept. */
  readonly given: GivenInvoice | undefined;
  /** Keeps nothing and writes no file. */
  readonly isDryRun: boolean;
  readonly ranBy: string;
  readonly signal?: AbortSignal | undefined;
};

export type Reconciliation = {
  readonly head: ReconciliationHead;
  readonly found: Findings;
  readonly explanation: Explanation;
  readonly directory: string;
  /** Empty for a dry run. */
  readonly files: readonly DraftFile[];
  readonly replaced: string | null;
};

/**
 * Holds the vendor's invoice for a month against the books, says why they differ, and writes that beside the month's
 * report. An invoice that is given is kept first; the same one twice changes nothing.
 *
 * @throws LedgerError `period_not_ended`, `currency_differs`, `invoice_missing`, `prices_missing`, `report_busy`,
 * `reconciliation_unbalanced`, `invoice_not_tied_out`, `storage_full`, `storage_failed`, `database_unavailable`
 */
export async function reconcileMonth(
  context: Context,
  period: string,
  options: ReconcileOptions,
): Promise<Reconciliation> {
  expectEnded(context, period);
  const reconciled = await withNamedLock(context.db, `reconcile ${period}`, async (queries) => {
    await bringUpToDate(context, queries, period);
    return withReportSnapshot(context, async (snapshot) => {
      const month = await booksOfMonth(context, snapshot, period, options.basis);
      if (options.given) expectUsable(month, options.given.invoice);
      const { replaced, invoices } = await invoicesOf(context, period, options);
      return compare(context, month, { ...options, period, invoices, replaced });
    });
  });
  if (reconciled) return reconciled;
  throw new LedgerError('report_busy', `Another process is reconciling ${period}.`, {
    fields: { period },
    hint: 'Wait for it to end, then run the command again.',
  });
}

function expectEnded({ config, now }: Context, period: string): void {
  const { end } = monthBounds(period, config.billingTimeZone);
  if (now() >= end) return;
  throw new LedgerError('period_not_ended', `${period} ends on ${end.toISOString()}: there is no invoice for it yet.`, {
    fields: { period },
    hint: 'Reconcile it when it has ended.',
  });
}

/** Refuses what is not of these books, or contradicts itself, before anything is kept. */
function expectUsable({ books }: BooksOfMonth, invoice: VendorInvoice): void {
  const { number, currency } = invoice;
  if (currency === books.currency) {
    requireTiedOut(invoice);
    return;
  }
  throw new LedgerError(
    'currency_differs',
    `Invoice ${number} is in ${currency}, the books of ${books.period} are in ${books.currency}.`,
    {
      fields: { period: books.period, invoice: number },
      hint: 'Give the invoice of this account, or set PRICES_FILE to prices in its currency. Nothing was kept.',
    },
  );
}

type NamedInvoice = VendorInvoice & { readonly fileSha256: string; readonly id: string | null };

/** What is held against the books: what is kept for the month and, with it, what is given. */
async function invoicesOf(
  { db }: Context,
  period: string,
  { given, isDryRun, ranBy }: ReconcileOptions,
): Promise<{ invoices: readonly NamedInvoice[]; replaced: string | null }> {
  const before = await keptInvoices(db.kysely, period);
  const others = before.filter(({ number }) => number !== given?.invoice.number);
  if (![...(given ? [given.invoice, ...others] : before)].some(({ isCreditNote }) => !isCreditNote))
    throw new LedgerError('invoice_missing', `No invoice of the vendor's is kept for ${period}.`, {
      fields: { period },
      hint: `Give it: npx idscan-ledger reconcile ${period} --invoice <file>. A credit note comes after it, for the same month.`,
    });
  if (!given) return { invoices: before, replaced: null };
  if (isDryRun)
    return { invoices: [...others, { ...given.invoice, fileSha256: given.file.sha256, id: null }], replaced: null };
  const { replaced } = await keepInvoice(db.kysely, { period, ...given, keptBy: ranBy });
  return { invoices: await keptInvoices(db.kysely, period), replaced };
}

type Comparison = ReconcileOptions & {
  readonly period: string;
  readonly invoices: readonly NamedInvoice[];
  readonly replaced: string | null;
};

async function compare(
  context: Context,
  { books, cube, contract, isProvisional }: BooksOfMonth,
  { period, basis, invoices, replaced, isDryRun, ranBy, signal }: Comparison,
): Promise<Reconciliation> {
  const notes = invoices.filter(({ isCreditNote }) => isCreditNote);
  const invoice = joinInvoices(invoices.filter(({ isCreditNote }) => !isCreditNote));
  const priors = { held: await heldLastMonth(context.db.kysely, period) };
  const explanation = explain({ books, cube, contract, priors }, invoice);
  const credited = withCredits(
    balanced(() => findingsOf(books, invoice, explanation), period),
    period,
    notes,
  );
  const { found, settlements, ...standing } = await settleCredits(context.db.kysely, period, {
    found: credited,
    notes,
  });
  const directory = path.join(context.config.reportsDir, period);
  const head: ReconciliationHead = {
    period,
    basis,
    isProvisional,
    currency: books.currency,
    minorDigits: books.minorDigits,
    invoices: invoices.map(({ number, fileSha256, isCreditNote }) => ({ number, sha256: fileSha256, isCreditNote })),
    ...standing,
  };
  if (isDryRun) return { head, found, explanation, directory, files: [], replaced };
  const files = await writeReconciliation(head, found, { directory, signal });
  const run = {
    period,
    basis,
    isProvisional,
    invoices: invoices.flatMap(({ id }) => (id === null ? [] : [id])),
    currency: books.currency,
    total: found.total,
    findings: found.findings,
    held: explanation.steps.filter(({ certainty }) => certainty === 'fits').flatMap(({ part }) => part.readings.flat()),
    manifestSha256: files.at(-1)?.sha256 ?? '',
    ranBy,
  };
  await context.db.kysely.transaction().execute(async (queries) => {
    await recordReconciliation(queries, run);
    await recordSettlements(queries, settlements, ranBy);
  });
  return { head, found, explanation, directory, files, replaced };
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
