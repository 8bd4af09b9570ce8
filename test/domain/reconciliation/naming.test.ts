import { expect, test } from 'vitest';
import { identityOf } from '../../../src/domain/reconciliation/identity.ts';
import { withoutUsage } from '../../../src/domain/reconciliation/line-facts.ts';
import { type GivenName, namesOf } from '../../../src/domain/reconciliation/naming.ts';
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
  ...({ effect: 'quantity', cause: 'cutoff', subject: 'UTC+01:00', amount: 8_500_000n } as const),
});
const fee = (invoiceLine: string, amount = 25n) => ({
  line: { ...withoutUsage, invoiceLine },
  ...({ effect: 'extra_line', cause: 'fee', subject: 'Support', amount } as const),
});

type Abouts = Parameters<typeof namesOf>[2];
const named = (abouts: Abouts, given: readonly GivenName[] = [], period = '2026-10', of = invoice('A')) =>
  namesOf(period, of, abouts, given).map(({ id }) => id);
/** What runs, one after the other, call what they find: each knows the names of those before it. */
function runs(...each: readonly Abouts[]): string[][] {
  let given: GivenName[] = [];
  return each.map((abouts) => {
    const names = namesOf('2026-10', invoice('A'), abouts, given);
    const kept = names.map((name, index): GivenName => ({ ...name, amount: abouts[index]?.amount ?? 0n }));
    given = [...given.filter(({ id }) => !kept.some((one) => one.id === id)), ...kept];
    return names.map(({ id }) => id);
  });
}

/** As findings were named when they went by invoice, line and both prices. */
const formerly = (places: string | null, about: ReturnType<typeof scans>) =>
  identityOf([
    ...['2026-10', places, 'document_scan', 'advanced', '850000', String(about.line.vendorUnitPrice)],
    ...[about.effect, about.cause, about.subject],
  ]);

test('neither the invoice, nor its line, nor its price is part of a name', () => {
  const names = [
    ...named([scans('1')]),
    ...named([scans('7')], [], '2026-10', invoice('B')),
    ...named([scans('A:1+B:7')], [], '2026-10', invoice('A+B', true)),
    ...named([scans('1', 900_000n)]),
  ];
  expect(new Set(names).size).toBe(1);
  expect(names[0]).toMatch(/^[0-9a-f]{16}$/);
  expect(named([scans('1')], [], '2026-11')).not.toEqual(names.slice(0, 1));
});

test('a name that a month has given stays, also when a further invoice charges more on the line', () => {
  const givenOf = (...ids: string[]) => ids.map((id) => ({ id, about: null, place: null, amount: 1n }));
  const old = formerly('A:1', scans('1'));
  const both = formerly('A:1+B:1', scans('A:1+B:1'));
  const joined = invoice('A+B', true);
  expect(named([scans('1')], givenOf(old))).toEqual([old]);
  expect(named([scans('A:1+B:1')], givenOf(old), '2026-10', joined)).toEqual([old]);
  // With both invoices it had a name of its own, which was its last one.
  expect(named([scans('A:1+B:1')], givenOf(old, both), '2026-10', joined)).toEqual([both]);
  const missing = formerly(null, scans(null));
  expect(named([scans(null)], givenOf(missing))).toEqual([missing]);
});

test('what is about the same has names of its own, also the first, by amounts that differ, else by places', () => {
  const [alone = ''] = named([fee('1')]);
  const names = named([fee('1'), fee('2'), fee('3', 30n), fee('3', 30n)]);
  expect(new Set([alone, ...names]).size).toBe(5);
  expect(named([fee('8', 30n), fee('9', 25n)])).toEqual(named([fee('9', 25n), fee('8', 30n)]).toReversed());
});

test('the place that a name was given for keeps it, and no other one has it', () => {
  const twins = [fee('1'), fee('2')];
  const [both = [], second, , first] = runs(twins, [fee('2')], [fee('9')], twins.slice(0, 1));
  expect(second).toEqual(both.slice(1));
  expect(first).toEqual(both.slice(0, 1));
  const [, turned, other] = runs(twins, [fee('7'), fee('8')], [fee('9')]);
  expect(new Set([...both, ...(turned ?? []), ...(other ?? [])]).size).toBe(5);
});

test('what gets or loses one about the same keeps its name; the new one has none that was given', () => {
  const [[alone] = [], both = [], [left] = [], [new2] = []] = runs(
    [fee('1')],
    [fee('1'), fee('2')],
    [fee('2')],
    [fee('3')],
  );
  expect(both[0]).toBe(alone);
  expect(left).toBe(both[1]);
  expect([alone, left]).not.toContain(new2);
  const [[before] = [], after = []] = runs([fee('1')], [fee('2'), fee('3')]);
  expect(after).not.toContain(before);
  // As long as there was never another one, its place is no matter.
  const [[one] = [], [moved] = [], [dearer] = []] = runs([fee('1')], [fee('2')], [fee('3', 26n)]);
  expect([moved, dearer]).toEqual([one, one]);
});

test('of several amounts each keeps its name in another order, and on another line', () => {
  const [before = [], turned, moved] = runs(
    [fee('8', 25n), fee('9', 30n)],
    [fee('8', 30n), fee('9', 25n)],
    [fee('1', 30n), fee('8', 25n)],
  );
  expect(turned).toEqual(before.toReversed());
  expect(moved).toEqual(before.toReversed());
  // The amount of one changes, and then another comes to what it was.
  const [[first] = [], changed = [], third = []] = runs(
    [fee('8', 25n), fee('9', 30n)],
    [fee('8', 27n), fee('9', 30n)],
    [fee('8', 27n), fee('9', 30n), fee('10', 25n)],
  );
  expect(changed[0]).toBe(first);
  expect(third.slice(0, 2)).toEqual(changed);
  expect(changed).not.toContain(third[2]);
});

test('names of earlier versions, which did not keep what they were given for, stay where that is plain', () => {
  const about = named([fee('1')])[0] ?? '';
  const second = identityOf(['2026-10', null, null, null, 'extra_line', 'fee', 'Support', 'A:2']);
  const given = [about, second].map((id) => ({ id, about: null, place: null, amount: 25n }));
  expect(named([fee('1')], given.slice(0, 1))).toEqual([about]);
  expect(named([fee('2')], given)).toEqual([second]);
  expect(named([fee('1'), fee('2')], given)[1]).toBe(second);
});
