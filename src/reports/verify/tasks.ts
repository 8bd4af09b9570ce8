import { original } from './cells.ts';
import { shown } from './problems.ts';
import type { Row } from './reading.ts';

/** The rows of a task, as far as they are in this file. What is taken back says how a task was, all others how it is. */
export type Task = {
  readonly key: readonly [transactionId: string, taskType: string];
  /** The first row that is not taken back. */
  readonly first: Row;
  /** Rows that are not taken back: each is an attempt of its own. */
  rows: number;
  invoiced: bigint;
  /** The highest ordinal among the month's own rows; 0 = there are corrections alone. */
  highest: number;
};

type Add = (row: Row, column: string, problem: string) => void;

/** What is the same on all rows of a transaction, and of a task. */
const ofTransaction = ['result_id', 'transaction_state', 'settled'];
const ofTask = ['level', 'vendor_attempts', 'vendor_attempts_invoiced', 'counter_status'];

/**
 * Checks what the rows of a task and of a transaction must have in common. Rows of a task may lie in other months, so own
 * counts are only known from below: `onTask` gets each task with what is known.
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
