import type { VendorInvoice } from '../vendor-invoice.ts';

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
