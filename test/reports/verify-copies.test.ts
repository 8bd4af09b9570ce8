import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { writeDialects } from '../../src/reports/dialects.ts';
import { localFolder } from '../../src/reports/folder-reports.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import type { ReportFolder } from '../../src/reports/report-store.ts';
import { problemText } from '../../src/reports/verify/problems.ts';
import { editFile, sealAgain } from '../support/report-folder-edits.ts';
import { everything } from '../support/report-samples.ts';
import { folderOf, found, manifestOf } from './support.ts';

const manifest = 'manifest.excel-de.json';
const summary = 'idscan-cost_2026-10_v1_summary.csv';
const copy = 'idscan-cost_2026-10_v1_summary.excel-de.csv';

async function withCopies(): Promise<string> {
  const directory = folderOf(everything);
  await writeDialects(directory, manifestOf(directory), ['excel-de']);
  return directory;
}

/** The same folder, whose files come in pieces of a few bytes; `error` is how the copy ends. */
function inPieces(directory: string, error?: Error): ReportFolder {
  const folder = localFolder(directory);
  const files = folder.filesOf('', '');
  const stream = (name: string) =>
    Readable.from(
      (async function* () {
        const bytes = await files.read(name);
        for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
        if (error && name === copy) throw error;
      })(),
    );
  return { ...folder, filesOf: () => ({ ...files, stream }) };
}

const said = async (folder: ReportFolder) => (await verifyFolder(folder)).problems.map(problemText);

test('a copy is compared piece by piece, and the first of its rows that differs is named', async () => {
  const directory = await withCopies();
  expect(await said(inPieces(directory))).toEqual([]);
  editFile(directory, copy, (text) => text.replace('0,33;', '0,34;').replace('TOTAL', 'TOTAX'));
  sealAgain(directory, undefined, manifest);
  expect(await said(inPieces(directory))).toEqual([`${copy}, row 2: is not what ${summary} gives when it is copied`]);
});

test('a copy of a file that was changed is as it was written, and no more is said of it', async () => {
  const directory = await withCopies();
  editFile(directory, summary, (text) => text.replace(',0.33,', ',0.34,'));
  const problems = await found(directory);
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.filter((one) => !one.startsWith(summary))).toEqual([]);
});

test('a copy that its store cannot give is no fault of the copy', async () => {
  const away = new LedgerError('storage_failed', 'The store cannot be asked.');
  await expect(verifyFolder(inPieces(await withCopies(), away))).rejects.toBe(away);
});
