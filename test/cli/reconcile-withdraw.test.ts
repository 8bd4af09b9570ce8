import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openFindings } from '../../src/db/settlements.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { disputed, january, line, rightRows } from './january.ts';

const fee = (number: string, amount: string) => `${number},2026-02-01,EUR,1,Set-up,fee,,,,,${amount}`;
const because = ['--reason', 'it is of February'] as const;

type Said = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
const refused = (said: Said, code: string, exit = 2) =>
  expect(said).toMatchObject({ code: exit, stderr: expect.stringContaining(`(${code})`) as string });

test('the only invoice of a month is withdrawn: nothing of it is open, and the same file can be given for another month', async () => {
  const { reconcile, run, invoice, report, folder, db } = await january();
  const file = await invoice('wrong.csv', line(360, '306.00'));
  expect((await reconcile('--invoice', file)).code).toBe(1);
  expect((await openFindings(db.kysely)).map(({ period }) => period)).toEqual(['2026-01']);
  const said = await reconcile('--withdraw', 'INV-1', ...because);
  expect(said.code, said.stderr).toBe(0);
  expect(said.stdout).toContain('INV-1 is withdrawn from 2026-01');
  expect(await openFindings(db.kysely)).toEqual([]);
  const next = await reconcile();
  refused(next, 'invoice_missing');
  expect(next.stderr).toContain('INV-1 was withdrawn');
  expect(next.stderr).toContain('it is of February');
  expect((await report()).code).toBe(0);
  expect((await verifyFolder(folder)).problems).toEqual([]);
  refused(await run('dispute', '2026-01'), 'reconciliation_missing', 3);
  expect((await run('reconcile', '2026-02', '--invoice', file)).stdout).toContain('Reconciliation of 2026-02');
  const { rows: kept } = await sql<{ period: string }>`
    select period from vendor_invoices i join vendor_files f on f.sha256 = i.file_sha256 order by id`.execute(
    db.kysely,
  );
  expect(kept.map(({ period }) => period)).toEqual(['2026-01', '2026-02']);
});

test('one of two invoices is withdrawn: its findings go, and what was decided about them is still told', async () => {
  const { reconcile, invoice, rows } = await january();
  await reconcile('--invoice', await invoice('right.csv', line(300, '255.00')));
  await reconcile('--invoice', await invoice('fee.csv', fee('INV-2', '50.00')));
  const id = (await rows()).find(({ cause }) => cause === 'fee')?.['finding'] ?? '';
  await reconcile('--decide', `${id}=dispute`, '--reason', 'we never ordered it');
  const said = await reconcile('--withdraw', 'INV-2', ...because);
  expect(said.code, said.stderr).toBe(0);
  expect(said.stdout).toContain('Reconciled: nothing is open.');
  expect((await rows()).map((one) => one['record_type'])).toEqual(['MATCH', 'TOTAL']);
  expect((await reconcile()).stdout).toMatch(/INV-2 was withdrawn .*it is of February/);
  const json = JSON.parse((await reconcile('--json')).stdout) as Record<string, unknown>;
  expect(json['withdrawn']).toMatchObject([
    {
      name: 'INV-2',
      reason: 'it is of February',
      decisions: [{ finding: id, decision: 'dispute', amount: '50.00', reason: 'we never ordered it' }],
    },
  ]);
});

test('an invoice that was replaced counts again when the one that replaced it is withdrawn, and can be replaced anew', async () => {
  const { reconcile, invoice, rows } = await january();
  await reconcile('--invoice', await invoice('first.csv', line(300, '255.00')));
  await reconcile('--invoice', await invoice('second.csv', line(305, '259.25')));
  const said = await reconcile('--withdraw', 'INV-1', ...because);
  expect(said.code, said.stderr).toBe(0);
  expect(said.stdout).toContain('counts again');
  expect((await rows()).at(-1)).toMatchObject({ vendor_amount: '255.00' });
  const third = await reconcile('--invoice', await invoice('third.csv', line(310, '263.50')));
  expect(third.stdout).toContain('replaces');
  expect((await rows()).at(-1)).toMatchObject({ vendor_amount: '263.50' });
});

test('a credit note that is withdrawn settles nothing any more', async () => {
  const { reconcile, invoice, states, cause } = await disputed();
  await reconcile('--invoice', await invoice('credit.csv', line(-60, '-51.00', 'CN-1')));
  expect((await states())[0]).toEqual(['INV-1', cause, '51.00', '51.00', 'settled']);
  expect((await reconcile('--withdraw', 'CN-1', ...because)).code).toBe(1);
  expect(await states()).toEqual([['INV-1', cause, '51.00', '0.00', 'disputed']]);
});

test('a withdrawal is told by the run after it, and no more, unless a decision went with it', async () => {
  const { reconcile, invoice, rows } = await january();
  await reconcile('--invoice', await invoice('right.csv', line(300, '255.00')));
  await reconcile('--invoice', await invoice('fee.csv', fee('INV-2', '50.00')));
  expect((await reconcile('--withdraw', 'INV-2', ...because)).stdout).toMatch(
    /INV-2 was withdrawn .*it is of February/,
  );
  const later = await reconcile();
  expect(later.stdout).not.toContain('INV-2 was withdrawn');
  expect(later.stdout).not.toContain('withdrawn');
  await reconcile('--invoice', await invoice('set-up.csv', fee('INV-3', '70.00')));
  const id = (await rows()).find(({ cause }) => cause === 'fee')?.['finding'] ?? '';
  await reconcile('--decide', `${id}=accept`, '--reason', 'as ordered');
  await reconcile('--withdraw', 'INV-3', '--reason', 'not ours');
  await reconcile();
  const last = await reconcile();
  expect(last.stdout).toMatch(/INV-3 was withdrawn .*not ours\n\n/);
  expect(last.stdout.match(/as ordered/g)).toHaveLength(1);
  const json = JSON.parse((await reconcile('--json')).stdout) as { withdrawn: object[] };
  expect(json.withdrawn).toMatchObject([
    { name: 'INV-2', decisions: [] },
    { name: 'INV-3', decisions: [{ finding: id, reason: 'as ordered' }] },
  ]);
});

test('a usage statement is withdrawn by its name or hash: the one before it counts again, and then none', async () => {
  const { reconcile, invoice, usage } = await january();
  const file = await invoice('right.csv', line(300, '255.00'));
  await reconcile('--invoice', file, '--usage', await usage('one.csv', rightRows()));
  await reconcile('--usage', await usage('two.csv', rightRows().slice(1)));
  const said = await reconcile('--withdraw', 'two.csv', ...because);
  expect(said.code, said.stderr).toBe(0);
  expect(said.stdout).toContain('the usage statement one.csv');
  const { usage: one } = JSON.parse((await reconcile('--json')).stdout) as { usage: { sha256: string } };
  const none = await reconcile('--withdraw', one.sha256, ...because, '--json');
  expect(JSON.parse(none.stdout)).toMatchObject({ usage: null, withdrawn: [{ name: 'two.csv' }, { name: 'one.csv' }] });
});

test('what does not count for the month is not withdrawn, nor without a reason, nor for a try', async () => {
  const { reconcile, run, invoice } = await january();
  const file = await invoice('both.csv', line(310, '263.50'));
  await reconcile('--invoice', file);
  await reconcile('--invoice', await invoice('credit.csv', line(-10, '-8.50')));
  for (const args of [
    ['INV-9', ...because],
    ['INV-1', ...because],
    ['INV-1'],
    ['INV-1', ...because, '--dry-run'],
    ['INV-1', ...because, '--invoice', file],
    ['INV-1', ...because, '--decide', `${'0'.repeat(16)}=accept`],
  ])
    refused(await reconcile('--withdraw', ...args), 'usage_invalid');
  refused(await run('reconcile', '2026-02', '--withdraw', 'INV-1', ...because), 'usage_invalid');
  expect((await reconcile()).stdout).not.toContain('withdrawn');
});
