import { createHash } from 'node:crypto';
import type { VendorInvoice } from '../domain/vendor-invoice.ts';
import { hasColumns } from './columns.ts';
import type { Encoding } from './csv/charset.ts';
import type { Delimiter } from './csv/records.ts';
import { csvTable } from './csv/table.ts';
import type { DayOrder } from './values/dates.ts';
import { fileKind, type FileKind } from './file-kind.ts';
import { type Layout, plainLayout } from './layout/layout.ts';
import type { DecimalMark } from './values/numbers.ts';
import type { Source } from './refusals.ts';
import type { Given } from './stated.ts';
import { invoiceOfTable, wantedColumns } from './table-invoice.ts';
import { ublInvoice } from './ubl/document.ts';
import { visibleRows } from './values/invisible.ts';
import { sheetOf } from './xlsx/workbook.ts';

/** What was found out about a file, to be shown before anything is kept. `null` = does not apply, or nothing depends on it. */
export type Detected = {
  readonly type: FileKind;
  /** Whether it is in the plain format of docs/vendor-invoices.md. */
  readonly isPlain: boolean;
  readonly layoutVersion: string | null;
  readonly encoding: Encoding | null;
  readonly delimiter: Delimiter | null;
  readonly decimal: DecimalMark | null;
  readonly date: DayOrder | null;
  readonly sheet: string | null;
  readonly headerLine: number | null;
  /** Our fields → the file's columns. */
  readonly columns: Readonly<Record<string, string>>;
  /** What is remarkable and no reason to refuse: lines that stand twice, and the like. */
  readonly notes: readonly string[];
};

export type ReadInvoice = {
  /** Of the bytes: the same file twice is one invoice. */
  readonly sha256: string;
  readonly invoice: VendorInvoice;
  readonly detected: Detected;
};

/**
 * Reads an invoice or credit note of the vendor's: CSV and its kin, XLSX, UBL 2.1. Nothing is rounded or guessed; whether
 * it adds up is another question: `tieOut`.
 *
 * @param name what messages call the file. @param layout without one, a CSV or XLSX is in the plain format.
 * @param given what the caller knows, and the file need not say.
 * @throws LedgerError `invoice_unreadable`, `invoice_ambiguous`, `layout_mismatch`: at most 20 mistakes, each with its
 * line, sheet row or cell.
 * @example const { invoice, detected } = await readInvoice(bytes, 'november.csv', readLayout('cm.json').content);
 */
export async function readInvoice(
  bytes: Buffer,
  name: string,
  layout?: Layout,
  given: Given = {},
): Promise<ReadInvoice> {
  const source: Source = { subject: 'invoice', name };
  const common = { layoutVersion: layout?.version ?? null, encoding: null, delimiter: null, sheet: null };
  const used = layout ?? plainLayout;
  const type = fileKind(bytes, source);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (type === 'ubl') {
    const { invoice, notes, encoding } = ublInvoice(bytes, source, used, given);
    const none = { decimal: null, date: null, headerLine: null, columns: {} };
    return { sha256, invoice, detected: { ...common, ...none, type, isPlain: false, encoding, notes } };
  }
  const { columns, isPlain } = wantedColumns(used);
  const { format } = used;
  const table =
    type === 'csv' ? csvTable(bytes, source, format, hasColumns(columns)) : await sheetOf(bytes, source, format.sheet);
  const { rows: written, ...found } = table;
  const { rows, notes } = visibleRows(written);
  // By its definition the plain format, with commas between its cells, has points in its numbers; a layout may differ.
  const isAsDefined = format.decimal === undefined && format.date === undefined;
  const isFixed = isPlain && isAsDefined && 'delimiter' in found && found.delimiter === ',';
  const { invoice, ...reading } = invoiceOfTable(rows, used, source, { given, isFixed, isSheet: type === 'xlsx' });
  const detected = { ...common, ...found, ...reading, type, isPlain, notes: [...notes, ...reading.notes] };
  return { sha256, invoice, detected };
}
