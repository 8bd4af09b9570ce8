import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { verifyReports } from '../../../src/reports/verify-reports.ts';
import { createTestContext, type TestContext } from '../../support/books.ts';
import { bookkeeper, closeOrFail } from '../../support/closing.ts';
import { readRestated } from '../../support/closing-files.ts';
import { scan, scanTask } from '../../support/facts.ts';
import { noEarlierThan } from '../../support/instants.ts';

const now = noEarlierThan('2026-12-02T00:00:00Z');
const at = '2026-10-05T10:05:00Z';

/** October closed with two scans; since then one of them turned out differently, and a third came up. */
async function corrected(): Promise<TestContext> {
  const context = { ...(await createTestContext()), now };
  const look = bookkeeper(context);
  await look('t-1', { tasks: [scanTask([scan(at, null), scan('2026-10-05T10:06:00Z', 'processing')])] });
  await closeOrFail(context, '2026-10', 'a test');
  await look('t-1', { tasks: [scanTask([scan(at, null), scan('2026-10-05T10:06:00Z', null)])] });
  await look('t-2', { tasks: [scanTask([scan(at, 'barcode_not_valid')])] });
  return context;
}

const attemptsOf = async ({ config }: TestContext) =>
  (await readRestated(config.reportsDir, '2026-10')).detail.map((row) => [
    row['transaction_id'],
    row['attempt'],
    row['outcome_code'],
    row['quantity'],
    row['is_correction'],
  ]);
const asItIs = [
  ['t-1', '1', '', '1', 'false'],
  ['t-1', '2', '', '1', 'false'],
  ['t-2', '1', 'barcode_not_valid', '1', 'false'],
];

test('a closed month is restated with what is still to be booked and with what was booked since, and does not move', async () => {
  const context = await corrected();
  const folder = path.join(context.config.reportsDir, '2026-10');
  const before = await readFile(path.join(folder, 'manifest.json'), 'utf8');
  const { head, directory } = await writeReport(context, '2026-10', { isRestated: true });
  expect([head.status, path.basename(directory)]).toEqual(['restated', '2026-10-restated']);
  expect(await attemptsOf(context)).toEqual(asItIs);
  await closeOrFail(context, '2026-11', 'a test');
  await writeReport(context, '2026-10', { isRestated: true });
  expect(await attemptsOf(context)).toEqual(asItIs);
  expect(await readFile(path.join(folder, 'manifest.json'), 'utf8')).toBe(before);
  const found = await verifyReports(context.config.reportsDir, ['2026-10', '2026-11']);
  expect(found.problems).toEqual([]);
  expect(found.restated.map(({ period }) => period)).toEqual(['2026-10']);
  expect(await readdir(directory)).toEqual([
    'idscan-cost_2026-10_restated_codes.csv',
    'idscan-cost_2026-10_restated_detail.csv',
    'idscan-cost_2026-10_restated_discrepancies.csv',
    'idscan-cost_2026-10_restated_references.csv',
    'idscan-cost_2026-10_restated_summary.csv',
    'manifest.json',
  ]);
});

test('an open month is not restated', async () => {
  const context = await corrected();
  const restating = writeReport(context, '2026-11', { isRestated: true });
  await expect(restating).rejects.toMatchObject({ code: 'usage_invalid' });
  expect(await readdir(context.config.reportsDir)).toEqual(['2026-10']);
});
