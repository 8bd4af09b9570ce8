import { type Micros, minorUnitDigits, roundToMinorUnit } from './money.ts';
import type { InvoiceLine, VendorInvoice } from './vendor-invoice.ts';

/**
 * What does not add up:
 * - `line`: quantity × unit price is not the amount of a line.
 * - `net`: the lines without tax are not the stated net.
 * - `tax`: the tax lines are not the stated tax.
 * - `total`: net and tax are not the stated total.
 * - `payable`: total, prepaid and rounding are not what is to be paid.
 */
type MismatchKind = 'line' | 'net' | 'tax' | 'total' | 'payable';

/** A contradiction of an invoice in itself. `difference` = stated − expected, never 0. */
export type Mismatch = {
  readonly kind: MismatchKind;
  /** The line that it is about; `null` = the document. */
  readonly line: string | null;
  readonly expected: Micros;
  readonly stated: Micros;
  readonly difference: Micros;
};

/**
 * Holds an invoice against itself, exactly and without tolerance. What it does not state is not held against anything.
 *
 * @returns every mismatch, lines first and in their order; empty = the invoice ties out.
 */
export function tieOut(invoice: VendorInvoice): Mismatch[] {
  const minorDigits = minorUnitDigits(invoice.currency);
  const isTax = ({ kind }: InvoiceLine): boolean => kind === 'tax';
  const net = sum(invoice.lines.filter((line) => !isTax(line)));
  const tax = sum(invoice.lines.filter(isTax));
  const { stated, payable } = invoice;
  const total = (stated.net ?? net) + (stated.tax ?? tax);
  return [
    ...invoice.lines.flatMap((line) => lineMismatch(line, minorDigits)),
    ...compared('net', net, stated.net),
    ...compared('tax', tax, stated.tax),
    ...compared('total', total, stated.total),
    ...(payable
      ? compared('payable', (stated.total ?? total) - payable.prepaid + payable.rounding, payable.amount)
      : []),
  ];
}

const sum = (lines: readonly InvoiceLine[]): Micros => lines.reduce((total, { amount }) => total + amount, 0n);

/** An amount is the product rounded to the minor unit, or the product itself. */
function lineMismatch({ line, quantity, unitPrice, amount }: InvoiceLine, minorDigits: number): Mismatch[] {
  if (quantity === null || unitPrice === null || amount === quantity * unitPrice) return [];
  return compared('line', roundToMinorUnit(quantity * unitPrice, minorDigits), amount, line);
}

function compared(kind: MismatchKind, expected: Micros, stated: Micros | null, line: string | null = null): Mismatch[] {
  if (stated === null || stated === expected) return [];
  return [{ kind, line, expected, stated, difference: stated - expected }];
}
