import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { january, line } from './january.ts';

const fee = (invoice: string, number: number, amount: string) =>
  `${invoice},2026-02-01,EUR,${number},Fee ${number},fee,,,,,${amount}`;

test('with several invoices a line is named by the one that it stands on, in files, terminal and letters', async () => {
  const { run, reconcile, invoice, rows, folder } = await january();
  await reconcile('--invoice', await invoice('first.csv', line(200, '170.00'), fee('INV-1', 2, '7.00')));
  const second = line(100, '85.00', 'INV-1B').replace(',1,Document', ',3,Document');
  const said = await reconcile('--invoice', await invoice('second.csv', second, fee('INV-1B', 1, '9.00')));
  expect(said.stdout).toMatch(/INV-1, line 2 +extra_line/);
  expect(said.stdout).toMatch(/INV-1B, line 1 +extra_line/);
  const places = (await rows()).map((row) => [row['record_type'], row['invoice_number'], row['invoice_line']]);
  expect(places.sort()).toEqual([
    ['FINDING', 'INV-1', '2'],
    ['FINDING', 'INV-1B', '1'],
    ['MATCH', 'INV-1+INV-1B', 'INV-1:1+INV-1B:3'],
    ['TOTAL', 'INV-1+INV-1B', ''],
  ]);
  type Said = { findings: { finding: string; invoice_number: string; invoice_line: string }[] };
  const { findings } = JSON.parse((await reconcile('--json')).stdout) as Said;
  expect(findings.map((one) => `${one.invoice_number} ${one.invoice_line}`).sort()).toEqual(['INV-1 2', 'INV-1B 1']);
  for (const { finding } of findings) await reconcile('--decide', `${finding}=dispute`, '--reason', 'x');
  await run('dispute', '2026-01');
  const letter = path.join(`${folder}-dispute`, 'idscan-cost_2026-01_dispute-letter.en.txt');
  expect(await readFile(letter, 'utf8')).toMatch(/Invoice INV-1, line 2[\s\S]*Invoice INV-1B, line 1/i);

  const february = 'INV-2,2026-03-01,EUR,1,Monthly fee,fee,,,,,5.00';
  const carried = await run('reconcile', '2026-02', '--invoice', await invoice('february.csv', february));
  expect(carried.stdout).toMatch(/2026-01 +[0-9a-f]{16} +fee\(Fee 1\) +dispute +9\.00/);
});
