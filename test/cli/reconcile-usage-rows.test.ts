import { expect, test } from 'vitest';
import { verifyFolder } from '../../src/reports/verify.ts';
import { facts, fetchedOf, register } from '../support/facts.ts';
import { recordFetched } from '../support/single.ts';
import { addScans, attemptsIn, january, line, rightRows, rowAt, timeOf } from './january.ts';

type Books = Awaited<ReturnType<typeof january>>;
type Rows = readonly Record<string, string>[];

const told = (rows: Rows) =>
  rows
    .filter((one) => one['record_type'] === 'FINDING')
    .map((one) =>
      ['effect', 'cause', 'certainty', 'quantity_difference', 'amount_difference', 'evidence_rows']
        .map((column) => one[column])
        .join(' '),
    )
    .sort();

async function compared(books: Books, statement: readonly string[], quantity: number, amount: string) {
  const { reconcile, invoice, usage } = books;
  return reconcile(
    '--invoice',
    await invoice('invoice.csv', line(quantity, amount)),
    '--usage',
    await usage('usage.csv', statement),
  );
}

test('two scans of one second are charged by a row each, though the rows have no number', async () => {
  const books = await january();
  await addScans(books, 'twin', [['2026-01-07T10:01:00.100Z'], ['2026-01-07T10:01:00.700Z']]);
  const at = '2026-01-07T10:01:00Z';
  const statement = [...rightRows('by time'), rowAt('twin', '', at), rowAt('twin', '', at)];
  const said = await compared(books, statement, 302, '256.70');
  expect({ code: said.code, err: said.stderr, rows: told(await books.rows()) }).toEqual({ code: 0, err: '', rows: [] });
});

test('what is charged in a second beyond its scans is charged twice', async () => {
  const books = await january();
  await addScans(books, 'twin', [['2026-01-07T10:01:00.100Z'], ['2026-01-07T10:01:00.700Z']]);
  const at = '2026-01-07T10:01:00Z';
  const statement = [...rightRows('by time'), ...[1, 2, 3].map(() => rowAt('twin', '', at))];
  await compared(books, statement, 303, '257.55');
  expect(told(await books.rows())).toEqual(['quantity billed_twice proven 1 0.85 1']);
});

test('a row without a number is about a scan of its second, also where another row names that scan', async () => {
  const books = await january();
  const statement = [...rightRows(), rowAt('t-0', '', timeOf(0, 1))];
  await compared(books, statement, 301, '255.85');
  expect(told(await books.rows())).toEqual(['quantity billed_twice proven 1 0.85 1']);
});

test('times that are rounded are those of the scans that they are next to', async () => {
  const books = await january();
  await addScans(books, 'near', [['2026-01-07T10:01:00.600Z'], ['2026-01-07T10:02:00.700Z', 'unknown_type_back']]);
  const right = [...rightRows('by time'), rowAt('near', '', '2026-01-07T10:01:01Z')];
  const same = await compared(books, right, 301, '255.85');
  expect({ code: same.code, err: same.stderr }).toEqual({ code: 0, err: '' });
  const other = [...rightRows('by time'), rowAt('near', '', '2026-01-07T10:02:01Z')];
  await books.reconcile('--usage', await books.usage('other.csv', other));
  expect(told(await books.rows())).toEqual([
    expect.stringMatching(/^quantity (rule|unexplained) (ambiguous|none) 1 0.85 1$/),
    'quantity usage_not_billed proven -1 -0.85 1',
  ]);
});

test.each([
  ['a number and a time', 77],
  ['a time', ''],
] as const)('a row with %s that are not ours is one of the scans of its transaction', async (_, attempt) => {
  const books = await january();
  const statement = [...rightRows('by time').slice(1), rowAt('t-0', attempt, timeOf(0, 44))];
  const said = await compared(books, statement, 300, '255.00');
  expect({ code: said.code, err: said.stderr, rows: told(await books.rows()) }).toEqual({ code: 0, err: '', rows: [] });
});

test('of scans that are matched by count, the evidence says so: which of them is charged, the statement does not', async () => {
  const books = await january();
  const statement = rightRows('by count').slice(1);
  await compared(books, statement, 299, '254.15');
  expect(told(await books.rows())).toEqual(['quantity usage_not_billed proven -1 -0.85 1']);
  expect(attemptsIn(await books.evidence())).toEqual(['t-0 5 false counted']);
  expect((await books.report()).code).toBe(0);
  expect((await verifyFolder(books.folder)).problems).toEqual([]);
});

test('a row of very many units is one scan that is charged that often', async () => {
  const books = await january();
  await addScans(books, 'one', [['2026-01-07T10:01:00Z']]);
  const statement = [...rightRows('by time'), rowAt('one', '', '2026-01-07T10:01:00Z', 999_999_999_999)];
  await compared(books, statement, 301, '255.85');
  expect(told(await books.rows())).toContainEqual(
    expect.stringMatching(/^quantity billed_twice proven 999999999998 \d+\.\d+ 1$/),
  );
});

test('what is taken back is a credit on the scan that it names, beside what is charged for it', async () => {
  const books = await january();
  const statement = [
    ...rightRows(),
    rowAt('t-0', 1, timeOf(0, 1), -1),
    rowAt('t-1', '', timeOf(1, 2), -2),
    rowAt('nobody', 1, '2026-01-10T10:00:00Z', 3),
    rowAt('somebody', 1, '2026-01-10T10:00:00Z', -3),
  ];
  await compared(books, statement, 297, '252.45');
  expect(told(await books.rows())).toEqual([
    'quantity credit proven -3 -2.55 2',
    'quantity unexplained none -3 -2.55 1',
    'quantity usage_unknown proven 3 2.55 1',
  ]);
  expect(attemptsIn(await books.evidence())).toEqual([
    'nobody 1 true not_in_books',
    'somebody 1 false not_in_books',
    't-0 1 false credited',
    't-1 2 false credited',
  ]);
  expect((await books.report()).code).toBe(0);
  expect((await verifyFolder(books.folder)).problems).toEqual([]);
});

test('a kind of task that nobody knows is asked for, with its first line, and nothing is kept', async () => {
  const { reconcile, invoice, usage, rows } = await january();
  const file = await invoice('right.csv', line(300, '255.00'));
  const strange = rightRows().map((one, place) => (place > 6 ? one.replace('document_scan', 'Scan') : one));
  const said = await reconcile('--invoice', file, '--usage', await usage('strange.csv', strange));
  expect(said).toMatchObject({ code: 2, stderr: expect.stringContaining('(usage_ambiguous)') as string });
  expect(said.stderr).toContain('strange.csv:9: task_type: "Scan"');
  expect(await reconcile()).toMatchObject({ code: 2, stderr: expect.stringContaining('(invoice_missing)') as string });
  await expect(rows()).rejects.toThrow('ENOENT');
});

test('a kind of task that the books have is known, whatever its name', async () => {
  const books = await january();
  await register(books.db, 'other', 'r-other');
  const at = new Date('2026-01-07T10:00:00Z');
  const task = {
    type: 'age_check',
    state: 'completed',
    level: null,
    attempts: null,
    attemptsInvoiced: null,
    scans: null,
  };
  const of = facts('other', { createdAt: at, completedAt: at, tasks: [task] });
  await recordFetched(books.db.kysely, fetchedOf(of, { fence: '1' }), 0);
  const statement = [...rightRows(), `other,age_check,1,${at.toISOString()},,,1,0.85`];
  const said = await compared(books, statement, 300, '255.00');
  expect(said.code, said.stderr).toBe(0);
});
