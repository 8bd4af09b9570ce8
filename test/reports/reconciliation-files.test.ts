import { expect, test } from 'vitest';
import { carriedOver, openFindings, placeOf } from '../../src/reports/reconciliation-files.ts';
import { foundInOctober, headOfOctober } from './support-reconciliation.ts';

const layout = null;
const invoice = (number: string, isCreditNote = false) => ({ number, sha256: '', isCreditNote, layout });
const one = { invoices: [invoice('A'), invoice('C', true)] };
const several = { invoices: [invoice('A'), invoice('B'), invoice('C', true)] };

test('a line is named as its own invoice numbers it, unless it stands on several', () => {
  const place = (head: typeof one, invoiceLine: string | null, invoiceNumber?: string) =>
    Object.values(placeOf(head, { invoiceLine, ...(invoiceNumber === undefined ? {} : { invoiceNumber }) }));
  expect(place(one, '3')).toEqual(['A', '3']);
  expect(place(one, null)).toEqual(['A', null]);
  expect(place(one, '1', 'C')).toEqual(['C', '1']);
  expect(place(several, 'A:3')).toEqual(['A', '3']);
  expect(place(several, 'A:3+A:4')).toEqual(['A', '3+4']);
  expect(place(several, 'A:3', 'A+B')).toEqual(['A', '3']);
  expect(place(several, 'A:3+B:4')).toEqual(['A+B', 'A:3+B:4']);
  expect(place(several, null)).toEqual(['A+B', null]);
  const alike = { invoices: [invoice('A'), invoice('A:1')] };
  expect(place(alike, 'A:1:5'), 'the longer number').toEqual(['A:1', '5']);
  expect(place(alike, 'A:1')).toEqual(['A', '1']);
  expect(place(several, 'A:3', 'C'), 'of a credit note').toEqual(['C', 'A:3']);
});

test('what is carried over has the digits of its currency, and the day since when', () => {
  const since = new Date('2026-10-20T23:59:59Z');
  const of = { period: '2026-09', finding: 'f', cause: 'fee', subject: 's', decision: 'expect', currency: 'JPY' };
  expect(carriedOver({ ...of, amount: 5_000_000n, left: -1_000_000n, since })).toEqual({
    ...of,
    ...{ amount: '5', amount_left: '-1', since: '2026-10-20' },
  });
});

test('findings are open until they are accepted or settled, also those of which nothing is known', () => {
  const [rule, fee, credit] = foundInOctober.findings;
  expect(openFindings(foundInOctober.findings, headOfOctober)).toEqual([rule, fee]);
  const standings = new Map([[rule!.id, { state: 'settled', settled: 0n }]] as const);
  expect(openFindings(foundInOctober.findings, { standings })).toEqual([fee, credit]);
});
