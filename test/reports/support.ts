import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { verifyFolder } from '../../src/reports/verify.ts';
import { problemText } from '../../src/reports/verify/problems.ts';
import type { Report } from '../support/report-samples.ts';
import { writeReportFolder } from '../support/report-folders.ts';
import { csvStream, type CsvColumn } from '../../src/reports/csv.ts';

/** A hand-made report in a folder that is gone after the test. */
export function folderOf(report: Report): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'idscan-report-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return writeReportFolder(path.join(directory, '2026-10'), report);
}

/** What `verify` says about a folder. */
export const found = async (directory: string): Promise<string[]> =>
  (await verifyFolder(directory)).problems.map(problemText);

export const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

/** The manifest of a report as its writer hands it on. */
export const manifestOf = (directory: string) => ({
  name: 'manifest.json',
  sha256: sha256(readFileSync(path.join(directory, 'manifest.json'))),
});

export async function written<T>(of: readonly CsvColumn<T>[], rows: Iterable<T> | AsyncIterable<T>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of csvStream(of, rows)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
