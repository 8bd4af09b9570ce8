import { expect, test } from 'vitest';
import { atPricesOf } from '../../../src/domain/reconciliation/invoices.ts';
import type { Books, UsageLine } from '../../../src/domain/reconciliation/lines.ts';
import { vendorLines } from '../../../src/domain/reconciliation/pairing.ts';
import type { InvoiceLine, VendorInvoice } from '../../../src/domain/vendor-invoice.ts';

const own = (level: string | null, unitPrice: bigint, quantity: bigint): UsageLine => ({
  taskType: 'document_scan',
  level,
  unitPrice,
  quantity,
  amount: unitPrice * quantity,
});
const tiers = [own('advanced', 0n, 20n), own('advanced', 850_000n, 100n), own('advanced', 700_000n, 13n)];
const books: Books = {
  period: '2026-10',
  currency: 'EUR',
  minorDigits: 2,
  lines: [...tiers, own(null, 600_000n, 5n)],
  minimum: 0n,
};
const whole: InvoiceLine = {
  line: '1',
  description: 'Scans',
  kind: 'usage',
  taskType: 'document_scan',
  level: 'advanced',
  quantity: 133n,
  unitPrice: null,
  amount: 94_100_000n,
};
const invoiceOf = (...lines: InvoiceLine[]): VendorInvoice => ({
  number: 'R-1',
  isCreditNote: false,
  issueDate: '2026-11-02',
  currency: 'EUR',
  period: '2026-10',
  lines,
  stated: { net: null, tax: null, total: null },
});

test('a product that is billed as a whole, without a price, is billed at the prices of its tiers', () => {
  const { lines } = atPricesOf(books, invoiceOf(whole));
  expect(vendorLines(lines)).toEqual(tiers.map((tier) => ({ ...tier, line: '1' })));
});

test.each<[string, InvoiceLine[]]>([
  ['another quantity', [{ ...whole, quantity: 132n }]],
  ['another amount', [{ ...whole, amount: 94_090_000n }]],
  ['a price', [{ ...whole, unitPrice: 707_518n }]],
  ['another line of it', [whole, { ...whole, line: '2' }]],
  ['a level of one price', [{ ...whole, level: null, quantity: 5n, amount: 3_000_000n }]],
  ['no usage', [{ ...whole, kind: 'fee' }]],
])('a line stays as it is: %s', (_, lines) => {
  expect(atPricesOf(books, invoiceOf(...lines)).lines).toEqual(lines);
});
