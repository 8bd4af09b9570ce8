import type { VendorFile } from '../../db/vendor-files.ts';
import type { Layout } from '../../invoices/layout/layout.ts';
import { parseLayout } from '../../invoices/layout/layout-file.ts';
import { readInvoice } from '../../invoices/read-invoice.ts';
import { readUsage } from '../../invoices/read-usage.ts';
import type { GivenInvoice, GivenUsage } from './reconcile-month.ts';

export type GivenLayout = { readonly file: VendorFile; readonly content: Layout };

/** @throws LedgerError `data_file_invalid` */
export const layoutFrom = (file: VendorFile): GivenLayout => ({
  file,
  content: parseLayout(file.content, file.name).content,
});

/** @throws LedgerError `invoice_unreadable`, `invoice_ambiguous`, `layout_mismatch` */
export async function invoiceFrom(file: VendorFile, layout: GivenLayout | undefined): Promise<GivenInvoice> {
  const { invoice, detected } = await readInvoice(file.content, file.name, layout?.content);
  return { invoice, detected, file, layout: layout?.file };
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
  return { name, sha256, layout: layout?.file, content: open(), rows, detected, otherTaskTypes };
}
