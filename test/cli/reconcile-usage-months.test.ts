import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { verifyFolder } from '../../src/reports/verify.ts';
import { addScans, attemptsIn, january, line, rightRows, rowAt } from './january.ts';

const told = (rows: readonly Record<string, string>[]) =>
  rows
    .filter((one) => one['record_type'] === 'FINDING')
    .map((one) => ['cause', 'subject', 'certainty', 'quantity_difference'].map((column) => one[column]).join(' '))
    .sort();

const edge = rowAt('edge', 1, '2026-01-31T23:30:00Z');
const early = rowAt('early', 1, '2026-02-01T00:30:00Z');
const middle = rightRows()[0]!;
const minutes = (count: number, hour: string) =>
  Array.from({ length: count }, (_, index) => `${hour}:${String(index + 1).padStart(2, '0')}:00Z`);
const inFebruary = minutes(12, '2026-02-10T10');
const inMarch = minutes(3, '2026-03-10T10');
const ofFebruary = inFebruary.map((at, place) => rowAt('feb', place + 1, at));
const ofMarch = inMarch.map((at, place) => rowAt('mar', place + 1, at));

/**
 * Books of three months: beside the scans of January, one in its last hour, one in the first of February, and some in
 * the midst of February and March. A function that reconciles a month with a statement.
 */
async function threeMonths() {
  const books = await january();
  const { run, invoice, usage, folder } = books;
  for (const [id, times] of [
    ['feb', inFebruary],
    ['mar', inMarch],
  ] as const)
    await addScans(
      books,
      id,
      times.map((at) => [at]),
    );
  await addScans(books, 'edge', [['2026-01-31T23:30:00Z']]);
  await addScans(books, 'early', [['2026-02-01T00:30:00Z']]);
  const read = async (period: string, kind: string): Promise<Record<string, string>[]> =>
    parse(await readFile(path.join(folder, `../${period}/idscan-cost_${period}_${kind}.csv`)), { columns: true });
  const found = async (period: string, ...args: readonly string[]) => {
    const said = await run('reconcile', period, ...args);
    expect(said.stdout, said.stderr).toContain(`Reconciliation of ${period}`);
    return told(await read(period, 'reconciliation'));
  };
  let count = 0;
  const reconciled = async (period: string, statement: readonly string[] | null) => {
    count += 1;
    const rows = statement ?? [...rightRows(), edge];
    const cents = rows.length * 85;
    const amount = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
    const file = await invoice(`${count}-invoice.csv`, line(rows.length, amount, `INV-${period}`));
    const given = statement === null ? [] : ['--usage', await usage(`${count}-usage.csv`, rows)];
    return found(period, '--invoice', file, ...given);
  };
  const evidence = async (period: string) => attemptsIn(await read(period, 'reconciliation-evidence'));
  return { ...books, reconciled, evidence, again: (period: string) => found(period) };
}

test('a scan that its own month does not charge may be charged by the next one, until the statement of that says so', async () => {
  const { reconciled, again, evidence, folder, run } = await threeMonths();
  expect(await reconciled('2026-01', rightRows().slice(1))).toEqual([
    'usage_not_billed document_scan/advanced proven -1',
    'usage_not_billed document_scan/advanced, unless charged in 2026-02 ambiguous -1',
  ]);
  expect(await reconciled('2026-02', [...ofFebruary, early, edge, middle])).toEqual([
    'cutoff of 2026-01 proven 1',
    'unexplained document_scan/advanced none 1',
  ]);
  expect(await again('2026-01')).toEqual([
    'cutoff charged in 2026-02 proven -1',
    'unexplained charged in 2026-02 none -1',
  ]);
  expect(await evidence('2026-01')).toEqual(['edge 1 false other_month', 't-0 1 false other_month']);
  expect((await run('report', '2026-01')).code).toBe(0);
  expect((await verifyFolder(folder)).problems).toEqual([]);
  await reconciled('2026-02', [...ofFebruary, early]);
  expect(await again('2026-01')).toEqual(['usage_not_billed document_scan/advanced proven -2']);
});

test('a scan that the month before charges is cut off otherwise where some way to cut off has it there', async () => {
  const { reconciled } = await threeMonths();
  const late = ofFebruary[0]!;
  expect(await reconciled('2026-01', [...rightRows(), edge, early, late])).toEqual([
    'cutoff of 2026-02 ambiguous 1',
    'unexplained document_scan/advanced none 1',
  ]);
  expect(await reconciled('2026-02', ofFebruary.slice(1))).toEqual([
    'cutoff charged in 2026-01 proven -1',
    'unexplained charged in 2026-01 none -1',
  ]);
});

test('a scan of another month may be charged twice, where no statement of that month is kept', async () => {
  const { reconciled } = await threeMonths();
  await reconciled('2026-01', null);
  const statement = [...ofFebruary, early, edge, middle];
  expect(await reconciled('2026-02', statement)).toEqual([
    'cutoff of 2026-01 ambiguous 1',
    'unexplained document_scan/advanced none 1',
  ]);
});

test('a scan that the statement of its own month charges, too, is charged twice', async () => {
  const { reconciled, evidence } = await threeMonths();
  const byTime = rightRows('by time');
  expect(await reconciled('2026-01', [...byTime, edge])).toEqual([]);
  expect(await reconciled('2026-02', [...ofFebruary, early, edge, middle, byTime[7]!])).toEqual([
    'billed_twice document_scan/advanced proven 3',
  ]);
  expect(await evidence('2026-02')).toEqual([
    'edge 1 true other_month',
    't-0 1 true other_month',
    't-1 3 true other_month',
  ]);
});

test('of two months that charge a scan of a third, the later one charges it twice', async () => {
  const { reconciled, again } = await threeMonths();
  await reconciled('2026-01', [...rightRows().slice(1), edge]);
  await reconciled('2026-03', [...ofMarch, middle]);
  await reconciled('2026-02', [...ofFebruary, early, middle]);
  expect(await again('2026-01')).toEqual(['unexplained charged in 2026-02 none -1']);
  expect(await again('2026-02')).toEqual(['unexplained document_scan/advanced none 1']);
  expect(await again('2026-03')).toEqual(['billed_twice document_scan/advanced proven 1']);
});

test('no rule is proven by scans that are charged a month late, and no cut-off by scans that are charged nowhere', async () => {
  const books = await threeMonths();
  const { reconciled, again } = books;
  const times = minutes(6, '2026-01-12T11');
  await addScans(
    books,
    'coded',
    times.map((at) => [at, 'age_criteria_not_met']),
  );
  const nights = minutes(6, '2026-01-31T23');
  await addScans(
    books,
    'night',
    nights.map((at) => [at]),
  );
  expect(await reconciled('2026-01', rightRows())).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^rule .*age_criteria_not_met proven -6$/),
      expect.stringMatching(/^usage_not_billed .*, unless charged in 2026-02 ambiguous -7$/),
    ]),
  );
  await reconciled('2026-02', [...ofFebruary, early, ...times.map((at, place) => rowAt('coded', place + 1, at))]);
  expect(await again('2026-01')).toEqual([
    'unexplained charged in 2026-02 none -6',
    'usage_not_billed document_scan/advanced proven -7',
  ]);
});

test.each([
  ['a time that is rounded', '2026-01-05T10:01:01Z'],
  ['neither number nor time of ours', '2026-02-03T12:34:56Z'],
])('a row of another month with %s is about the scan that it must be about', async (_, at) => {
  const { reconciled, again } = await threeMonths();
  await reconciled('2026-01', [...rightRows().slice(1), edge]);
  await reconciled('2026-02', [...ofFebruary, early, rowAt('t-0', '', at)]);
  expect(await again('2026-01')).toEqual(['unexplained charged in 2026-02 none -1']);
});
