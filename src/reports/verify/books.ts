import { nextPeriod } from '../../domain/billing-month.ts';
import { columnsOf, presentLayout } from '../../domain/report-columns.ts';
import { type AttemptKey, attemptText, isSameAttempt } from './attempts.ts';
import { shown } from './problems.ts';
import type { Row } from './reading.ts';

/** Columns in which a reversal may differ from the booked line: its key, and what reversing changes. */
const mayDiffer = new Set([
  'period',
  'transaction_id',
  'task_type',
  'attempt',
  'amount',
  'currency',
  'is_correction',
  'corrects_period',
  'quantity',
]);

/** Columns in which a reversal must match the booked line. */
const mustMatch = columnsOf('detail', presentLayout).flatMap(({ header }) => (mayDiffer.has(header) ? [] : [header]));

type Booked = { readonly row: Row; readonly month: number };
type Add = (month: number, row: Row, key: AttemptKey, problem: string) => void;

/** What was found while reading the months line by line. */
export type BooksFound = {
  attempts: number;
  lines: number;
  /** Corrections of months that are missing here, and those months. What they reverse or replace cannot be compared. */
  unchecked: number;
  readonly uncheckedMonths: Set<string>;
};

/**
 * Adds up the lines of each attempt month by month, in the order of closing: after each month they add up to 0 or 1,
 * and each reversal matches the booked line. Expects lines ordered by attempt and then by month. Reports nothing that
 * depends on a missing month.
 *
 * @param periods the months, in order.
 */
export function booksChecker(periods: readonly string[], add: Add) {
  const found: BooksFound = { attempts: 0, lines: 0, unchecked: 0, uncheckedMonths: new Set() };
  const firstKnown = periods.map((_, month) => firstOfRun(periods, month));
  let key: AttemptKey | undefined;
  /** The attempt's lines that are booked and not reversed. More than one only if the books are wrong. */
  let booked: Booked[] = [];
  let before: number | undefined;
  /** Whether lines in missing months may be booked. */
  let isUnknown = true;

  const countUnchecked = (corrects: string) => {
    found.unchecked += 1;
    found.uncheckedMonths.add(corrects);
  };
  const takeBack = (row: Row, month: number, own: AttemptKey) => {
    const corrects = row.cell('corrects_period');
    const at = booked.findLastIndex((one) => periodOf(one.row, periods[one.month]) === corrects);
    const [last] = at < 0 ? [] : booked.splice(at, 1);
    if (last) {
      const problem = differenceFrom(last.row, row);
      if (problem) add(month, row, own, `takes back ${attemptText(own)}, ${problem} in ${periods[last.month]}`);
    } else if (isUnknown && corrects < (firstKnown[month] ?? '')) countUnchecked(corrects);
    else {
      const instead = booked.pop();
      const what = instead
        ? `, but it was booked for ${periodOf(instead.row, periods[instead.month])}`
        : ', of which nothing is booked: its lines add up to -1';
      add(month, row, own, `takes back ${attemptText(own)} for ${corrects}${what}`);
    }
    isUnknown = false;
  };
  const book = (row: Row, month: number, own: AttemptKey) => {
    const corrects = row.cell('corrects_period');
    const [last] = booked.slice(-1);
    if (last) {
      const sum = `its lines add up to ${booked.length + 1}`;
      add(month, row, own, `books ${attemptText(own)} again, after ${periods[last.month]}: ${sum}`);
    } else if (isUnknown && corrects !== '' && corrects < (firstKnown[month] ?? '')) countUnchecked(corrects);
    booked.push({ row, month });
    isUnknown = false;
  };
  return {
    found,
    row: (row: Row, month: number, own: AttemptKey): void => {
      found.lines += 1;
      const isSame = isSameAttempt(key, own);
      if (!isSame) found.attempts += 1;
      if (!isSame || before === undefined || firstKnown[before] !== firstKnown[month]) {
        booked = [];
        isUnknown = true;
      }
      [key, before] = [own, month];
      if (row.cell('quantity').startsWith('-')) takeBack(row, month, own);
      else book(row, month, own);
    },
  };
}

/** The month that a line belongs to. */
const periodOf = (row: Row, period: string | undefined): string => row.cell('corrects_period') || (period ?? '');

/** The first month of the gapless run that ends with this month. */
function firstOfRun(periods: readonly string[], month: number): string | undefined {
  const [before, own] = [periods[month - 1], periods[month]];
  return before !== undefined && nextPeriod(before) === own ? firstOfRun(periods, month - 1) : own;
}

function differenceFrom(booked: Row, row: Row): string | undefined {
  // A line of an earlier layout lacks the columns added since. They count as empty.
  const cell = (of: Row, header: string): string => (of.columns.has(header) ? of.cell(header) : '');
  const column = mustMatch.find((header) => cell(row, header) !== cell(booked, header));
  if (column) return `but ${column} is ${shown(cell(row, column))}, it was ${shown(cell(booked, column))}`;
  // A booked amount is not below zero: no price is.
  const what = booked.cell('amount');
  const amount = /[1-9]/.test(what) ? `-${what}` : what;
  return row.cell('amount') === amount
    ? undefined
    : `but amount is ${shown(row.cell('amount'))}, ${shown(amount)} takes back what was booked`;
}
