import { createHash } from 'node:crypto';
import type { VendorFile } from '../../db/vendor-files.ts';
import type { VendorInvoice } from '../../domain/vendor-invoice.ts';
import type { Layout } from '../../invoices/layout/layout.ts';
import { parseLayout } from '../../invoices/layout/layout-file.ts';
import { readInvoice } from '../../invoices/read-invoice.ts';
import { readUsage } from '../../invoices/read-usage.ts';
import { unreadable } from '../../invoices/refusals.ts';
import type { GivenInvoice, GivenUsage } from './reconcile-month.ts';
import { periodDoubts } from './usable.ts';

export type GivenLayout = { readonly file: VendorFile; readonly content: Layout };

/** @throws LedgerError `data_file_invalid` */
export const layoutFrom = (file: VendorFile): GivenLayout => ({
  file,
  content: parseLayout(file.content, file.name).content,
});

/**
 * @param period the month that the invoice is given for.
 * @throws LedgerError `invoice_unreadable`, `invoice_ambiguous`, `layout_mismatch`
 */
export async function invoiceFrom(
  file: VendorFile,
  layout: GivenLayout | undefined,
  period: string,
): Promise<GivenInvoice> {
  const { invoice, detected } = await readInvoice(file.content, file.name, layout?.content);
  const notes = [...detected.notes, ...dateDoubts(invoice, period), ...periodDoubts(invoice, period)];
  return { invoice, detected: { ...detected, notes }, file, layout: layout?.file };
}

/** An invoice may come a year late. Before the month, or later than that, it is rather another month's. */
function dateDoubts({ issueDate }: VendorInvoice, period: string): string[] {
  const last = `${Number(period.slice(0, 4)) + 1}${period.slice(4)}-31`;
  return issueDate < period || issueDate > last ? [`issued on ${issueDate}: is it the invoice of ${period}?`] : [];
}

/**
 * The file may be of any size: it is never held whole.
 *
 * @param open called once for each time the file is gone through.
 * @throws LedgerError `usage_unreadable`, `usage_ambiguous`, `layout_mismatch`
 */
export async function usageFrom(
  { name, sha256 }: { readonly name: string; readonly sha256: string },
  open: () => AsyncIterable<Buffer>,
  layout: GivenLayout | undefined,
): Promise<GivenUsage> {
  const { detected, rows, otherTaskTypes } = await readUsage(name, open, layout?.content);
  return {
    name,
    sha256,
    layout: layout?.file,
    content: unchanged(name, sha256, open()),
    rows,
    detected,
    otherTaskTypes,
  };
}

/** The file, which is gone through several times: what is kept are the bytes that have this hash. */
async function* unchanged(name: string, sha256: string, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== sha256)
    throw unreadable({ subject: 'usage', name }, 'was changed while it was read', 'Give it again when it is whole.');
}
