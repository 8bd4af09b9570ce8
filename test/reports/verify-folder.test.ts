import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { localFolder } from '../../src/reports/folder-reports.ts';
import { monthsIn } from '../../src/reports/verify-reports.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { problemText } from '../../src/reports/verify/problems.ts';
import { editFile, sealAgain } from '../support/report-folder-edits.ts';
import { inPresentLayout, line, small } from '../support/report-samples.ts';
import { folderOf, sha256 } from './support.ts';
import { emptyFolder, idOf, reconciled } from './support-reconciliation.ts';

const json = 'reconciliation.json';

test('a month that was reconciled before its report was written is proven as far as it is there', async () => {
  const directory = await reconciled(emptyFolder());
  const manifest = await localFolder(directory).manifest(json);
  expect(await verifyFolder(directory)).toEqual({
    ...{ problems: [], problemCount: 0, manifestSha256: null, manifest: undefined, dialects: [] },
    reconciliation: {
      manifest: expect.objectContaining({ period: '2026-10' }) as unknown,
      manifestSha256: sha256(manifest),
    },
    notes: [expect.stringMatching(/^manifest\.json is not there.* 2026-10 .*report 2026-10$/)],
    isDetailInOrder: false,
  });
  expect(await monthsIn(directory)).toEqual([]);
  writeFileSync(path.join(directory, 'x.csv'), '');
  writeFileSync(path.join(directory, '.DS_Store'), '');
  const odd = await verifyFolder(directory);
  expect(odd.problems.map(problemText)).toEqual([expect.stringMatching(/^x\.csv: is not part of this report/)]);
  expect(odd.notes).toEqual([
    expect.stringMatching(/^\.DS_Store/),
    expect.stringMatching(/^manifest\.json is not there/),
  ]);
});

test('what is left of such a month is found, also where it does not read', async () => {
  const directory = await reconciled(emptyFolder());
  sealAgain(directory, (manifest) => (manifest['format'] = 'x'), json);
  const { problems, notes, reconciliation } = await verifyFolder(directory);
  expect(problems.map(problemText)).toEqual([
    expect.stringMatching(/^reconciliation\.json: format: /),
    ...['reconciliation-evidence', 'reconciliation'].map((name): unknown =>
      expect.stringMatching(`^idscan-cost_2026-10_${name}\\.csv: is not part of this report`),
    ),
  ]);
  expect([notes, reconciliation]).toEqual([['manifest.json is not there: there is no report'], undefined]);
});

test('files of a report without its manifest cannot be verified, reconciled or not', async () => {
  const directory = await reconciled(folderOf(small));
  rmSync(path.join(directory, 'manifest.json'));
  await expect(verifyFolder(directory)).rejects.toMatchObject({ code: 'verification_impossible' });
  rmSync(path.join(directory, json));
  await expect(verifyFolder(directory)).rejects.toMatchObject({ code: 'verification_impossible' });
});

test.each([
  [{ code: 'ENOENT' }, 'does not exist'],
  [{ code: 'ENOTDIR' }, 'is not a folder'],
  [{ code: 'EACCES' }, '(EACCES)'],
  [{}, '(unknown)'],
])('a folder that cannot be listed is named, with why: %j', async (fields, why) => {
  const cause = Object.assign(new Error('x'), fields);
  const folder = { ...localFolder('/some/where'), list: () => Promise.reject(cause) };
  const message = expect.stringMatching(/^\/some\/where /) as unknown;
  await expect(verifyFolder(folder)).rejects.toMatchObject({ code: 'verification_impossible', message, cause });
  await expect(verifyFolder(folder)).rejects.toThrow(why);
});

test('what is found in a folder comes in the order of its names, however a store lists them', async () => {
  const directory = folderOf(small);
  for (const name of ['a', 'b', 'c', 'd']) writeFileSync(path.join(directory, name), '');
  const local = localFolder(directory);
  const entries = await local.list();
  const order = ['d', 'b', 'a', 'c'].map((name) => entries.find((one) => one.name === name)!);
  const rest = entries.filter((one) => !order.includes(one));
  const { problems } = await verifyFolder({ ...local, list: () => Promise.resolve([...order, ...rest]) });
  expect(problems.map(({ file }) => file)).toEqual(['a', 'b', 'c', 'd']);
});

test('a detail file in another order, or not whole, is told to whoever compares months', async () => {
  const report = inPresentLayout({ lines: [line('a'), line('b')] });
  const detail = 'idscan-cost_2026-10_provisional_detail.csv';
  expect((await verifyFolder(folderOf(report))).isDetailInOrder).toBe(true);
  for (const edit of [
    (text: string) => text.replace(/^(2026-10,a,.*\r\n)(2026-10,b,.*\r\n)/m, '$2$1'),
    (text: string) => text.replace(',0.85,0.85,', ',0.85,x,'),
  ]) {
    const directory = folderOf(report);
    editFile(directory, detail, edit);
    sealAgain(directory);
    const { isDetailInOrder, problems } = await verifyFolder(directory);
    expect([isDetailInOrder, problems.length > 0]).toEqual([false, true]);
  }
});

const csv = 'idscan-cost_2026-10_reconciliation.csv';
const evidence = 'idscan-cost_2026-10_reconciliation-evidence.csv';

test('what is off in a reconciliation is told with its column, where it has one', async () => {
  const directory = await reconciled(folderOf(small));
  editFile(directory, csv, (text) =>
    text
      .replace('2026-10,MATCH', '2026-11,OTHER')
      .replace('8.50,0.00,EUR', '8.50,0.00,USD')
      .replace('87.55,2.55', '87.55,0.50')
      .replace(idOf('c'), idOf('b'))
      .replace(',accepted', ',open'),
  );
  editFile(directory, evidence, (text) => text.replace(idOf('a'), idOf('e')));
  sealAgain(directory, undefined, json);
  const { problems } = await verifyFolder(directory);
  expect(problems.map(({ row, column }) => `${row ?? ''} ${column ?? ''}`.trim())).toEqual([
    ...['2 period', '2 currency', '2 record_type', '3 settled_amount', '5 finding', '5 state'],
    ...['amount_difference', '', '2 finding', ''],
  ]);
  sealAgain(directory, (manifest) => (manifest['period'] = '2026-11'), json);
  expect((await verifyFolder(directory)).problems[0]?.column).toBe('period');
});
