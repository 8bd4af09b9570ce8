import type { AttemptOrder, AttemptSort } from '../domain/attempt-filter.ts';
import { isCalendarDate } from '../domain/billing-month.ts';
import { literal } from './sql-text.ts';

/** Where a line stands in an order: the cells of its key. */
export type Place = readonly string[];

/** Where a page begins: behind a line or, backwards, before it; `null` = at the first line. */
export type From = { readonly place: Place; readonly isBackwards: boolean } | null;

/** A part of an order's key: an expression on a line, its type, and which texts of it Postgres can read. */
type Cell = { readonly value: string; readonly type: string; readonly isReadable: (text: string) => boolean };

const isText = (text: string): boolean => /^[^\p{Cc}\p{Cs}]{0,400}$/u.test(text);
const isWhole = (text: string): boolean => /^-?\d{1,9}$/.test(text);
const isAmount = (text: string): boolean => /^(-Infinity|-?\d{1,30}(\.\d{1,6})?)$/.test(text);
const isInstant = (text: string): boolean =>
  /^2\d{3}-\d\d-\d\d ([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?\+00$/.test(text) && isCalendarDate(text.slice(0, 10));

const textCell = (value: string): Cell => ({ value, type: 'text collate "C"', isReadable: isText });
const wholeCell = (value: string): Cell => ({ value, type: 'integer', isReadable: isWhole });

/** What a line is sorted by first. What is not there comes before what is. */
const firstCells: Readonly<Record<AttemptSort, readonly Cell[]>> = {
  attempted_at: [{ value: 'attempted_at', type: 'timestamptz', isReadable: isInstant }],
  transaction_id: [],
  amount: [{ value: `coalesce(amount::numeric, '-infinity')`, type: 'numeric', isReadable: isAmount }],
  outcome_code: [textCell(`coalesce(code, '')`)],
};

/** What makes every order total: no two lines of a month have all of it, and no two rows of a finding. */
const lastCells: readonly Cell[] = [
  textCell('transaction_id'),
  textCell('task_type'),
  wholeCell('coalesce(ordinal, 0)'),
  wholeCell('quantity'),
  textCell(`coalesce(corrects_period, '')`),
  wholeCell('place'),
];

const cellsOf = ({ by }: AttemptOrder): readonly Cell[] => [...firstCells[by], ...lastCells];

/** Whether a place is one of this order. What is not is never sent to Postgres. */
export function isPlace(order: AttemptOrder, place: Place): boolean {
  const cells = cellsOf(order);
  return place.length === cells.length && cells.every(({ isReadable }, index) => isReadable(place[index] ?? '\n'));
}

/** An order as SQL: its cells as an array of texts, what lies beyond the place to begin at, and the clause. */
export function orderInSql(order: AttemptOrder, from: From): { place: string; beyond: string; orderBy: string } {
  const cells = cellsOf(order);
  const isDescending = order.isDescending !== (from?.isBackwards ?? false);
  const values = cells.map(({ value }) => value);
  const bounds = cells.map(({ type }, index) => `${literal(from?.place[index] ?? null)}::${type}`);
  return {
    place: `array[${values.map((value) => `(${value})::text`).join(', ')}]`,
    beyond: from ? `(${values.join(', ')}) ${isDescending ? '<' : '>'} (${bounds.join(', ')})` : 'true',
    orderBy: values.map((value) => `${value}${isDescending ? ' desc' : ''}`).join(', '),
  };
}
