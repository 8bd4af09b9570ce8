import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { parse } from 'csv-parse/sync';
import type { ReportKind } from '../../src/domain/report-columns.ts';
import { localFolder } from '../../src/reports/folder-reports.ts';
import { codesChecker, discrepanciesChecker } from '../../src/reports/verify/codes.ts';
import { checkDetail } from '../../src/reports/verify/detail-file.ts';
import { type Manifest, readManifest } from '../../src/reports/verify/manifest.ts';
import { Problems, problemText } from '../../src/reports/verify/problems.ts';
import type { Row } from '../../src/reports/verify/reading.ts';
import { referencesChecker } from '../../src/reports/verify/references.ts';
import { summaryChecker } from '../../src/reports/verify/summary.ts';
import { addRow, newTally } from '../../src/reports/verify/tally.ts';
import { fileOf } from '../support/report-folder-edits.ts';
import { writeReportFolder } from '../support/report-folders.ts';
import type { Report } from '../support/report-samples.ts';

type Cells = Readonly<Record<string, string>>;

/**
 * The rows of a report, and the checks of its files on them: in memory, so that there may be many.
 *
 * @param more what its manifest says otherwise.
 */
export function rowChecks(report: Report, more: Partial<Manifest> = {}) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'idscan-rows-'));
  writeReportFolder(directory, report);
  const read = readManifest(readFileSync(path.join(directory, 'manifest.json')), new Problems())!;
  const known = { ...read, manifest: { ...read.manifest, ...more } };
  const textOf = (kind: ReportKind) => readFileSync(path.join(directory, fileOf(directory, kind)), 'utf8');
  const kinds = ['detail', 'summary', 'references', 'codes', 'discrepancies'] as const;
  const tables = new Map(kinds.map((kind) => [kind, parse(textOf(kind))]));
  rmSync(directory, { recursive: true });

  const rowsWith = (kind: ReportKind, at?: number, cells: Cells = {}): Row[] => {
    const [headers, ...rows] = tables.get(kind)!;
    const columns = new Map(headers!.map((header, index) => [header, index]));
    return rows.map((values, index) => {
      const edits = index + 2 === at ? cells : {};
      return { line: index + 2, columns, cell: (header) => edits[header] ?? values[columns.get(header)!]! };
    });
  };
  const textWith = (kind: ReportKind, at: number, cells: Cells): string =>
    [tables.get(kind)![0]!, ...rowsWith(kind, at, cells).map((row) => [...row.columns.keys()].map(row.cell))]
      .map(
        (values) =>
          `${values.map((value) => (/[",]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)).join(',')}\r\n`,
      )
      .join('');

  /** What is said of a file when cells of one of its rows are others. */
  return async (kind: ReportKind, line: number, cells: Cells): Promise<string[]> => {
    const problems = new Problems();
    const rows = rowsWith(kind, line, cells);
    const add = (problem: string, row?: number, column?: string) => problems.add(kind, problem, { row, column });
    const tally = newTally();
    for (const row of rowsWith('detail')) addRow(tally, row);
    if (kind === 'detail' || kind === 'discrepancies') {
      const disagreements = textWith('discrepancies', kind === 'discrepancies' ? line : 0, cells);
      const files = { ...localFolder('').filesOf('', ''), stream: () => Readable.from([Buffer.from(disagreements)]) };
      const names = { detail: 'detail', discrepancies: 'discrepancies' };
      await checkDetail({ files, report: known, problems }, names, async (onRow) => {
        for (const row of rowsWith('detail', kind === 'detail' ? line : 0, cells)) await onRow(row);
        return true;
      });
      if (kind === 'discrepancies') rows.forEach(discrepanciesChecker(known, add));
    } else {
      const checker = { summary: summaryChecker, references: referencesChecker, codes: codesChecker }[kind](
        known,
        tally,
        add,
      );
      rows.forEach(checker.row);
      checker.end();
    }
    return problems.list.map((one) => `${problemText(one)}${one.column === undefined ? '' : ` [${one.column}]`}`);
  };
}
