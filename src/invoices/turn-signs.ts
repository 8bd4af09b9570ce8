import type { InvoiceLine, VendorInvoice } from '../domain/vendor-invoice.ts';

/** A credit note whose file has what is credited without a sign: here it is negative, prices apart. */
export function turnSigns(invoice: VendorInvoice): VendorInvoice {
  const { stated, payable } = invoice;
  const line = (one: InvoiceLine): InvoiceLine => ({
    ...one,
    quantity: turn(one.quantity),
    amount: -one.amount,
    ...(one.taxable === undefined ? {} : { taxable: turn(one.taxable) }),
  });
  const turned = {
    ...invoice,
    isCreditNote: true,
    lines: invoice.lines.map(line),
    stated: { net: turn(stated.net), tax: turn(stated.tax), total: turn(stated.total) },
  };
  if (!payable) return turned;
  return { ...turned, payable: { amount: -payable.amount, prepaid: -payable.prepaid, rounding: -payable.rounding } };
}

const turn = (value: bigint | null): bigint | null => (value === null ? null : -value);
