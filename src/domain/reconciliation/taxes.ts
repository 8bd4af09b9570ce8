import { formatAmount, type Micros, minorUnitDigits, roundToMinorUnit, storedAmount } from '../money.ts';
import type { InvoiceLine, VendorInvoice } from '../vendor-invoice.ts';

/** A tax that does not follow from the rate that its line names. It has no part in the net. */
export type TaxDoubt = {
  /** As the invoice numbers it. */
  readonly line: string;
  readonly subject: string;
  /** The document says what the rate is of, and it is no matter of rounding. */
  readonly isSure: boolean;
};

/**
 * Holds each line of tax against the one rate in its description: of the amount that the document says is taxed, else,
 * where it is the only line of tax, of the net. Tax may be rounded once, or of every line by itself.
 */
export function taxDoubtsOf(invoice: VendorInvoice): TaxDoubt[] {
  const minorDigits = minorUnitDigits(invoice.currency);
  const taxes = invoice.lines.filter(({ kind }) => kind === 'tax');
  const others = invoice.lines.filter(({ kind }) => kind !== 'tax');
  const money = (amount: Micros) => formatAmount(amount, minorDigits);
  const net = sum(others);
  const isOnly = taxes.length === 1;
  const ofRates = taxes.flatMap(({ line, description, amount, taxable = null }): TaxDoubt[] => {
    const percent = percentIn(description);
    const base = taxable ?? (isOnly ? net : null);
    if (percent === undefined || base === null) return [];
    const once = taxOn(base, percent, minorDigits);
    const each = others.reduce((total, one) => total + taxOn(one.amount, percent, minorDigits), 0n);
    if (amount === once || (isOnly && amount === each) || amount * whole === base * percent) return [];
    const subject = `${percentText(percent)}% × ${money(base)} = ${money(once)} ≠ ${money(amount)}`;
    const isRounded = size(amount - once) <= halfUnit(minorDigits) * BigInt(others.length);
    return [{ line, subject, isSure: taxable !== null && !isRounded }];
  });
  const [first] = taxes;
  const taxed = taxes.reduce<Micros | null>(
    (total, { taxable = null }) => (total === null || taxable === null ? null : total + taxable),
    0n,
  );
  if (!first || taxed === null || taxed === net) return ofRates;
  return [...ofRates, { line: first.line, subject: `taxable ${money(taxed)} ≠ ${money(net)}`, isSure: false }];
}

/** 100 % of a micro-unit, by a percentage in millionths. */
const whole = 100_000_000n;

/** A division that drops what is below a micro-unit: that never moves an amount over a half. */
const taxOn = (base: Micros, percent: bigint, minorDigits: number): Micros =>
  roundToMinorUnit((base * percent) / whole, minorDigits);

/** The only percentage in a text, in millionths; `undefined` = it has none, or several. */
function percentIn(text: string): bigint | undefined {
  const found = [...text.matchAll(/(?<![\d.,])(\d{1,2}(?:[.,]\d{1,3})?) ?%/g)];
  const [only] = found;
  return found.length === 1 && only?.[1] !== undefined ? storedAmount(only[1].replace(',', '.')) : undefined;
}

const percentText = (percent: bigint): string => formatAmount(percent, 0);

const halfUnit = (minorDigits: number): Micros => 10n ** BigInt(6 - minorDigits) / 2n;

const size = (amount: Micros): Micros => (amount < 0n ? -amount : amount);

const sum = (lines: readonly InvoiceLine[]): Micros => lines.reduce((total, { amount }) => total + amount, 0n);
