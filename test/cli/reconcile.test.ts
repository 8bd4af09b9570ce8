import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { verifyFolder } from '../../src/reports/verify.ts';
import { runCli } from '../support/cli.ts';
import { facts, fetchedOf, register, scan, scanTask } from '../support/facts.ts';
import { recordFetched } from '../support/single.ts';
import { january, line, rightRows, row, timeOf } from './january.ts';

test('an invoice that agrees is reconciled, and so it is once more without it', async () => {
  const { reconcile, invoice, rows, report, folder } = await january();
  const file = await invoice('right.csv', line(300, '255.00'));
  const found = await reconcile('--invoice', file);
  expect(found).toMatchObject({ code: 0, stdout: expect.stringContaining('Reconciled: nothing is open.') as string });
  expect((await rows()).map((row) => [row['record_type'], row['amount_difference']])).toEqual([
    ['MATCH', '0.00'],
    ['TOTAL', '0.00'],
  ]);
  expect((await reconcile()).code).toBe(0);
  expect((await reconcile('--invoice', file)).code).toBe(0);
  expect((await report()).code).toBe(0);
  expect((await verifyFolder(folder)).problems).toEqual([]);
});

test('a product that stands on the invoice as a whole agrees with the prices of its tiers and allowance', async () => {
  const PRICES_FILE = new URL('../../examples/prices-tiers.json', import.meta.url).pathname;
  const { reconcile, invoice, rows, report, folder } = await january({ PRICES_FILE });
  const lines = [
    'V-1,2026-02-02,EUR,1,Scans,usage,document_scan,advanced,300,,170.00',
    'V-1,2026-02-02,EUR,2,Minimum,minimum,,,,,80.00',
  ];
  expect((await reconcile('--invoice', await invoice('whole.csv', ...lines))).code).toBe(0);
  const shown = ['record_type', 'invoice_line', 'own_quantity', 'own_unit_price', 'vendor_unit_price', 'vendor_amount'];
  expect((await rows()).map((row) => shown.map((name) => row[name]).join(' '))).toEqual([
    'MATCH 1 100 0.00 0.00 0.00',
    'MATCH 1 200 0.85 0.85 170.00',
    'MATCH 2    80.00',
    'TOTAL     250.00',
  ]);
  expect((await report()).code).toBe(0);
  expect((await verifyFolder(folder)).problems).toEqual([]);
});

test('a code that the vendor bills although the rules do not is named, decided, and proven by verify', async () => {
  const { reconcile, invoice, rows, report, folder } = await january();
  const file = await invoice('more.csv', line(360, '306.00'));
  const dry = await reconcile('--invoice', file, '--dry-run');
  expect(dry).toMatchObject({ code: 1, stdout: expect.stringContaining('dry run') as string });
  expect(await reconcile()).toMatchObject({ code: 2, stderr: expect.stringContaining('(invoice_missing)') as string });
  const found = await reconcile('--invoice', file);
  expect(found.code, found.stderr).toBe(1);
  const [finding, total] = await rows();
  expect(finding).toMatchObject({
    record_type: 'FINDING',
    effect: 'quantity',
    quantity_difference: '60',
    amount_difference: '51.00',
    decision: '',
  });
  expect([finding?.['cause'], finding?.['subject'], finding?.['alternatives']].join(' ')).toContain(
    'unknown_type_back',
  );
  expect(total).toMatchObject({ record_type: 'TOTAL', own_amount: '255.00', vendor_amount: '306.00' });
  const id = finding?.['finding'] ?? '';
  for (const wrong of [[`${id}=perhaps`], [`${'0'.repeat(16)}=accept`], [id]])
    expect((await reconcile('--decide', ...wrong, '--reason', 'because')).code).toBe(2);
  expect((await reconcile('--decide', `${id}=accept`)).code).toBe(2);
  expect((await reconcile('--decide', `${id}=dispute`, '--reason', 'not in the contract')).code).toBe(1);
  expect((await reconcile('--decide', `${id}=accept`, '--reason', 'it is, page 4')).code).toBe(0);
  expect((await rows())[0]).toMatchObject({ finding: id, decision: 'accept' });
  expect((await report()).code).toBe(0);
  expect((await verifyFolder(folder)).problems).toEqual([]);
  const name = path.join(folder, 'idscan-cost_2026-01_reconciliation.csv');
  await writeFile(name, (await readFile(name, 'utf8')).replace('51.00', '50.00'));
  expect((await verifyFolder(folder)).problems.map(({ problem }) => problem)).toContain(
    'the findings do not add up to the difference',
  );
});

test('what cannot be held against the books is refused with its code, and nothing of it is kept', async () => {
  const { reconcile, invoice, environment } = await january();
  const refused: [file: string, exit: number, code: string][] = [
    [await invoice('sum.csv', line(300, '254.00')), 2, 'invoice_not_tied_out'],
    [await invoice('usd.csv', line(300, '255.00').replace('EUR', 'USD')), 3, 'currency_differs'],
    [await invoice('none.csv'), 2, 'invoice_unreadable'],
    [await invoice('word.csv', line(300, '255.00').replace('document_scan', 'Document scan')), 2, 'invoice_unreadable'],
    [path.join(environment.folder, 'missing.csv'), 2, 'usage_invalid'],
  ];
  for (const [file, exit, code] of refused) {
    const said = await reconcile('--invoice', file);
    expect({ file, code: said.code, said: said.stderr.includes(`(${code})`) }).toEqual({
      file,
      code: exit,
      said: true,
    });
    expect(said.stderr).not.toMatch(/\n\s+at /);
  }
  expect(await reconcile()).toMatchObject({ code: 2, stderr: expect.stringContaining('(invoice_missing)') as string });
  const future = await runCli(['reconcile', '2999-01'], environment);
  expect(future).toMatchObject({ code: 3, stderr: expect.stringContaining('(period_not_ended)') as string });
  const withoutPrices = await runCli(
    ['reconcile', '2026-01', '--invoice', await invoice('ok.csv', line(300, '255.00'))],
    {
      ...environment,
      PRICES_FILE: '',
    },
  );
  expect(withoutPrices).toMatchObject({ code: 3, stderr: expect.stringContaining('(prices_missing)') as string });
});

test('another document with the same number replaces the one that is kept; a credit note is added to it', async () => {
  const { reconcile, invoice, rows } = await january();
  expect((await reconcile('--invoice', await invoice('first.csv', line(310, '263.50')))).code).toBe(1);
  const second = await reconcile('--invoice', await invoice('second.csv', line(305, '259.25')));
  expect(second.stdout).toContain('replaces');
  const credit = line(-5, '-4.25', 'CN-1');
  const settled = await reconcile('--invoice', await invoice('credit.csv', credit));
  expect(settled.stdout).toContain('INV-1, CN-1');
  expect((await rows()).at(-1)).toMatchObject({ vendor_amount: '255.00', amount_difference: '0.00' });
});

test('a second invoice for the month leaves the findings of the first, and what was decided, as they are', async () => {
  const { reconcile, invoice, rows } = await january();
  await reconcile('--invoice', await invoice('first.csv', line(360, '306.00')));
  const finding = (await rows()).find(({ cause }) => cause === 'rule')?.['finding'] ?? '';
  await reconcile('--decide', `${finding}=accept`, '--reason', 'page 4');
  const fee = 'INV-2,2026-02-03,EUR,1,Set-up,fee,,,,,50.00';
  const said = await reconcile('--invoice', await invoice('second.csv', fee));
  expect(said.code, said.stderr).toBe(1);
  const found = (await rows()).filter((one) => one['record_type'] === 'FINDING');
  expect(found.map((one) => [one['cause'], one['amount_difference'], one['decision']]).sort()).toEqual([
    ['fee', '50.00', ''],
    ['rule', '51.00', 'accept'],
  ]);
});

test('a decision is about an amount: a replaced invoice with another one has to be decided again', async () => {
  const { reconcile, invoice, rows } = await january();
  const fee = (amount: string) => `INV-1,2026-02-01,EUR,2,Set-up,fee,,,,,${amount}`;
  await reconcile('--invoice', await invoice('first.csv', line(300, '255.00'), fee('18.55')));
  const id = (await rows()).find(({ cause }) => cause === 'fee')?.['finding'] ?? '';
  expect((await reconcile('--decide', `${id}=accept`, '--reason', 'agreed')).code).toBe(0);
  for (const amount of ['1855.00', '-7.95']) {
    const more = await reconcile('--invoice', await invoice(`${amount}.csv`, line(300, '255.00'), fee(amount)));
    expect(more.code, amount).toBe(1);
    expect(more.stdout).toContain('open (accept was about 18.55)');
    expect((await rows()).find(({ finding }) => finding === id)).toMatchObject({ decision: '', state: 'open' });
  }
  expect((await reconcile('--invoice', await invoice('again.csv', line(300, '255.00'), fee('18.55')))).code).toBe(0);
});

test('a layout that is corrected reads the kept file anew, and a file that was replaced can count again', async () => {
  const { reconcile, invoice, rows, environment, folder } = await january();
  const layout = async (name: string, level: string) => {
    const columns = { description: 'description', quantity: 'quantity', unit_price: 'unit_price', amount: 'amount' };
    const lines = [{ description: 'Document scan', kind: 'usage', task_type: 'document_scan', level }];
    const said = { number: 'INV-1', issue_date: '2026-02-01', currency: 'EUR' };
    const file = path.join(environment.folder, name);
    await writeFile(file, JSON.stringify({ version: name, source: 'a test', columns, lines, invoice: said }));
    return file;
  };
  const first = await invoice('first.csv', line(300, '255.00'));
  const wrong = await layout('wrong', 'basic');
  expect((await reconcile('--invoice', first, '--layout', wrong)).code).toBe(1);
  const corrected = await reconcile('--invoice', first, '--layout', await layout('right', 'advanced'));
  expect(corrected.stdout).toContain('replaces');
  const manifest = JSON.parse(await readFile(path.join(folder, 'reconciliation.json'), 'utf8')) as object;
  expect(manifest).toMatchObject({ invoices: [{ layout: { name: 'right' } }], usage: null });
  expect(corrected.code).toBe(0);
  const second = await invoice('second.csv', line(301, '255.85'));
  expect((await reconcile('--invoice', second)).code).toBe(1);
  expect((await reconcile('--invoice', first)).code).toBe(0);
  expect((await rows()).at(-1)).toMatchObject({ vendor_amount: '255.00' });
  expect((await reconcile('--invoice', first)).stdout).not.toContain('replaces');
});

test('an invoice of another month, or that is kept for another one, is refused, and so is a usage statement', async () => {
  const { reconcile, run, invoice, usage, environment } = await january();
  const file = await invoice('right.csv', line(300, '255.00'));
  const layout = path.join(environment.folder, 'layout.json');
  const columns = { description: 'description', quantity: 'quantity', unit_price: 'unit_price', amount: 'amount' };
  const lines = [{ description: 'Document scan', kind: 'usage', task_type: 'document_scan', level: 'advanced' }];
  const invoiceKeys = { number: 'INV-1', issue_date: '2026-02-01', currency: 'EUR', period: '2026-02' };
  await writeFile(layout, JSON.stringify({ version: 'v', source: 'a test', columns, lines, invoice: invoiceKeys }));
  const refused = async (code: string, said: Promise<{ code: number | null; stderr: string }>) =>
    expect(await said).toMatchObject({ code: 3, stderr: expect.stringContaining(`(${code})`) as string });
  await refused('period_differs', reconcile('--invoice', file, '--layout', layout));
  const ofFebruary = rightRows().map((one) => one.replace('2026-01-', '2026-02-'));
  await refused('period_differs', reconcile('--invoice', file, '--usage', await usage('february.csv', ofFebruary)));
  // A charge of the last day but one before the month, as another time zone has it, is no other month's statement.
  const early = row(0, 6).replace(timeOf(0, 6), '2025-12-31T20:00:00.000Z');
  const right = await reconcile('--invoice', file, '--usage', await usage('january.csv', [...rightRows(), early]));
  expect(right.stderr).toBe('');
  await refused('invoice_elsewhere', run('reconcile', '2026-02', '--invoice', file));
  const sameNumber = await invoice('same-number.csv', line(1, '0.85'));
  await refused('invoice_elsewhere', run('reconcile', '2026-02', '--invoice', sameNumber));
});

test('a credit note with the number of the invoice is kept beside it', async () => {
  const { reconcile, invoice, rows } = await january();
  await reconcile('--invoice', await invoice('first.csv', line(310, '263.50')));
  const credit = await reconcile('--invoice', await invoice('credit.csv', line(-10, '-8.50')));
  expect(credit.stdout).not.toContain('replaces');
  expect((await rows()).at(-1)).toMatchObject({ vendor_amount: '255.00', amount_difference: '0.00' });
});

test('a decision is kept, never tried out, and shown on the basis of what was decided', async () => {
  const { reconcile, invoice, rows, folder } = await january();
  await reconcile('--invoice', await invoice('more.csv', line(360, '306.00')), '--basis', 'closed');
  const id = (await rows())[0]?.['finding'] ?? '';
  const basis = async () =>
    (JSON.parse(await readFile(path.join(folder, 'reconciliation.json'), 'utf8')) as { basis: string }).basis;
  expect(await reconcile('--decide', `${id}=accept`, '--reason', 'x', '--dry-run')).toMatchObject({ code: 2 });
  expect((await reconcile()).code).toBe(1);
  expect(await basis()).toBe('restated');
  await reconcile('--basis', 'closed');
  expect((await reconcile('--decide', `${id}=accept`, '--reason', 'x')).code).toBe(0);
  expect(await basis()).toBe('closed');
});

test('a report that is written again says so if the books moved since they were reconciled', async () => {
  const { reconcile, invoice, report, db } = await january();
  await reconcile('--invoice', await invoice('right.csv', line(300, '255.00')));
  expect((await report()).stdout).not.toContain('moved');
  await register(db, 't-late', 'r-late');
  const [createdAt, completedAt] = [new Date(timeOf(3, 0)), new Date(timeOf(3, 30))];
  const tasks = [scanTask([scan(timeOf(3, 1), null)], { level: 'advanced', attempts: null, attemptsInvoiced: null })];
  await recordFetched(db.kysely, fetchedOf(facts('t-late', { createdAt, completedAt, tasks }), { fence: '1' }), 0);
  const moved = await report();
  expect(moved.stdout).toContain('The books moved since they were reconciled: 255.00 then, 255.85 now.');
  await reconcile();
  expect((await report()).stdout).not.toContain('moved');
});
