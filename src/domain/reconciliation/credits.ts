import type { InvoiceLine, VendorInvoice } from '../vendor-invoice.ts';
import type { Finding, Findings } from './findings.ts';
import { identityOf } from './identity.ts';

/**
 * Adds credit notes to what the invoices of a month differ from the books by. Each of their lines is a finding of its
 * own: it takes back an amount of others, and is never subtracted from one. So no finding changes when a credit comes.
 */
export function withCredits(found: Findings, period: string, notes: readonly VendorInvoice[]): Findings {
  const credits = notes.flatMap(({ number, lines }) =>
    lines.flatMap((line) => (line.kind === 'tax' || line.amount === 0n ? [] : [creditOf(period, number, line)])),
  );
  const credited = credits.reduce((sum, { amountDifference }) => sum + amountDifference, 0n);
  const { ownAmount, vendorAmount, amountDifference } = found.total;
  return {
    ...found,
    findings: [...found.findings, ...credits],
    total: { ownAmount, vendorAmount: vendorAmount + credited, amountDifference: amountDifference + credited },
  };
}

function creditOf(period: string, invoiceNumber: string, one: InvoiceLine): Finding {
  const { line, description, taskType, level, quantity, unitPrice, amount } = one;
  const about = [period, invoiceNumber, line, taskType, level, null, unitPrice?.toString() ?? null];
  const id = identityOf([...about, 'extra_line', 'credit', description]);
  return {
    id,
    about: id,
    place: `${invoiceNumber}:${line}`,
    invoiceNumber,
    invoiceLine: line,
    taskType,
    level,
    ownQuantity: null,
    vendorQuantity: quantity,
    ownUnitPrice: null,
    vendorUnitPrice: unitPrice,
    ownAmount: null,
    vendorAmount: amount,
    effect: 'extra_line',
    cause: 'credit',
    subject: description,
    certainty: 'fits',
    alternatives: '',
    quantityDifference: quantity ?? 0n,
    amountDifference: amount,
    likelyWrong: null,
    evidenceRows: 0,
  };
}
