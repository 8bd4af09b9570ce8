import { expect, test } from 'vitest';
import { startOfDay } from '../../../src/domain/billing-month.ts';
import { readingOf } from '../../../src/domain/reconciliation/best-reading.ts';
import { billedBy, chargedOf } from '../../../src/domain/reconciliation/charged.ts';
import { type Contract, type Cube, cubeMarks, type CubeRow } from '../../../src/domain/reconciliation/cube.ts';
import { hypothesesFor } from '../../../src/domain/reconciliation/hypotheses.ts';
import { singleParts } from '../../../src/domain/reconciliation/single-attempts.ts';

const contract: Contract = { timeZone: 'UTC', lists: [], otherLists: [] };
const marks = cubeMarks('2026-10', contract);
const slotAt = (at: string) => marks.filter((mark) => mark.getTime() <= Date.parse(at)).length;
const everyTime = (slot: number) => ({ attempt: slot, created: slot, completed: slot });
const middle = everyTime(slotAt('2026-10-15T12:00:00Z'));
const lastHour = everyTime(slotAt('2026-10-31T23:30:00Z'));
const firstHour = everyTime(slotAt('2026-10-01T00:30:00Z'));

const usage = { charged: 5, extra: 0, chargedAgain: 0, otherLevel: null, isElsewhere: false, chargedIn: null };
const charged: CubeRow = {
  taskType: 'document_scan',
  level: 'basic',
  code: null,
  invoiced: true,
  counter: 'absent',
  linked: false,
  failed: false,
  abandoned: false,
  late: 'no',
  slots: middle,
  count: 5,
  usage,
};
const notCharged: CubeRow = { ...charged, count: 1, usage: { ...usage, charged: 0 } };
const chargedIn = (period: string, isNear = true): Partial<CubeRow> => ({
  usage: { ...usage, charged: 0, chargedIn: { period, isNear } },
});

/** What is said of an attempt that the books bill and the statement does not charge. */
function saidOf(one: Partial<CubeRow>, statements?: Cube['statements'], isBilled = true): string {
  const row = { ...notCharged, ...one };
  const cube: Cube = { period: '2026-10', basis: 'restated', marks, rows: [charged, row], earlier: [] };
  const known = chargedOf(statements ? { ...cube, statements } : cube, contract, hypothesesFor(cube, contract));
  const [own] = known.spans;
  const rows = [{ row, index: 1, isBilled }];
  const told = singleParts(known, { span: own!, decisions: [] }, rows, rows).get(1);
  const all = told === undefined || told.among.length === 0 ? [[told?.part]] : told.among;
  const text = (part: (typeof all)[number][number]) => (part ? `${part.cause}(${part.subject})` : '');
  return all.map((parts) => parts.map(text).join('+')).join('|');
}

test('what another month charges is cut off otherwise, known late, or unexplained', () => {
  expect(marks).toContainEqual(startOfDay('2026-10-01', 'UTC'));
  expect(saidOf({ slots: lastHour, ...chargedIn('2026-11') })).toBe('cutoff(charged in 2026-11)');
  expect(saidOf({ slots: firstHour, ...chargedIn('2026-09') })).toBe('cutoff(charged in 2026-09)');
  expect(saidOf({ slots: { ...middle, completed: slotAt('2026-11-01T12:00:00Z') }, ...chargedIn('2026-11') })).toBe(
    'cutoff(charged in 2026-11)',
  );
  expect(saidOf(chargedIn('2026-11'))).toBe('unexplained(charged in 2026-11)');
  expect(saidOf({ slots: lastHour, ...chargedIn('2026-12', false) })).toBe('unexplained(charged in 2026-12)');
  expect(saidOf({ slots: lastHour, ...chargedIn('2026-09') })).toBe('unexplained(charged in 2026-09)');
  expect(saidOf({ late: 'came', ...chargedIn('2026-11') })).toBe('late(charged in 2026-11)');
  expect(saidOf({ late: 'came', ...chargedIn('2026-09') })).toBe('unexplained(charged in 2026-09)');
  expect(saidOf({ late: 'came', slots: lastHour, ...chargedIn('2026-11') })).toBe(
    'cutoff(charged in 2026-11)|late(charged in 2026-11)',
  );
  expect(saidOf({ counter: 'not_charged', ...chargedIn('2026-11') })).toBe('unexplained(charged in 2026-11)');
  expect(saidOf({ level: 'other', ...chargedIn('2026-11') })).toBe('unexplained(charged in 2026-11)');
});

test('what this month charges of another one is cut off otherwise, or charged twice if its own month may charge it', () => {
  const early = { slots: everyTime(slotAt('2026-09-30T23:30:00Z')), usage: { ...usage, charged: 1 } };
  const late = { ...early, slots: everyTime(slotAt('2026-11-01T00:30:00Z')) };
  const said = (one: Partial<CubeRow>, statements?: Cube['statements']) => saidOf(one, statements, false);
  const both = { before: true, after: true };
  expect([said(early, both), said(late, both)]).toEqual(['cutoff(of 2026-09)', 'cutoff(of 2026-11)']);
  const twice = 'billed_twice(document_scan/basic)';
  expect([said(early, { before: false, after: true }), said(late)]).toEqual([
    `cutoff(of 2026-09)|${twice}`,
    `cutoff(of 2026-11)|${twice}`,
  ]);
  expect(said({ ...early, invoiced: null }, both)).toBe('unclassified(document_scan/success)');
  expect(said({ ...early, slots: middle, invoiced: false, counter: 'charged' }, both)).toBe(
    'counter(attemptsInvoiced)',
  );
  expect(said({ ...early, late: 'went' }, both)).toBe('late(since the close)');
  expect(said({ ...early, slots: middle, late: 'went', invoiced: false, counter: 'charged' }, both)).toBe(
    'counter(attemptsInvoiced)',
  );
});

test('what no month charges is not billed, unless a month without statement may have it', () => {
  const both = { before: true, after: true };
  const notBilled = 'usage_not_billed(document_scan/basic)';
  expect(saidOf({})).toBe(notBilled);
  expect(saidOf({ slots: lastHour }, both)).toBe(notBilled);
  expect(saidOf({ slots: lastHour }, { before: false, after: true })).toBe(notBilled);
  expect(saidOf({ slots: firstHour }, { before: true, after: false })).toBe(notBilled);
  expect(saidOf({ slots: lastHour }, { before: true, after: false })).toMatch(
    /^usage_not_billed\(document_scan\/basic, unless charged in 2026-11\)\|cutoff\(charged in 2026-11\)/,
  );
  expect(saidOf({ slots: firstHour })).toMatch(
    /^usage_not_billed\(document_scan\/basic, unless charged in 2026-09\)\|cutoff\(charged in 2026-09\)/,
  );
  expect(saidOf({ counter: 'not_charged' }, both)).toBe('counter(attemptsInvoiced)');
});

test('other ways to cut off move out of the month what the next one charges, and not what it does not', () => {
  const row = { ...notCharged, slots: lastHour };
  const bills = (one: CubeRow, statements?: Cube['statements']): boolean[] => {
    const cube: Cube = { period: '2026-10', basis: 'restated', marks, rows: [charged, one], earlier: [] };
    const known = chargedOf(statements ? { ...cube, statements } : cube, contract, hypothesesFor(cube, contract));
    const eastern = known.spans.find(({ reading }) => reading[0]?.subject === 'UTC+01:00')!;
    const linked = known.decisions.find(({ key }) => key.startsWith('rule:document_scan/success'))!;
    return [
      billedBy(known, { span: eastern, decisions: [] })[1] === 1,
      billedBy(known, { span: known.spans[0]!, decisions: [linked] })[1] === 1,
    ];
  };
  expect(bills(row)).toEqual([false, false]);
  expect(bills(row, { before: true, after: true })).toEqual([true, false]);
  expect(bills({ ...row, ...chargedIn('2026-11') }, { before: true, after: true })).toEqual([false, true]);
  expect(bills({ ...row, ...chargedIn('2026-09') })).toEqual([true, true]);
  expect(bills(charged)).toEqual([true, false]);
});

test('a way to cut off is shown by what is charged, and not by attempts alone that nobody charges', () => {
  const many = { ...charged, count: 400, usage: { ...usage, charged: 400 } };
  const out = { ...notCharged, slots: lastHour, count: 25 };
  const before = (count: number, some: number): CubeRow => ({
    ...charged,
    slots: everyTime(slotAt('2026-09-30T23:30:00Z')),
    count,
    usage: { ...usage, charged: some },
  });
  const readAs = (...rows: CubeRow[]) => {
    const cube: Cube = { period: '2026-10', basis: 'restated', marks, rows: [many, ...rows], earlier: [] };
    return readingOf(chargedOf(cube, contract, hypothesesFor(cube, contract))).span.reading[0]?.cause;
  };
  expect(readAs(out)).toBeUndefined();
  expect(readAs(out, before(4, 0))).toBeUndefined();
  expect(readAs(out, before(20, 20))).toBe('cutoff');
  expect(readAs({ ...out, ...chargedIn('2026-11') })).toBe('cutoff');
  // Charged in September, too: that is twice, and shows nothing.
  expect(readAs(out, { ...before(20, 20), usage: { ...usage, charged: 20, isElsewhere: true } })).toBeUndefined();
});
