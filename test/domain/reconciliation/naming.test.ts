import { expect, test } from 'vitest';
import { identityOf } from '../../../src/domain/reconciliation/identity.ts';
import { withoutUsage } from '../../../src/domain/reconciliation/line-facts.ts';
import { namer } from '../../../src/domain/reconciliation/naming.ts';
import type { VendorInvoice } from '../../../src/domain/vendor-invoice.ts';

const invoice = (number: string, isJoined = false): VendorInvoice => ({
  ...{ number, isJoined, isCreditNote: false, issueDate: '2026-11-02', currency: 'EUR', period: null },
  ...{ lines: [], stated: { net: null, tax: null, total: null } },
});
const scans = (invoiceLine: string | null, vendorUnitPrice = 850_000n) => ({
  line: {
    ...withoutUsage,
    ...{ invoiceLine, taskType: 'document_scan', level: 'advanced', ownUnitPrice: 850_000n, vendorUnitPrice },
  },
  ...({ effect: 'quantity', cause: 'cutoff', subject: 'UTC+01:00' } as const),
});
const fee = (invoiceLine: string) => ({
  line: { ...withoutUsage, invoiceLine },
  ...({ effect: 'extra_line', cause: 'fee', subject: 'Support' } as const),
});

/** As findings were named when they went by invoice, line and both prices. */
const formerly = (places: string | null, about: ReturnType<typeof scans>) =>
  identityOf([
    ...['2026-10', places, 'document_scan', 'advanced', '850000', String(about.line.vendorUnitPrice)],
    ...[about.effect, about.cause, about.subject],
  ]);

test('neither the invoice, nor its line, nor its price is part of a name', () => {
  const names = [
    namer('2026-10', invoice('A'), new Set())(scans('1')),
    namer('2026-10', invoice('B'), new Set())(scans('7')),
    namer('2026-10', invoice('A+B', true), new Set())(scans('A:1+B:7')),
    namer('2026-10', invoice('A'), new Set())(scans('1', 900_000n)),
  ];
  expect(new Set(names).size).toBe(1);
  expect(names[0]).toMatch(/^[0-9a-f]{16}$/);
  expect(namer('2026-11', invoice('A'), new Set())(scans('1'))).not.toBe(names[0]);
});

test('a name that a month has given stays, also when a further invoice charges more on the line', () => {
  const old = formerly('A:1', scans('1'));
  const given = new Set([old]);
  expect(namer('2026-10', invoice('A'), given)(scans('1'))).toBe(old);
  expect(namer('2026-10', invoice('A+B', true), given)(scans('A:1+B:1'))).toBe(old);
  // With both invoices it had a name of its own, which was its last one.
  const both = formerly('A:1+B:1', scans('A:1+B:1'));
  expect(namer('2026-10', invoice('A+B', true), new Set([old, both]))(scans('A:1+B:1'))).toBe(both);
  const missing = formerly(null, scans(null));
  expect(namer('2026-10', invoice('A'), new Set([missing]))(scans(null))).toBe(missing);
});

test('what is about the same has names of its own, whose first one is the name that it has alone', () => {
  const alone = namer('2026-10', invoice('A'), new Set())(fee('1'));
  const nameOf = namer('2026-10', invoice('A'), new Set());
  const names = [fee('1'), fee('2'), fee('3'), fee('3')].map(nameOf);
  expect(names[0]).toBe(alone);
  expect(new Set(names).size).toBe(4);
  const again = namer('2026-10', invoice('A'), new Set(names));
  expect([fee('1'), fee('2'), fee('3')].map(again)).toEqual(names.slice(0, 3));
});
