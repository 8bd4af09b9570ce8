import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { verifyFolder } from '../../src/reports/verify.ts';
import { runCli } from '../support/cli.ts';
import { january, line, lineAt, rightRows, row } from './january.ts';

type Rows = readonly Record<string, string>[];

const shown = (rows: Rows, type = 'FINDING') =>
  rows
    .filter((one) => one['record_type'] === type)
    .map((one) =>
      ['effect', 'cause', 'certainty', 'quantity_difference', 'amount_difference', 'evidence_rows']
        .map((column) => one[column])
        .join(' '),
    )
    .sort();

test.each(['by number', 'by time', 'by count'] as const)(
  'a usage statement that agrees, %s, leaves nothing open; the same one twice changes nothing',
  async (how) => {
    const { reconcile, invoice, usage, rows, folder, report } = await january();
    const files = ['--invoice', await invoice('right.csv', line(300, '255.00'))];
    const statement = ['--usage', await usage('usage.csv', rightRows(how))];
    const dry = await reconcile(...files, ...statement, '--dry-run');
    expect(dry.code, dry.stderr).toBe(0);
    expect((await reconcile()).code).toBe(2);
    for (const args of [[...files, ...statement], statement, []]) {
      const said = await reconcile(...args);
      expect(said.code, said.stderr).toBe(0);
      expect(said.stdout).toContain('the usage statement usage.csv');
    }
    expect(shown(await rows())).toEqual([]);
    expect((await report()).code).toBe(0);
    expect((await verifyFolder(folder)).problems).toEqual([]);
  },
);

test('causes that cancel out in one line are proven, each with its attempts', async () => {
  const { reconcile, invoice, usage, rows, evidence, folder, report } = await january();
  const right = rightRows();
  const notBilled = right.filter((one) => /^t-(3|17),/.test(one)).slice(0, 7);
  const kept = right.filter((one) => !notBilled.includes(one));
  const twice = kept.slice(40, 44);
  const unknown = [
    't-1,document_scan,9,2026-01-10T10:00:00Z,,advanced,1,0.85',
    'nobody,document_scan,1,2026-01-10T10:00:00Z,,advanced,2,0.85',
  ];
  const statement = await usage('usage.csv', [...kept, ...twice, ...unknown]);
  const said = await reconcile('--invoice', await invoice('right.csv', line(300, '255.00')), '--usage', statement);
  expect(said.code, said.stderr).toBe(1);
  expect(shown(await rows())).toEqual([
    'quantity billed_twice proven 4 3.40 4',
    'quantity usage_not_billed proven -7 -5.95 7',
    'quantity usage_unknown proven 3 2.55 2',
  ]);
  const attempts = (await evidence()).map((one) => [
    one['transaction_id'],
    one['attempt'],
    one['vendor_invoiced'],
    one['note'],
  ]);
  expect(attempts).toContainEqual(['nobody', '1', 'true', 'not_in_books']);
  expect(attempts).toContainEqual(['t-3', '1', 'false', 'stated']);
  expect(attempts.filter((one) => one[3] === 'charged_again')).toHaveLength(4);
  expect((await report()).code).toBe(0);
  expect((await verifyFolder(folder)).problems).toEqual([]);
});

test('a closed month is matched as it was booked, and as it has become since', async () => {
  const { reconcile, invoice, usage, rows, environment } = await january();
  const closed = await runCli(['close', '2026-01', '--force', '--reason', 'a test'], environment);
  expect(closed.code, closed.stderr).toBe(0);
  const statement = await usage('usage.csv', [...rightRows().slice(1), row(2, 6, 'unknown_type_back')]);
  const files = ['--invoice', await invoice('same.csv', line(300, '255.00')), '--usage', statement];
  for (const args of [
    [...files, '--basis', 'closed'],
    ['--basis', 'restated'],
  ]) {
    const said = await reconcile(...args);
    expect(said.code, said.stderr).toBe(1);
    expect(shown(await rows())).toEqual([
      expect.stringMatching(/^quantity (rule|unexplained) (ambiguous|none) 1 0.85 1$/),
      'quantity usage_not_billed proven -1 -0.85 1',
    ]);
  }
});

test('a transaction is explained with what the statement that counts charges for it', async () => {
  const { reconcile, invoice, usage, environment } = await january();
  const file = await invoice('right.csv', line(300, '255.00'));
  await reconcile('--invoice', file, '--usage', await usage('first.csv', rightRows()));
  const second = await reconcile(
    '--usage',
    await usage('second.csv', [...rightRows(), row(2, 6, 'unknown_type_back')]),
  );
  expect(second.code, second.stderr).toBe(1);
  expect(second.stderr).toBe('');
  const said = await runCli(['explain', 't-2', '--json'], environment);
  const { charges } = JSON.parse(said.stdout) as { charges: Record<string, unknown>[] };
  expect(charges.map(({ period, attempt, code, quantity }) => [period, attempt, code, quantity])).toEqual([
    ...[1, 2, 3, 4, 5].map((attempt) => ['2026-01', attempt, null, 1]),
    ['2026-01', 6, 'unknown_type_back', 1],
  ]);
  expect((await runCli(['explain', 't-2'], environment)).stdout).toMatch(/charged in .*\n2026-01 +document_scan +1 /);
});

test('a rule that the vendor applies otherwise is proven, and a single scan beside it', async () => {
  const { reconcile, invoice, usage, rows } = await january();
  const billed = Array.from({ length: 60 }, (_, index) => row(index, 6, 'unknown_type_back'));
  const statement = await usage('usage.csv', [...rightRows().slice(1), ...billed]);
  const said = await reconcile('--invoice', await invoice('more.csv', line(359, '305.15')), '--usage', statement);
  expect(said.code, said.stderr).toBe(1);
  expect(shown(await rows())).toEqual([
    'quantity rule proven 60 51.00 60',
    'quantity usage_not_billed proven -1 -0.85 1',
  ]);
  expect((await rows()).find(({ cause }) => cause === 'rule')?.['subject']).toContain(
    'document_scan/unknown_type_back',
  );
});

test('a scan that is charged for no known reason stays unexplained, and another cause on its line keeps its own units', async () => {
  const { reconcile, invoice, usage, rows, evidence, report, folder } = await january();
  const statement = await usage('usage.csv', [...rightRows().slice(2), row(7, 6, 'unknown_type_back')]);
  const said = await reconcile('--invoice', await invoice('less.csv', line(299, '254.15')), '--usage', statement);
  expect(said.code, said.stderr).toBe(1);
  expect(shown(await rows())).toEqual([
    'quantity unexplained none 1 0.85 1',
    'quantity usage_not_billed proven -2 -1.70 2',
  ]);
  expect((await evidence()).map((one) => one['transaction_id']).sort()).toEqual(['t-0', 't-0', 't-7']);
  expect((await report()).code).toBe(0);
  expect((await verifyFolder(folder)).problems).toEqual([]);
});

test('what the invoice has more than its own usage statement stays unexplained', async () => {
  const { reconcile, invoice, usage, rows } = await january();
  const file = await invoice('more.csv', line(305, '259.25'));
  const said = await reconcile('--invoice', file, '--usage', await usage('usage.csv', rightRows()));
  expect(said.code, said.stderr).toBe(1);
  expect(shown(await rows())).toEqual(['quantity unexplained none 5 4.25 0']);
});

/** Findings with what they are about, in short. */
const told = (rows: Rows) =>
  rows
    .filter((one) => one['record_type'] === 'FINDING')
    .map((one) =>
      ['level', 'effect', 'cause', 'subject', 'certainty', 'quantity_difference', 'amount_difference', 'evidence_rows']
        .map((column) => one[column])
        .join(' '),
    )
    .sort();

test('scans that are charged at another level are a unit less on our line and a unit more on theirs, each with its scans', async () => {
  const { reconcile, run, invoice, usage, rows, evidence, report, folder } = await january();
  const charged = rightRows().map((one, place) => (place < 3 ? one.replace(',advanced,', ',basic,') : one));
  const file = await invoice('basic.csv', line(297, '252.45'), lineAt('basic', 3, '0.625', '1.88'));
  const said = await reconcile('--invoice', file, '--usage', await usage('usage.csv', charged));
  expect(said.code, said.stderr).toBe(1);
  expect(told(await rows())).toEqual([
    'advanced quantity rule level advanced→basic proven -3 -2.55 3',
    'basic extra_line rule level advanced→basic proven 3 1.88 3',
  ]);
  const found = (await rows()).filter((one) => one['record_type'] === 'FINDING');
  expect(found.map((one) => one['likely_wrong'])).toEqual(['', '']);
  const attempts = (await evidence()).map((one) => [one['transaction_id'], one['attempt'], one['note']].join(' '));
  expect(attempts.sort()).toEqual(
    ['t-0 1', 't-0 2', 't-0 3'].flatMap((one) => [`${one} other_level`, `${one} other_level`]),
  );
  expect((await rows()).at(-1)).toMatchObject({ amount_difference: '-0.67' });
  expect((await report()).code).toBe(0);
  expect((await verifyFolder(folder)).problems).toEqual([]);
  for (const one of found) await reconcile('--decide', `${one['finding']}=dispute`, '--reason', 'it was advanced');
  expect((await run('dispute', '2026-01')).code).toBe(0);
  const letter = await readFile(`${folder}-dispute/idscan-cost_2026-01_dispute-letter.en.txt`, 'utf8');
  expect(letter).toContain('attempts are charged at another level than your answers say (advanced→basic)');
});

test('a level beside other causes: what the books do not bill is at once on the line that it is charged on', async () => {
  const { reconcile, invoice, usage, rows } = await january();
  const right = rightRows();
  const basic = (one: string) => one.replace(',advanced,', ',basic,');
  const charged = [
    ...right.slice(1).map((one, place) => (place < 2 ? basic(one) : one)),
    basic(right[1]!),
    basic(row(7, 6, 'unknown_type_back')),
  ];
  const file = await invoice('mixed.csv', line(297, '252.45'), lineAt('basic', 4, '0.625', '2.50'));
  const said = await reconcile('--invoice', file, '--usage', await usage('usage.csv', charged));
  expect(said.code, said.stderr).toBe(1);
  expect(told(await rows())).toEqual([
    'advanced quantity rule level advanced→basic proven -2 -1.70 2',
    'advanced quantity usage_not_billed document_scan/advanced proven -1 -0.85 1',
    'basic extra_line billed_twice document_scan/basic proven 1 0.625 1',
    'basic extra_line rule level advanced→basic proven 2 1.25 2',
    'basic extra_line unexplained document_scan/basic none 1 0.625 1',
  ]);
});

test('a month that is charged at another level altogether is proven so', async () => {
  const { reconcile, invoice, usage, rows } = await january();
  const charged = rightRows('by time').map((one) => one.replace(',advanced,', ',basic,'));
  const file = await invoice('basic.csv', lineAt('basic', 300, '0.625', '187.50'));
  const said = await reconcile('--invoice', file, '--usage', await usage('usage.csv', charged));
  expect(said.code, said.stderr).toBe(1);
  expect(told(await rows())).toEqual([
    'advanced missing_line rule level advanced→basic proven -300 -255.00 300',
    'basic extra_line rule level advanced→basic proven 300 187.50 300',
  ]);
});

test.each([
  ['is empty', ''],
  ['is a word that neither invoice nor books have', 'ADV'],
])('a level that %s in the statement is not compared', async (_, level) => {
  const { reconcile, invoice, usage } = await january();
  const statement = rightRows().map((one, place) => (place % 2 === 0 ? one.replace(',advanced,', `,${level},`) : one));
  const file = await invoice('right.csv', line(300, '255.00'));
  const said = await reconcile('--invoice', file, '--usage', await usage('usage.csv', statement));
  expect({ code: said.code, err: said.stderr }).toEqual({ code: 0, err: '' });
});

test('a usage statement that cannot be read is refused with its lines, and neither it nor the invoice is kept', async () => {
  const { reconcile, invoice, usage } = await january();
  const file = await invoice('right.csv', line(300, '255.00'));
  const broken = await usage('broken.csv', [
    ...rightRows(),
    't-1,document_scan,x,2026-01-10T10:00:00Z,,advanced,1,0.85',
  ]);
  const said = await reconcile('--invoice', file, '--usage', broken);
  expect(said).toMatchObject({ code: 2, stderr: expect.stringContaining('(usage_unreadable)') as string });
  expect(said.stderr).toContain('302');
  expect(await reconcile()).toMatchObject({ code: 2, stderr: expect.stringContaining('(invoice_missing)') as string });
});

test('a layout to start from is printed for an invoice and a usage statement', async () => {
  const { reconcile, usage, environment } = await january();
  const file = await usage('usage.csv', rightRows().slice(0, 3));
  const said = await runCli(['reconcile', '--suggest-layout', file], environment);
  expect(said.code, said.stderr).toBe(0);
  expect(JSON.parse(said.stdout)).toHaveProperty('usage.columns.transaction_id', 'transaction_id');
  expect((await reconcile('--suggest-layout', file)).code).toBe(2);
});
