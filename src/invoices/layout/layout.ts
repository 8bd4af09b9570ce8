import { type InvoiceLineKind, invoiceLineKinds } from '../../domain/vendor-invoice.ts';
import type { Encoding } from '../csv/charset.ts';
import type { Delimiter } from '../csv/records.ts';
import type { DayOrder } from '../values/dates.ts';
import type { DecimalMark } from '../values/numbers.ts';

/** What a row of an invoice can be beside a line: a figure that the document states, or nothing of interest. */
export const statedKinds = ['net', 'tax_total', 'total', 'ignore'] as const;
export type RowKind = InvoiceLineKind | (typeof statedKinds)[number];
export const rowKinds: readonly RowKind[] = [...invoiceLineKinds, ...statedKinds];

/** What a column of an invoice can be. */
export const invoiceFields = [
  'invoice_number',
  'issue_date',
  'currency',
  'period',
  'account',
  'line',
  'description',
  'kind',
  'task_type',
  'level',
  'quantity',
  'unit_price',
  'amount',
] as const;
export type InvoiceField = (typeof invoiceFields)[number];
/** The plain format has a column of its own name for each, period and account apart. */
export const plainInvoiceFields = invoiceFields.filter((field) => field !== 'period' && field !== 'account');

/** The columns of a usage statement, and what the plain format calls them. */
export const usageFields = [
  'transaction_id',
  'task_type',
  'attempt',
  'attempted_at',
  'outcome_code',
  'level',
  'quantity',
  'unit_price',
] as const;
export type UsageField = (typeof usageFields)[number];

/** How a file is written. What is not said is detected; `timeZone` alone never is. */
export type FileFormat = {
  readonly delimiter?: Delimiter | undefined;
  readonly encoding?: Encoding | undefined;
  readonly decimal?: DecimalMark | undefined;
  readonly date?: DayOrder | undefined;
  /** IANA name; of times without offset. */
  readonly timeZone?: string | undefined;
  readonly sheet?: string | undefined;
  /** Line or sheet row of the header, counted from 1. */
  readonly headerRow?: number | undefined;
};

/** A column by its header, or by its place counted from 1. */
export type ColumnName = string | number;
export type Columns<Field extends string> = { readonly [Name in Field]?: ColumnName | undefined };
/** Something the layout says itself, or the label beside which the file says it. */
export type Said = { readonly value: string } | { readonly label: string };
/** The first rule that matches a row says what it is. `undefined` = as the file's own column says. */
export type LineRule = {
  /** Patterns in which `*` stands for any text; capitals and small letters are the same. */
  readonly description: string;
  readonly fileLevel: string | undefined;
  readonly kind: RowKind;
  readonly taskType: string | undefined;
  readonly level: string | null | undefined;
};

export type Layout = {
  readonly version: string;
  readonly source: string;
  readonly format: FileFormat;
  readonly invoice: {
    readonly number?: Said | undefined;
    readonly issueDate?: Said | undefined;
    readonly currency?: Said | undefined;
    readonly period?: Said | undefined;
    /** The account that the invoice has to be of. `label` = where a table says it, unless a column does. */
    readonly account?: { readonly value: string; readonly label: string | undefined } | undefined;
    /** The file has a credit note's figures without their sign. */
    readonly isCreditNote: boolean;
  };
  /** Empty = those of the plain format. */
  readonly columns: Columns<InvoiceField>;
  readonly lines: readonly LineRule[];
  readonly usage: {
    readonly format: FileFormat;
    readonly columns: Columns<UsageField>;
    /** The file's words → ours. Empty = the file has ours. */
    readonly taskTypes: Readonly<Record<string, string>>;
    readonly levels: Readonly<Record<string, string | null>>;
  };
};

/** The layout of the plain formats: everything is where the contract says, or detected. */
export const plainLayout: Layout = {
  version: 'plain',
  source: 'docs/vendor-invoices.md',
  format: {},
  invoice: { isCreditNote: false },
  columns: {},
  lines: [],
  usage: { format: {}, columns: {}, taskTypes: {}, levels: {} },
};
