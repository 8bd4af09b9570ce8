import { expect, test } from 'vitest';
import { disagreementChecker } from '../../src/reports/verify/disagreements.ts';
import type { Row } from '../../src/reports/verify/reading.ts';
import type { Task } from '../../src/reports/verify/tasks.ts';

type Cells = Readonly<Record<string, string>>;

const rowOf = (line: number, cells: Cells): Row => ({
  line,
  columns: new Map(),
  cell: (header) => cells[header] ?? '',
});
/** A disagreement about the attempts that are charged: we say 2, the vendor 3. */
const listed = (id: string, more: Cells = {}): Cells => ({
  ...{ transaction_id: id, task_type: 'document_scan', reason: 'invoiced_count_differs' },
  ...{ own_quantity: '2', vendor_quantity: '3', is_correction: 'false' },
  ...more,
});
const taskOf = (id: string, more: Partial<Task> = {}): Task => ({
  key: [id, 'document_scan'],
  first: rowOf(7, { vendor_attempts_invoiced: '3', counter_status: 'mismatch' }),
  ...{ rows: 1, invoiced: 1n, highest: 1 },
  ...more,
});

/** What is said of disagreements beside tasks, and how often their file was closed. */
async function said(disagreements: readonly Cells[], tasks: readonly Task[], isWhole = true) {
  const problems: string[] = [];
  let closed = 0;
  async function* rows(): AsyncGenerator<Row, boolean> {
    try {
      for (const [at, cells] of (await Promise.resolve(disagreements)).entries()) yield rowOf(at + 2, cells);
      return isWhole;
    } finally {
      closed += 1;
    }
  }
  const addTo = (file: string) => (row: Row, column: string, problem: string) =>
    problems.push(`${file} ${row.line} [${column}] ${problem}`);
  const checker = disagreementChecker(rows(), { detail: addTo('detail'), discrepancies: addTo('listed') });
  for (const task of tasks) await checker.task(task);
  await checker.end();
  await checker.close();
  return { problems, closed };
}

const wrong =
  'listed 2 [own_quantity] own_quantity is 2, the number of invoiced rows of this task in the detail file is 1';
const alone = (line: number) =>
  `listed ${line} [own_quantity] own_quantity is 2, but the detail file has no attempt of this task in the month itself`;

test('disagreements are held against their tasks, each where it is', async () => {
  const { problems, closed } = await said(
    ['a', 'c', 'd', 'e'].map((id) => listed(id)),
    [taskOf('a'), taskOf('b'), taskOf('d', { highest: 0 })],
  );
  expect([problems, closed]).toEqual([[wrong, alone(3), alone(4), alone(5)], 1]);
});

test('nothing is compared once a row cannot be read, or is out of order', async () => {
  expect(await said([listed('a')], [taskOf('a')], false)).toEqual({ problems: [], closed: 1 });
  expect(await said([listed('b'), listed('a')], [taskOf('b')])).toEqual({ problems: [], closed: 1 });
});

test('a file that is not read to its end is closed', async () => {
  const { problems, closed } = await said([listed('a'), listed('b'), listed('c')], []);
  expect([problems, closed]).toEqual([[alone(2), alone(3), alone(4)], 1]);
  let isClosed = false;
  const rows = (async function* () {
    try {
      yield await Promise.resolve(rowOf(2, listed('z')));
      return true;
    } finally {
      isClosed = true;
    }
  })();
  const never = () => expect.fail('nothing is wrong');
  const checker = disagreementChecker(rows, { detail: never, discrepancies: never });
  await checker.task(taskOf('a'));
  expect(isClosed).toBe(false);
  await checker.close();
  expect(isClosed).toBe(true);
});

test('a task of which only a part is here has at least the invoiced attempts that are', async () => {
  const partly = { rows: 2, highest: 5, invoiced: 2n };
  expect(await said([listed('a')], [taskOf('a', partly)])).toMatchObject({ problems: [] });
  expect(await said([listed('a', { own_quantity: '1' })], [taskOf('a', partly)])).toMatchObject({
    problems: [
      'listed 2 [own_quantity] own_quantity is 1, but the detail file alone has more invoiced rows of this task: 2',
    ],
  });
});
