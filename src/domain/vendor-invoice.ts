import type { Micros } from './money.ts';

/** What a line of a vendor's invoice charges for. */
export const invoiceLineKinds = ['usage', 'minimum', 'fee', 'discount', 'credit', 'tax'] as const;
export type InvoiceLineKind = (typeof invoiceLineKinds)[number];

/** A line of a vendor's invoice. Of a credit note the signs are turned: what is credited is negative. */
export type InvoiceLine = {
  /** As the invoice numbers it, or its place counted from 1. Unique within the invoice. */
  readonly line: string;
  readonly description: string;
  readonly kind: InvoiceLineKind;
  /** `null` = the line is about no task type. */
  readonly taskType: string | null;
  readonly level: string | null;
  readonly quantity: bigint | null;
  readonly unitPrice: Micros | null;
  /** Without tax; of a `tax` line the tax itself. */
  readonly amount: Micros;
  /** Of a `tax` line: the amount that is taxed; absent or `null` = the document does not say. */
  readonly taxable?: Micros | null;
};

/** One document of the vendor's for a period. */
export type VendorInvoice = {
  readonly number: string;
  readonly isCreditNote: boolean;
  /** `YYYY-MM-DD` */
  readonly issueDate: string;
  readonly currency: string;
  /** The month that it says it is for, `YYYY-MM`; `null` = it does not say, or says several. */
  readonly period: string | null;
  /** All times that it says it is for, and where. */
  readonly periods?: readonly StatedPeriod[];
  readonly lines: readonly InvoiceLine[];
  /** As the document states them; `null` = it does not. */
  readonly stated: { readonly net: Micros | null; readonly tax: Micros | null; readonly total: Micros | null };
  /** What is to be paid, where the document says so beside the total: `amount` = total − `prepaid` + `rounding`. */
  readonly payable?: Payable;
  /** It stands for several documents: lines are named by theirs, too. */
  readonly isJoined?: boolean;
  /** The documents that it stands for. */
  readonly documents?: readonly VendorInvoice[];
};

/** A time that a document says it is for, from one month (`YYYY-MM`) to another, both included. */
export type StatedPeriod = {
  readonly from: string;
  readonly to: string;
  /** Where it says so, for messages. */
  readonly at: string;
  /** What the line charges for that says so; `null` = the document as a whole. */
  readonly kind: InvoiceLineKind | null;
};

export type Payable = { readonly amount: Micros; readonly prepaid: Micros; readonly rounding: Micros };

/** A row of a usage statement: something that the vendor charged. */
export type UsageRow = {
  readonly transactionId: string;
  readonly taskType: string;
  /** The vendor's number for the attempt; `null` = it gives none. */
  readonly attempt: number | null;
  readonly attemptedAt: Date;
  /** `null` = success, or not said. */
  readonly outcomeCode: string | null;
  readonly level: string | null;
  readonly quantity: bigint;
  readonly unitPrice: Micros | null;
};
