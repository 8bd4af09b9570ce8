import type { Queries } from '../../db/database.ts';
import { keptUsage } from '../../db/usage-statements.ts';
import { type FileId, withdrawFile } from '../../db/vendor-file-withdrawals.ts';
import { keptInvoices } from '../../db/vendor-invoices.ts';
import { LedgerError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { withReconcileLock } from './reconcile-lock.ts';

export type FileWithdrawal = {
  /** An invoice's number, a usage statement's file name, or the SHA-256 of either file. */
  readonly file: string;
  readonly reason: string;
  readonly withdrawnBy: string;
};

export type FileWithdrawn = {
  /** The invoice's number, or the statement's file name. */
  readonly name: string;
  /** What it had replaced counts again. */
  readonly countsAgain: boolean;
  /** Whether there is an invoice left to reconcile. */
  readonly hasInvoice: boolean;
};

/**
 * Takes back an invoice or usage statement that was given for a month: the file stays, with who took it back and why, and
 * counts no more. What it had replaced counts again.
 *
 * @throws LedgerError `usage_invalid` if no such file counts for the month, or several do; `report_busy`
 */
export async function withdrawVendorFile(
  { db }: Context,
  period: string,
  { file, ...why }: FileWithdrawal,
): Promise<FileWithdrawn> {
  return withReconcileLock(db, period, ({ queries }) =>
    queries.transaction().execute(async (transaction) => {
      const before = await countingFiles(transaction, period);
      const found = before.filter(({ name, sha256 }) => name === file || sha256 === file);
      const [one, other] = found;
      if (!one || other) throw notOne(period, file, found.length === 0 ? before : found);
      await withdrawFile(transaction, one.id, why);
      const after = await countingFiles(transaction, period);
      return {
        name: one.name,
        countsAgain: after.length === before.length,
        hasInvoice: after.some(({ isInvoice }) => isInvoice),
      };
    }),
  );
}

export type CountingFile = {
  readonly id: FileId;
  readonly name: string;
  readonly sha256: string;
  readonly isInvoice: boolean;
};

/** The invoices and the usage statement that count for a month. */
export async function countingFiles(queries: Queries, period: string): Promise<CountingFile[]> {
  const invoices = await keptInvoices(queries, period);
  const usage = await keptUsage(queries, period);
  return [
    ...invoices.map(({ id, number, fileSha256, isCreditNote }) => ({
      id: { invoice: id },
      name: number,
      sha256: fileSha256,
      isInvoice: !isCreditNote,
    })),
    ...(usage ? [{ id: { statement: usage.id }, name: usage.name, sha256: usage.fileSha256, isInvoice: false }] : []),
  ];
}

function notOne(period: string, file: string, among: readonly CountingFile[]): LedgerError {
  const names = among.map(({ name, sha256 }) => `${name} (${sha256})`).join(', ');
  return new LedgerError(
    'usage_invalid',
    `${file} is not one file that counts for ${period}: ${names === '' ? 'none does' : names}. Nothing was withdrawn.`,
    {
      fields: { period },
      hint: 'Give the number of an invoice, the name of a usage statement, or the SHA-256 of the file.',
    },
  );
}
