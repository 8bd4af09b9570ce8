import { original } from './cells.ts';
import { shown } from './problems.ts';
import type { Row } from './reading.ts';

/** The rows of a task in this file. Reversals show the task as it was booked, all other rows as it is now. */
export type Task = {
  readonly key: readonly [transactionId: string, taskType: string];
  /** The first row that is not a reversal. */
  readonly first: Row;
  /** The number of rows that are not reversals. Each is another attempt. */
  rows: number;
  invoiced: bigint;
  /** The highest ordinal among the month's own rows; 0 = the task has only corrections here. */
  highest: number;
};

type Add = (row: Row, column: string, problem: string) => void;

/** Columns that are equal on all rows of a transaction, and of a task. */
const ofTransaction = ['result_id', 'transaction_state', 'settled'];
const ofTask = ['level', 'vendor_attempts', 'vendor_attempts_invoiced', 'counter_status'];

/**
 * Checks that the rows of a task and of a transaction agree with each other. A task may have rows in other months, so
 * its counts here are lower bounds. Passes each task to `onTask`.
 */
export function taskChecker(add: Add, onTask: (task: Task) => void | Promise<void>) {
  let task: Task | undefined;
  const end = (): void | Promise<void> => {
    if (!task) return undefined;
    checkMatch(task, add);
    return onTask(task);
  };
  return {
    row: (row: Row): void | Promise<void> => {
      if (row.cell('quantity').startsWith('-')) return undefined;
      const key = [original(row.cell('transaction_id')), original(row.cell('task_type'))] as const;
      if (task?.key[0] === key[0]) sameAs(task.first, row, ofTransaction, 'transaction', add);
      if (task?.key[0] === key[0] && task.key[1] === key[1]) {
        sameAs(task.first, row, ofTask, 'task', add);
        count(task, row);
        return undefined;
      }
      const busy = end();
      task = { key, first: row, rows: 0, invoiced: 0n, highest: 0 };
      count(task, row);
      return busy;
    },
    end,
  };
}

function count(task: Task, row: Row): void {
  task.rows += 1;
  if (row.cell('invoiced') === 'true') task.invoiced += 1n;
  if (row.cell('is_correction') === 'false') task.highest = Math.max(task.highest, Number(row.cell('attempt')));
}

function sameAs(first: Row, row: Row, columns: readonly string[], what: string, add: Add): void {
  for (const column of columns)
    if (row.cell(column) !== first.cell(column))
      add(
        row,
        column,
        `${column} is ${shown(row.cell(column))}, row ${first.line} of the same ${what} says ${shown(first.cell(column))}`,
      );
}

function checkMatch({ first, invoiced }: Task, add: Add): void {
  const counter = first.cell('vendor_attempts_invoiced');
  if (first.cell('counter_status') !== 'match' || counter === '' || invoiced <= BigInt(counter)) return;
  add(
    first,
    'counter_status',
    `counter_status is match, but ${invoiced} rows of this task are invoiced and vendor_attempts_invoiced is ${counter}`,
  );
}
