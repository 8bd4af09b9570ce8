import type { Bill } from './bill.ts';
import { dutchInvoice, plainInvoice, usageStatement } from './csv.ts';
import { layout } from './layout.ts';
import { ublInvoice } from './ubl.ts';

/** What the vendor sends for a month, by the names of the files. */
export const documents = {
  'invoice.csv': { contentType: 'text/csv; charset=utf-8', write: plainInvoice },
  'invoice-nl.csv': { contentType: 'text/csv; charset=windows-1252', write: dutchInvoice },
  'invoice.xlsx': {
    contentType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    // Loaded when it is wanted: whoever writes no workbook needs no library for it.
    write: async (bill: Bill): Promise<Buffer> => (await import('./xlsx.ts')).workbook(bill),
  },
  'invoice.xml': { contentType: 'application/xml', write: ublInvoice },
  'usage.csv': { contentType: 'text/csv; charset=utf-8', write: usageStatement },
  /** How to read `invoice-nl.csv` and `invoice.xml`. */
  'layout.json': {
    contentType: 'application/json',
    write: (): Buffer => Buffer.from(`${JSON.stringify(layout, null, 2)}\n`),
  },
} satisfies Readonly<
  Record<string, { readonly contentType: string; readonly write: (bill: Bill) => Buffer | Promise<Buffer> }>
>;
export type DocumentName = keyof typeof documents;

export const isDocumentName = (name: string): name is DocumentName => Object.hasOwn(documents, name);
