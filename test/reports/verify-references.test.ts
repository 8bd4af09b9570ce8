import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { verifyFolder } from '../../src/reports/verify.ts';
import { editFile, fileOf, sealAgain } from '../support/report-folder-edits.ts';
import { writeReportFolder } from '../support/report-folders.ts';
import { everything, line, type Report } from '../support/report-samples.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'idscan-references-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
let folders = 0;
const written = (report: Report): string =>
  writeReportFolder(path.join(root, String((folders += 1))), { ...report, layout: 3 });

const shops: Report = {
  lines: [
    line('a', { reference: '-7' }),
    line('b', { reference: 'shop' }),
    line('c', { reference: 'shop', code: 'x', invoiced: false }),
    line('d'),
  ],
};

/** The problems after a change of the references file, its hashes brought up to date. */
async function problemsAfter(edit: (text: string) => string): Promise<string[]> {
  const directory = written(shops);
  editFile(directory, fileOf(directory, 'references'), edit);
  sealAgain(directory);
  return (await verifyFolder(directory)).problems.map(({ problem }) => problem);
}

test('a right one is proven, also with corrections, formulas, and attempts without a price or decision', async () => {
  expect((await verifyFolder(written(shops))).problems).toEqual([]);
  const referred = everything.lines.map((one, at) => ({ ...one, reference: ['', 'shop', '-7'][at % 3]! }));
  expect((await verifyFolder(written({ ...everything, lines: referred }))).problems).toEqual([]);
});

test.each([
  ['a reference', (text: string) => text.replace(',shop,', ',shoq,'), 'divided among other references'],
  ['whose attempts they are', (text: string) => swapped(text), 'divided among other references'],
  ['an amount', (text: string) => text.replace('0.85,0.85', '0.85,0.86'), 'invoiced × unit_price is 0.85'],
  ['a row left out', (text: string) => text.replace(/^.*,shop,.*\r\n/m, ''), 'the detail file 4'],
  ['the order', (text: string) => text.replace("'-7", 'zz'), 'is not in order of reference'],
])('%s is found', async (_, edit, problem) => {
  expect(await problemsAfter(edit)).toEqual(expect.arrayContaining([expect.stringContaining(problem)]));
});

/** Gives the attempts of one reference to another one: all sums stay. */
function swapped(text: string): string {
  return text
    .replace(/(,'-7,.*?,)1,1,0,0,0.85,0.85/, '$12,1,1,0,0.85,0.85')
    .replace(/(,shop,.*?,)2,1,1,0,0.85,0.85/, '$11,1,0,0,0.85,0.85');
}
