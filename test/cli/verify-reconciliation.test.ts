import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { january, line } from './january.ts';

const names = [
  'idscan-cost_2026-01_reconciliation.csv',
  'idscan-cost_2026-01_reconciliation-evidence.csv',
  'reconciliation.json',
];

test('verify says which files of a reconciliation it proved, and what of them', async () => {
  const { run, reconcile, invoice, report, folder } = await january();
  await report();
  const without = await run('verify', folder);
  expect(without.stdout).not.toContain('econciliation');
  expect(JSON.parse((await run('verify', folder, '--json')).stdout)).toMatchObject({ reconciliation: null });

  await reconcile('--invoice', await invoice('more.csv', line(360, '306.00')));
  const said = await run('verify', folder);
  expect(said.code, said.stderr).toBe(0);
  expect(said.stdout).toContain(
    'Proven: the reconciliation of 2026-01 with INV-1 is as it was written. Its 1 finding, 1 of them open, adds up to the difference of 51.00 EUR between invoice and books, and its 60 rows of evidence are whole.',
  );
  const manifest = await readFile(path.join(folder, 'reconciliation.json'), 'utf8');
  const { totals, files } = JSON.parse(manifest) as { totals: object; files: { rows: number; bytes: number }[] };
  for (const [index, { rows, bytes }] of files.entries())
    expect(said.stdout).toMatch(new RegExp(`${names[index]} +${rows} +${bytes}\\n`));
  expect(said.stdout).toMatch(/sha256 of reconciliation\.json: [0-9a-f]{64}\n/);
  const json = JSON.parse((await run('verify', folder, '--json')).stdout) as { files: { name: string }[] };
  expect(json).toMatchObject({
    reconciliation: {
      ...{ invoices: ['INV-1'], basis: 'restated', totals, files },
      manifest_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    },
  });
  expect(json.files.map(({ name }) => name)).toContain('idscan-cost_2026-01_provisional_detail.csv');
  const all = await run('verify', path.dirname(folder));
  expect(all.stdout).toContain('2026-01: with its reconciliation of INV-1, 1 finding.');
  expect(JSON.parse((await run('verify', path.dirname(folder), '--json')).stdout)).toMatchObject({
    months: [{ period: '2026-01', reconciliation_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string }],
  });

  const evidence = path.join(folder, names[1] ?? '');
  await writeFile(evidence, (await readFile(evidence, 'utf8')).replace('t-1,', 't-2,'));
  const failed = await run('verify', folder);
  expect(failed.code).toBe(1);
  expect(failed.stdout).not.toContain('Proven');
  expect(failed.stdout).toContain(names[1]);
});

test('a reconciliation without a report is proven by itself, and how the report is written is said', async () => {
  const { run, reconcile, invoice, report, folder } = await january();
  await reconcile('--invoice', await invoice('more.csv', line(360, '306.00')));
  const none =
    'manifest.json is not there: there is no report of 2026-01 yet. Write it: npx idscan-ledger report 2026-01';
  const said = await run('verify', folder);
  expect(said.code, said.stderr).toBe(0);
  expect(said.stdout).toContain('Proven: the reconciliation of 2026-01 with INV-1 is as it was written.');
  expect(said.stdout).toContain(`Note: ${none}`);
  expect(JSON.parse((await run('verify', folder, '--json')).stdout)).toMatchObject({
    ...{ verdict: 'proven', period: '2026-01', manifest_sha256: null, files: [], notes: [none] },
    reconciliation: { invoices: ['INV-1'] },
  });
  const all = await run('verify', path.dirname(folder));
  expect(all.code, all.stderr).toBe(0);
  expect(all.stdout).toMatch(/2026-01 +no report +proven/);
  expect(all.stdout).toContain(`Note: 2026-01/${none}`);

  const evidence = path.join(folder, names[1] ?? '');
  const written = await readFile(evidence, 'utf8');
  await writeFile(evidence, written.replace('t-1,', 't-2,'));
  expect(await run('verify', folder)).toMatchObject({
    code: 1,
    stdout: expect.not.stringContaining('Proven') as string,
  });
  await writeFile(evidence, written);
  await writeFile(path.join(folder, 'more.csv'), 'x');
  expect((await run('verify', folder)).stdout).toContain('more.csv: is not part of this report');
  await rm(path.join(folder, 'more.csv'));
  await rename(folder, path.join(folder, '../2026-03'));
  expect((await run('verify', path.dirname(folder))).stdout).toContain('2026-03/reconciliation.json: is of 2026-01');
  await rename(path.join(folder, '../2026-03'), folder);
  // Whose manifest is gone is no report that was never written.
  await report();
  await rm(path.join(folder, 'manifest.json'));
  expect(await run('verify', folder)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('There is no manifest.json') as string,
  });
});
