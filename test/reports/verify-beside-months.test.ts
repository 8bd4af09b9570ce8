import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { monthsIn, verifyReports } from '../../src/reports/verify-reports.ts';
import { problemText } from '../../src/reports/verify/problems.ts';
import { editFile, sealAgain } from '../support/report-folder-edits.ts';
import { writeReportFolder } from '../support/report-folders.ts';
import { line, type Report } from '../support/report-samples.ts';
import { disputed } from './support-dispute.ts';
import { emptyFolder } from './support-reconciliation.ts';

const october: Report = { lines: [line('a')], version: 1 };

/** Reports with October closed. */
function reportsOf(report = october): string {
  const reports = emptyFolder();
  writeReportFolder(path.join(reports, '2026-10'), report);
  return reports;
}

/** The same month again, as it is with the corrections since. */
function restate(reports: string, name = '2026-10-restated'): string {
  const folder = writeReportFolder(path.join(reports, name), { ...october, version: null });
  const restated = (text: string) => text.replaceAll('provisional', 'restated');
  for (const file of readdirSync(folder)) {
    const at = path.join(folder, file);
    writeFileSync(at, restated(readFileSync(at, 'utf8')));
    renameSync(at, path.join(folder, restated(file)));
  }
  sealAgain(folder);
  return folder;
}

async function verified(reports: string) {
  const { problems, ...found } = await verifyReports(reports, await monthsIn(reports));
  return { ...found, texts: problems.map(problemText) };
}

describe('beside a month', () => {
  test('its dispute, and what it is with corrections, are proven as well', async () => {
    const reports = reportsOf();
    restate(reports);
    cpSync(await disputed(), path.join(reports, '2026-10-dispute'), { recursive: true });
    for (const other of ['2026-13-dispute', '2026-10-disputes', '2026-10-restated2', 'x2026-10-restated'])
      mkdirSync(path.join(reports, other));
    const { texts, months, restated, disputes, compared, notes } = await verified(reports);
    expect(texts).toEqual([]);
    expect(months).toMatchObject([{ period: '2026-10', found: { manifest: { period_status: 'closed' } } }]);
    expect(restated).toMatchObject([{ period: '2026-10', found: { manifest: { period_status: 'restated' } } }]);
    expect([disputes, compared, notes]).toEqual([['2026-10-dispute'], ['2026-10'], []]);
  });

  test('what is off in them is found, each under its folder', async () => {
    const reports = reportsOf();
    const restated = restate(reports);
    editFile(restated, 'idscan-cost_2026-10_restated_detail.csv', (text) => text.replace('camera', 'cinema'));
    const dispute = path.join(reports, '2026-10-dispute');
    cpSync(await disputed(), dispute, { recursive: true });
    editFile(dispute, 'idscan-cost_2026-10_dispute-evidence.csv', (text) => text.replace('t-1', 't-9'));
    writeFileSync(path.join(dispute, '.DS_Store'), '');
    const { texts, problemCount, notes } = await verified(reports);
    expect(texts).toEqual([
      expect.stringContaining('2026-10-restated/idscan-cost_2026-10_restated_detail.csv: was changed'),
      expect.stringContaining('2026-10-dispute/idscan-cost_2026-10_dispute-evidence.csv: was changed'),
    ]);
    expect(problemCount).toBe(2);
    expect(notes).toEqual([expect.stringMatching(/^2026-10-dispute\/\.DS_Store/)]);
  });

  test('folders that are of another month, or of something else', async () => {
    const reports = reportsOf();
    restate(reports, '2026-09-restated');
    restate(reports, '2026-11');
    cpSync(path.join(reports, '2026-10'), path.join(reports, '2026-10-restated'), { recursive: true });
    for (const name of ['2026-08-dispute', '2026-09-dispute'])
      cpSync(await disputed(), path.join(reports, name), { recursive: true });
    rmSync(path.join(reports, '2026-08-dispute', 'dispute.json'));
    expect((await verified(reports)).texts).toEqual([
      '2026-11/manifest.json: is of 2026-10',
      '2026-11/manifest.json: is restated, which its folder is not for',
      '2026-09-restated/manifest.json: is of 2026-10',
      '2026-10-restated/manifest.json: is closed, which its folder is not for',
      expect.stringContaining('2026-08-dispute: cannot be verified: dispute.json in'),
      '2026-09-dispute/dispute.json: is of 2026-10',
    ]);
  });

  test('an open month that shows an earlier instant is not compared with closed ones', async () => {
    const reports = reportsOf();
    const november = { lines: [line('b', { at: '2026-11-05T10:00:00Z' })], period: '2026-11' };
    const folder = writeReportFolder(path.join(reports, '2026-11'), november);
    expect(await verified(reports)).toMatchObject({ texts: [], compared: ['2026-10', '2026-11'] });
    sealAgain(folder, (manifest) => (manifest['as_of'] = '2026-11-20T10:00:00.000Z'));
    const found = await verified(reports);
    expect([found.texts, found.compared]).toEqual([[], ['2026-10']]);
    expect(found.notes).toEqual([expect.stringContaining('2026-11 is provisional and was verified by itself')]);
  });

  test('more problems than are kept are counted under its folder, too', async () => {
    const lines = Array.from({ length: 1_002 }, (_, at) => line(String(at).padStart(4, '0')));
    const reports = reportsOf({ ...october, lines });
    const folder = path.join(reports, '2026-10');
    editFile(folder, 'idscan-cost_2026-10_v1_detail.csv', (text) => text.replaceAll('0.85,0.85', '0.85,0.86'));
    sealAgain(folder);
    const { texts, problemCount } = await verified(reports);
    expect(texts).toHaveLength(1_000);
    expect(problemCount).toBeGreaterThan(1_002);
  });
});
