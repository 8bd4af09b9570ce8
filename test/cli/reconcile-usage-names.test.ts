import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createTestFolder } from '../support/books.ts';
import { addScans, attemptsIn, january, line, lineAt, rightRows, rowAt, timeOf } from './january.ts';

type Books = Awaited<ReturnType<typeof january>>;

/** What is found of a month with an invoice and a statement: findings, and the attempts of their evidence. */
async function found(
  books: Books,
  statement: readonly string[],
  [quantity, amount]: readonly [quantity: number, amount: string],
) {
  const file = await books.invoice('invoice.csv', line(quantity, amount));
  const { code, stderr } = await books.reconcile(
    '--invoice',
    file,
    '--usage',
    await books.usage('usage.csv', statement),
  );
  const findings = (await books.rows())
    .filter((one) => one['record_type'] === 'FINDING')
    .map((one) =>
      ['cause', 'certainty', 'quantity_difference', 'amount_difference'].map((column) => one[column]).join(' '),
    )
    .sort();
  return { code, stderr, findings, attempts: attemptsIn(await books.evidence()) };
}

test.each([
  ['without a number', ''],
  ['with a number that is not ours', 77],
] as const)('a row %s that names the time of a scan that is charged takes the place of no other', async (_, number) => {
  const books = await january();
  const statement = rightRows().map((one, place) => (place === 1 ? rowAt('t-0', number, timeOf(0, 1)) : one));
  expect(await found(books, statement, [300, '255.00'])).toEqual({
    code: 1,
    stderr: '',
    findings: ['billed_twice proven 1 0.85', 'usage_not_billed proven -1 -0.85'],
    attempts: ['t-0 1 true charged_again', 't-0 2 false stated'],
  });
});

test('of scans of one second the one that the books bill is charged, whichever came first', async () => {
  const books = await january();
  await addScans(books, 'twin', [['2026-01-07T10:01:00.100Z', 'unknown_type_back'], ['2026-01-07T10:01:00.700Z']]);
  const statement = [...rightRows('by time'), rowAt('twin', '', '2026-01-07T10:01:00Z')];
  expect(await found(books, statement, [301, '255.85'])).toMatchObject({ code: 0, findings: [] });
});

test('times rounded to the minute are no names: a scan at its full minute is charged once', async () => {
  const books = await january();
  await addScans(books, 'rounded', [['2026-01-07T10:05:00Z'], ['2026-01-07T10:05:40Z']]);
  const minute = (one: string) => one.replace(/T10:0(\d):00/, 'T10:1$1:00');
  const statement = [
    ...rightRows('by time').map(minute),
    rowAt('rounded', '', '2026-01-07T10:05:00Z'),
    rowAt('rounded', '', '2026-01-07T10:05:00Z'),
  ];
  expect(await found(books, statement, [302, '256.70'])).toMatchObject({ code: 0, findings: [] });
});

test('the order of rows changes nothing', async () => {
  const books = await january();
  await addScans(books, 'mixed', [['2026-01-07T10:01:00Z'], ['2026-01-07T10:02:00Z']]);
  const mixed = [
    rowAt('mixed', 1, '2026-01-07T10:01:00Z'),
    rowAt('mixed', '', '2026-01-07T10:01:00Z'),
    rowAt('mixed', 9, '2026-01-07T10:02:00Z'),
    rowAt('mixed', '', '2026-01-07T10:02:00Z'),
    rowAt('mixed', 8, '2026-01-07T11:11:00Z'),
    rowAt('mixed', '', '2026-01-07T11:22:00Z'),
  ];
  const orders = [mixed, [...mixed].reverse(), [3, 0, 5, 2, 4, 1].flatMap((place) => mixed[place] ?? [])];
  const all: unknown[] = [];
  for (const rows of orders) all.push(await found(books, [...rows, ...rightRows()], [306, '260.10']));
  expect(all).toEqual([all[0], all[0], all[0]]);
});

test('a charge for a scan that is unknown is on the line of its task, also where the statement gives no levels', async () => {
  const books = await january();
  const bare = (one: string) => one.replace(',advanced,', ',,');
  const strange = [rowAt('t-0', 77, timeOf(0, 50)), rowAt('stranger', 1, '2026-01-09T10:00:00Z')];
  const statement = [...rightRows(), ...strange].map(bare);
  expect(await found(books, statement, [302, '256.70'])).toEqual({
    code: 1,
    stderr: '',
    findings: ['usage_unknown proven 2 1.70'],
    attempts: ['stranger 1 true not_in_books', 't-0 77 true not_in_books'],
  });
});

test('a charge for a stranger without a level is on the line without one, where the statement says other levels', async () => {
  const books = await january();
  const stranger = rowAt('stranger', 1, '2026-01-09T10:00:00Z').replace(',advanced,', ',,');
  const usage = await books.usage('usage.csv', [...rightRows(), stranger]);
  const file = await books.invoice('invoice.csv', line(300, '255.00'), lineAt('', 1, '0.85', '0.85'));
  await books.reconcile('--invoice', file, '--usage', usage);
  const findings = (await books.rows()).filter((one) => one['record_type'] === 'FINDING');
  expect(findings).toMatchObject([
    { level: '', effect: 'extra_line', cause: 'usage_unknown', certainty: 'proven', quantity_difference: '1' },
  ]);
  expect(attemptsIn(await books.evidence())).toEqual(['stranger 1 true not_in_books']);
});

test('scans on both sides of a change of prices are evidence of the finding at their own price', async () => {
  const file = path.join(await createTestFolder(), 'prices.json');
  const from = '2026-01-16';
  const price = { task_type: 'document_scan', level: 'advanced' };
  const prices = [
    { ...price, effective_from: '2026-01-01', effective_to: from, unit_price: '0.85' },
    { ...price, effective_from: from, effective_to: null, unit_price: '0.77' },
  ];
  await writeFile(file, JSON.stringify({ version: 'changed', currency: 'EUR', source: 'a test', prices }));
  const books = await january({ PRICES_FILE: file });
  await addScans(books, 'early', [['2026-01-10T10:01:00Z']]);
  await addScans(books, 'late', [['2026-01-20T10:01:00Z']]);
  const early = rightRows().filter((one) => (one.split(',')[3] ?? '') < from).length;
  const late = 300 - early;
  const euros = (cents: number) => (cents / 100).toFixed(2);
  const lines = [line(early, euros(early * 85)), lineAt('advanced', late, '0.77', euros(late * 77))];
  const usage = await books.usage('usage.csv', rightRows());
  await books.reconcile('--invoice', await books.invoice('invoice.csv', ...lines), '--usage', usage);
  const findings = (await books.rows()).filter((one) => one['record_type'] === 'FINDING');
  const evidence = await books.evidence();
  const told = findings.map((one) => [
    one['cause'],
    one['amount_difference'],
    attemptsIn(evidence.filter(({ finding }) => finding === one['finding'])),
  ]);
  expect(told.sort()).toEqual([
    ['usage_not_billed', '-0.77', ['late 1 false stated']],
    ['usage_not_billed', '-0.85', ['early 1 false stated']],
  ]);
});
