import { formatAmount, minorUnitDigits } from '../domain/money.ts';
import { type Mismatch, tieOut } from '../domain/tie-out.ts';
import type { VendorInvoice } from '../domain/vendor-invoice.ts';
import { LedgerError } from '../errors.ts';
import { maxMistakes, shown } from './refusals.ts';

const subjects: Readonly<Record<Mismatch['kind'], string>> = {
  line: 'quantity × unit price',
  net: 'the lines without tax',
  tax: 'the lines of tax',
  total: 'net and tax',
  payable: 'total less prepaid, and rounding',
};

/**
 * Refuses an invoice that contradicts itself.
 *
 * @throws LedgerError `invoice_not_tied_out` with at most 20 contradictions, each with its line and what it is off by.
 */
export function requireTiedOut(invoice: VendorInvoice): void {
  const mismatches = tieOut(invoice);
  if (mismatches.length === 0) return;
  const amount = (micros: bigint): string => formatAmount(micros, minorUnitDigits(invoice.currency));
  const lines = mismatches.slice(0, maxMistakes).map(({ kind, line, expected, stated, difference }) => {
    const place = line === null ? kind : `line ${shown(line)}`;
    return `${place}: ${subjects[kind]}: ${amount(expected)}; stated: ${amount(stated)}; off by ${amount(difference)}`;
  });
  if (mismatches.length > maxMistakes) lines.push(`and ${mismatches.length - maxMistakes} more`);
  const subject = `Invoice ${shown(invoice.number)}, in ${invoice.currency}, does not add up.`;
  throw new LedgerError('invoice_not_tied_out', [subject, ...lines].join('\n'), {
    fields: { invoice: invoice.number, mismatches: mismatches.length },
    hint: 'Nothing was kept. Does the layout read the right columns? Then ask the vendor for a correct invoice.',
  });
}
