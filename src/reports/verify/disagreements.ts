import { compareKeys, original } from './cells.ts';
import { shown } from './problems.ts';
import type { Row } from './reading.ts';
import type { Task } from './tasks.ts';

type Add = (row: Row, column: string, problem: string) => void;

/** Reports problems in the detail file and in the discrepancies file. */
type Files = { readonly detail: Add; readonly discrepancies: Add };

/**
 * Reads the disagreements in step with the tasks of the detail file. Both are in the same order, so one row is held. A
 * disagreement is listed in the month of the task's last attempt. So that attempt is among the month's own rows, its
 * ordinal is the task's number of attempts, and it is known whether all of them are in this file.
 *
 * After a row that cannot be read or is out of order, nothing is compared. Another check reports that row.
 */
export function disagreementChecker(rows: AsyncGenerator<Row, boolean>, files: Files) {
  let head: Row | null | undefined;
  let isUsable = true;
  const next = async (before: Row | undefined): Promise<Row | null> => {
    const { done, value } = await rows.next();
    if (done === true) {
      if (!value) isUsable = false;
      return null;
    }
    if (before && compareKeys(keyOf(before), keyOf(value)) > 0) isUsable = false;
    return isUsable ? value : null;
  };
  const advance = async (task: Task | undefined): Promise<void> => {
    const listed = new Map<string, Row>();
    if (head === undefined) head = await next(undefined);
    for (; head !== null; head = await next(head)) {
      const order = task ? compareKeys(keyOf(head), task.key) : -1;
      if (order > 0) break;
      if (!isOrdinary(head)) continue;
      if (order === 0 && task && task.highest > 0) listed.set(head.cell('reason'), head);
      else checkAlone(head, files.discrepancies);
    }
    if (task && isUsable && listed.size > 0) checkListed(task, listed, files);
  };
  // Stryker disable next-line all: it spares most rows a promise, and decides nothing
  const isBehind = (task: Task) => head === null || (head && compareKeys(keyOf(head), task.key) > 0);
  return {
    task: (task: Task): void | Promise<void> => (isBehind(task) ? undefined : advance(task)),
    end: () => advance(undefined),
    close: async (): Promise<void> => {
      await rows.return(false);
    },
  };
}

const keyOf = (row: Row) => [original(row.cell('transaction_id')), original(row.cell('task_type'))] as const;

/**
 * Whether a disagreement is the month's own and open. One that corrects an earlier month has the figures of another
 * time.
 */
const isOrdinary = (row: Row): boolean =>
  row.cell('is_correction') === 'false' && row.cell('own_quantity') !== row.cell('vendor_quantity');

function checkAlone(row: Row, add: Add): void {
  if (row.cell('own_quantity') === '0') return;
  add(
    row,
    'own_quantity',
    `own_quantity is ${row.cell('own_quantity')}, but the detail file has no attempt of this task in the month itself`,
  );
}

function checkListed(task: Task, listed: ReadonlyMap<string, Row>, { detail, discrepancies }: Files): void {
  const { first, highest, rows, invoiced } = task;
  const is = (row: Row | undefined, column: string, expected: string, why: string) => {
    if (row && row.cell(column) !== expected)
      discrepancies(row, column, `${column} is ${row.cell(column)}, ${why} ${shown(expected)}`);
  };
  const attempts = listed.get('attempt_count_differs');
  for (const row of [attempts, listed.get('listed_twice')])
    is(row, 'own_quantity', String(highest), 'the last attempt of this task in the detail file is');
  is(attempts, 'vendor_quantity', first.cell('vendor_attempts'), 'vendor_attempts in the detail file is');
  const counted = listed.get('invoiced_count_differs');
  is(
    counted,
    'vendor_quantity',
    first.cell('vendor_attempts_invoiced'),
    'vendor_attempts_invoiced in the detail file is',
  );
  // Ordinals have no gaps, so the file has all attempts if it has as many rows as the last ordinal.
  if (rows === highest)
    is(counted, 'own_quantity', String(invoiced), 'the number of invoiced rows of this task in the detail file is');
  else if (counted && BigInt(counted.cell('own_quantity')) < invoiced)
    is(counted, 'own_quantity', String(invoiced), 'but the detail file alone has more invoiced rows of this task:');
  const status = first.cell('counter_status');
  if ((status === 'mismatch') !== (counted !== undefined))
    detail(
      first,
      'counter_status',
      `counter_status is ${status}, but the discrepancies file ${counted ? 'lists' : 'does not list'} invoiced_count_differs of this task`,
    );
}
