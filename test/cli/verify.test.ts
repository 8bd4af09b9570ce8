import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { withAttempts } from '../support/attempts.ts';
import { createTestFolder } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { editFile, sealAgain } from '../support/report-folder-edits.ts';
import { everything, line } from '../support/report-samples.ts';
import { writeReportFolder } from '../support/report-folders.ts';

/** Nothing in it can be used: a command that reads any of it fails. */
async function brokenEnvironment() {
  const folder = await createTestFolder();
  writeFileSync(path.join(folder, '.env'), 'BILLING_TIME_ZONE=nowhere\nRULES_FILE=/nothing\n');
  return { folder, DATABASE_URL: 'nonsense', REDIS_URL: 'nonsense', LOG_LEVEL: 'nonsense', IDSCAN_BASE_URL: 'ftp://x' };
}

test('a report as it is written from the books is proven, month by month', async () => {
  const context = await withAttempts();
  for (const period of ['2026-09', '2026-10', '2026-11']) {
    const { directory, manifest } = await writeReport(context, period);
    expect(await verifyFolder(directory)).toMatchObject({ problems: [], manifestSha256: manifest.sha256 });
  }
});

test('verify needs the folder alone, and prints an account or what is off', async () => {
  const environment = await brokenEnvironment();
  const directory = writeReportFolder(path.join(environment.folder, '2026-10'), everything);
  const proven = await runCli(['verify', '2026-10'], environment);
  expect(proven).toMatchObject({ code: 0, stderr: '' });
  expect(proven.stdout).toContain('Proven: the report of 2026-10 (closed, version 1) in 2026-10');
  expect(proven.stdout).toContain('Not seen: whether unit_price and price_tier are those of the price list p1');
  expect(proven.stdout).toMatch(/sha256 of manifest\.json: [0-9a-f]{64}\n/);

  const detail = 'idscan-cost_2026-10_v1_detail.csv';
  editFile(directory, detail, (text) => text.replace('0.3333,0.3333', '0.3333,0.3334'));
  sealAgain(directory);
  const failed = await runCli(['verify', '2026-10'], environment);
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stdout).toContain(`${detail}, row 2: amount is 0.3334, quantity × unit_price is 0.3333\n`);
  expect(failed.stderr).toContain('(verification_failed)');

  const json = await runCli(['verify', '2026-10', '--json'], environment);
  expect(json.code).toBe(1);
  const { verdict, problems } = JSON.parse(json.stdout) as { verdict: string; problems: unknown[] };
  expect(verdict).toBe('failed');
  expect(problems[0]).toEqual({
    file: detail,
    row: 2,
    column: 'amount',
    problem: 'amount is 0.3334, quantity × unit_price is 0.3333',
  });

  editFile(directory, detail, (text) => text.replaceAll('2026-10,', '2026-11,').replaceAll(',EUR,', ',USD,'));
  const many = await runCli(['verify', '2026-10'], environment);
  expect(many.stdout.trimEnd().split('\n')).toHaveLength(21);
  expect(many.stdout).toMatch(/\n… and \d+ more\n$/);

  const none = await runCli(['verify', 'elsewhere'], environment);
  expect(none).toMatchObject({ code: 3, stdout: '' });
  expect(none.stderr).toContain('(verification_impossible)');
});

test('verify of a folder of months verifies each and all together, and names the attempts that do not add up', async () => {
  const environment = await brokenEnvironment();
  const reports = path.join(environment.folder, 'reports');
  const month = (period: string, corrects = '', quantity: 1 | -1 = 1) =>
    writeReportFolder(path.join(reports, period), {
      period,
      version: 1,
      lines: [line('a-1', { at: `${corrects || period}-05T10:00:00Z`, corrects, quantity })],
    });
  month('2026-09');
  month('2026-10', '2026-09', -1);
  const proven = await runCli(['verify', 'reports'], environment);
  expect(proven).toMatchObject({ code: 0, stderr: '' });
  expect(proven.stdout).toContain('Proven: 2 reports in reports, ');
  expect(proven.stdout).toContain('Together (2026-09, 2026-10): 2 lines of 1 attempt, each of which adds up to 0 or 1');

  month('2026-10');
  const failed = await runCli(['verify', 'reports'], environment);
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain(
    '2026-10/idscan-cost_2026-10_v1_detail.csv, row 2: books a-1, document_scan attempt 1',
  );
  expect(failed.stderr).toContain('(verification_failed)');
  expect(failed.stderr).toContain('Over the months these do not add up: a-1, document_scan attempt 1.');
  const json = await runCli(['verify', 'reports', '--json'], environment);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({ verdict: 'failed', unbalanced: ['a-1, document_scan attempt 1'] });
});

test('report makes copies for spreadsheets, which verify proves, and a later report without them replaces them', async () => {
  const environment = await createCliEnvironment();
  const directory = path.join(environment.folder, 'reports', '2026-10');
  const report = (...args: string[]) => runCli(['report', '2026-10', ...args], environment);
  const copied = await report('--dialect', 'excel-nl,excel-en', '--dialect', 'excel-nl');
  expect(copied).toMatchObject({ code: 0, stderr: '' });
  expect(copied.stdout).toContain('idscan-cost_2026-10_provisional_summary.excel-nl.csv');
  const dialects = ['excel-en', 'excel-nl'];
  expect(readdirSync(directory)).toHaveLength(3 * 6);
  expect(await verifyFolder(directory)).toMatchObject({ problems: [], dialects });

  const json = JSON.parse((await report('--dialect', 'excel-nl', '--json')).stdout) as Record<string, unknown>;
  expect(json['dialects']).toEqual([
    expect.objectContaining({ dialect: 'excel-nl', manifest: 'manifest.excel-nl.json' }),
  ]);
  expect(await verifyFolder(directory)).toMatchObject({ problems: [], dialects });

  const prices = path.join(environment.folder, 'prices.json');
  writeFileSync(prices, readFileSync(path.join(import.meta.dirname, '../../examples/prices.json')));
  expect(await runCli(['report', '2026-10'], { ...environment, PRICES_FILE: prices })).toMatchObject({ code: 0 });
  expect(readdirSync(directory)).toHaveLength(6);
  expect(await verifyFolder(directory)).toMatchObject({ problems: [], dialects: [] });

  for (const args of [
    ['--dialect', 'excel-it'],
    ['--dialect', ''],
    ['--dialect', 'excel-nl', '--enqueue'],
  ])
    expect(await report(...args)).toMatchObject({ code: 2 });
});
