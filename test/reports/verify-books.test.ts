import { expect, test } from 'vitest';
import { columnsOf } from '../../src/domain/report-columns.ts';
import { booksChecker } from '../../src/reports/verify/books.ts';
import type { Row } from '../../src/reports/verify/reading.ts';

const columns = new Map(columnsOf('detail', 2).map(({ header }, index) => [header, index]));
const withoutReference = new Map([...columns].filter(([header]) => header !== 'reference'));

type Cells = Readonly<Record<string, string>>;
/** What is of a line: its month, its attempt, its cells. */
type Entry = readonly [period: string, id: string, cells?: Cells, columns?: Row['columns']];

const back = (corrects: string, more: Cells = {}): Cells => ({
  ...{ corrects_period: corrects, quantity: '-1', amount: '-0.85' },
  ...more,
});

/** What is said of lines, which come as they do from the files: by attempt, then by month. */
function said(entries: readonly Entry[], periods = [...new Set(entries.map(([period]) => period))].sort()) {
  const problems: string[] = [];
  const checker = booksChecker(periods, (month, row, [id], problem) =>
    problems.push(`${periods[month]}, ${row.line}, ${id}: ${problem}`),
  );
  for (const [at, [period, id, cells = {}, of = columns]] of entries.entries()) {
    const all: Cells = { quantity: '1', amount: '0.85', unit_price: '0.85', ...cells };
    const row: Row = { line: at + 2, columns: of, cell: (header) => all[header] ?? '' };
    checker.row(row, periods.indexOf(period), [id, 'document_scan', 1]);
  }
  const { attempts, lines, unchecked, uncheckedMonths } = checker.found;
  return { problems, attempts, lines, unchecked, months: [...uncheckedMonths] };
}

test('an attempt that is booked again and again is found each time', () => {
  expect(
    said([
      ['2026-04', 'a'],
      ['2026-05', 'a'],
      ['2026-06', 'a', { corrects_period: '2026-05' }],
      ['2026-06', 'b'],
    ]),
  ).toEqual({
    problems: [
      '2026-05, 3, a: books a, document_scan attempt 1 again, after 2026-04: its lines add up to 2',
      '2026-06, 4, a: books a, document_scan attempt 1 again, after 2026-05: its lines add up to 3',
    ],
    ...{ attempts: 2, lines: 4, unchecked: 0, months: [] },
  });
});

test('what is taken back is what was booked, for the month that it was booked for', () => {
  const not = { amount: '0.00', invoiced: 'false' };
  expect(
    said([
      ['2026-04', 'a'],
      ['2026-05', 'a', back('2026-03')],
      ['2026-04', 'b'],
      ['2026-05', 'b', back('2026-04', { amount: '-0.86' })],
      ['2026-04', 'c', not],
      ['2026-05', 'c', back('2026-04', not)],
      ['2026-05', 'c', { corrects_period: '2026-04' }],
      ['2026-06', 'c', back('2026-05')],
      ['2026-04', 'd', { amount: '' }],
      ['2026-05', 'd', back('2026-04', { amount: '' })],
      ['2026-06', 'd', back('2026-04', { amount: '' })],
      ['2026-04', 'e', {}, withoutReference],
      ['2026-05', 'e', back('2026-04', { reference: 'shop' })],
    ]).problems,
  ).toEqual([
    '2026-05, 3, a: takes back a, document_scan attempt 1 for 2026-03, but it was booked for 2026-04',
    '2026-05, 5, b: takes back b, document_scan attempt 1, but amount is -0.86, -0.85 takes back what was booked in 2026-04',
    '2026-06, 9, c: takes back c, document_scan attempt 1 for 2026-05, but it was booked for 2026-04',
    '2026-06, 12, d: takes back d, document_scan attempt 1 for 2026-04, of which nothing is booked: its lines add up to -1',
    '2026-05, 14, e: takes back e, document_scan attempt 1, but reference is shop, it was empty in 2026-04',
  ]);
});

test('nothing is said of what rests on months that are missing, and each of it is counted', () => {
  const months = ['2026-01', '2026-04', '2026-05'];
  const missing = said(
    [
      ['2026-04', 'a', back('2026-03')],
      ['2026-04', 'a', { corrects_period: '2026-03' }],
      ['2026-05', 'a', back('2026-03')],
      ['2026-01', 'b'],
      ['2026-04', 'b', { corrects_period: '2026-02' }],
      ['2026-01', 'c'],
      ['2026-05', 'c', back('2026-01')],
      ['2026-04', 'd', back('2026-04')],
      ['2026-05', 'e', { corrects_period: '2026-04' }],
    ],
    months,
  );
  expect(missing).toEqual({
    problems: [
      '2026-04, 9, d: takes back d, document_scan attempt 1 for 2026-04, of which nothing is booked: its lines add up to -1',
    ],
    ...{ attempts: 5, lines: 9, unchecked: 3, months: ['2026-03', '2026-02', '2026-01'] },
  });
});
