import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { disputeFiles, reconciliationFiles } from '../../src/reports/dispute/published-files.ts';
import { openReconciliation } from '../../src/reports/dispute/source.ts';
import { localFolder } from '../../src/reports/folder-reports.ts';
import { openPublished, publishedIn } from '../../src/reports/published.ts';
import { notThere, type ReportFiles, type ReportFolder, type ReportStore } from '../../src/reports/report-store.ts';
import { isDispute, verifyDispute } from '../../src/reports/verify/dispute.ts';
import { monthsIn, verifyReports } from '../../src/reports/verify-reports.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { sha256 } from './support.ts';
import { emptyFolder, reconciled } from './support-reconciliation.ts';

const away = new LedgerError('storage_failed', 'The store cannot be asked.');
const fails = () => Promise.reject(away);
const files: ReportFiles = { read: fails, open: fails, stream: () => Readable.from([]) };
const folder: ReportFolder = { ...localFolder('/nowhere'), manifest: fails, list: fails, filesOf: () => files };
const store: ReportStore = { place: 'the store', folder: () => folder, folders: fails };
/** It answers what it has, but for the manifests. */
const listing: ReportFolder = {
  ...folder,
  list: () => Promise.resolve([{ name: 'manifest.json', isFile: true }]),
};
const file = { name: 'x.csv', sha256: '0'.repeat(64), bytes: 1, rows: 1 };

test.each<[what: string, ask: () => Promise<unknown>]>([
  ['what is published', () => publishedIn(folder, '2026-10')],
  ['a published file', () => openPublished(files, file, undefined)],
  ['a report', () => verifyFolder(folder)],
  ["a report's manifest", () => verifyFolder(listing)],
  ['months', () => monthsIn(store)],
  ['reports', () => verifyReports({ ...store, folders: () => Promise.resolve([]) }, ['2026-10'])],
  ['whether there is a dispute', () => isDispute(folder)],
  ['a dispute', () => verifyDispute(folder)],
  ["a dispute's files", () => disputeFiles(store, '2026-10')],
  ['a reconciliation', () => openReconciliation(folder, '2026-10', file.sha256)],
  ["a reconciliation's files", () => reconciliationFiles(store, '2026-10')],
])('a store that cannot be asked for %s is an error of its own: nothing is missing', async (_, ask) => {
  await expect(ask()).rejects.toBe(away);
});

test('so are rows of a reconciliation', async () => {
  const directory = await reconciled(emptyFolder());
  const local = localFolder(directory);
  const bytes = await local.manifest('reconciliation.json');
  for (const code of ['storage_failed', 'storage_away'] as const) {
    const error = new LedgerError(code, 'x');
    const of = { ...local, filesOf: () => ({ ...files, open: () => Promise.reject(error) }) };
    const { rows } = await openReconciliation(of, '2026-10', sha256(bytes));
    await expect(rows()[Symbol.asyncIterator]().next()).rejects.toBe(error);
  }
});

test('anything else says that a file is not there', () => {
  expect(() => notThere(new Error('ENOENT'))).not.toThrow();
  expect(() => notThere(away)).toThrow(away);
});
