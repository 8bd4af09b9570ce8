import type { InvoiceLine, VendorInvoice } from '../vendor-invoice.ts';
import type { Books, UsageLine } from './lines.ts';
import { cellKey } from './pairing.ts';

/** Several invoices of a month as one: what the vendor charges for it in all. Lines are named by their invoice, too. */
export function joinInvoices(invoices: readonly VendorInvoice[]): VendorInvoice {
  const [first, ...others] = invoices;
  if (!first) throw new RangeError('there is no invoice');
  if (others.length === 0) return first;
  const sum = (read: (invoice: VendorInvoice) => bigint | null) =>
    invoices.reduce<bigint | null>((total, invoice) => {
      const amount = read(invoice);
      return total === null || amount === null ? null : total + amount;
    }, 0n);
  return {
    ...first,
    number: invoices.map(({ number }) => number).join('+'),
    isCreditNote: false,
    isJoined: true,
    documents: invoices,
    lines: invoices.flatMap(({ number, lines }) => lines.map((line) => ({ ...line, line: `${number}:${line.line}` }))),
    stated: {
      net: sum(({ stated }) => stated.net),
      tax: sum(({ stated }) => stated.tax),
      total: sum(({ stated }) => stated.total),
    },
  };
}

/**
 * The invoice with a line for each price of ours in place of one that says no price and comes to the same: a product that
 * the books bill at several prices, by tiers or by an allowance, may stand on an invoice as a whole.
 */
export function atPricesOf({ lines: own }: Books, invoice: VendorInvoice): VendorInvoice {
  const ofCell = Map.groupBy(own, cellKey);
  const isUsage = ({ kind, taskType }: InvoiceLine) => kind === 'usage' && taskType !== null;
  const charged = Map.groupBy(invoice.lines.filter(isUsage), cellKey);
  const lines = invoice.lines.flatMap((line): readonly InvoiceLine[] => {
    const ours = ofCell.get(cellKey(line)) ?? [];
    const isWhole = isUsage(line) && line.unitPrice === null && charged.get(cellKey(line))?.length === 1;
    if (!isWhole || ours.length < 2 || !comesTo(ours, line)) return [line];
    return ours.map(({ unitPrice, quantity, amount }) => ({ ...line, unitPrice, quantity, amount: amount ?? 0n }));
  });
  return { ...invoice, lines };
}

const comesTo = (lines: readonly UsageLine[], { quantity, amount }: InvoiceLine): boolean =>
  lines.every((line) => line.amount !== null) &&
  lines.reduce((sum, line) => sum + line.quantity, 0n) === quantity &&
  lines.reduce((sum, line) => sum + (line.amount ?? 0n), 0n) === amount;
