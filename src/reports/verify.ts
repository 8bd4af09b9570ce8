import { createHash } from 'node:crypto';
import { LedgerError } from '../errors.ts';
import { columnsOf, type ReportKind } from '../domain/report-columns.ts';
import { folderAt } from './folder-reports.ts';
import { csvName, type DialectName, dialectManifestName, kindsOf, manifestName } from './names.ts';
import { type Entry, notThere, type ReportFolder } from './report-store.ts';
import { codesChecker, discrepanciesChecker } from './verify/codes.ts';
import { checkBytes, checkCopies } from './verify/copies.ts';
import { checkDetail, type Work } from './verify/detail-file.ts';
import { checkEntries, isWithoutReport, listFolder, presentDialects } from './verify/folder.ts';
import {
  checkSeal,
  formatOf,
  knownFormat,
  type KnownReport,
  type Manifest,
  readManifest,
  statusOf,
} from './verify/manifest.ts';
import { type Problem, Problems } from './verify/problems.ts';
import { reconciliationManifestName } from './reconciliation-files.ts';
import { type CheckedReconciliation, checkReconciliation, reconciliationNames } from './verify/reconciliation.ts';
import { type ReadFile, readRows, type Row } from './verify/reading.ts';
import { referencesChecker } from './verify/references.ts';
import { summaryChecker } from './verify/summary.ts';
import { checkControlTotals } from './verify/totals.ts';

/** The result for a report's folder. No problems = proven. */
export type Verification = {
  readonly problems: readonly Problem[];
  /** May exceed the number of listed problems, because that is limited. */
  readonly problemCount: number;
  /** Harmless findings, such as drafts. */
  readonly notes: readonly string[];
  /**
   * To be compared with a copy kept elsewhere: changing files and manifest consistently still changes this; `null` = there
   * is no report yet.
   */
  readonly manifestSha256: string | null;
  readonly manifest: Manifest | undefined;
  readonly dialects: readonly DialectName[];
  /** The month's reconciliation with the vendor's invoice; `undefined` = there is none, or it cannot be read. */
  readonly reconciliation: CheckedReconciliation | undefined;
  /** Whether the detail file was read in full and is in order, so that it can be merged with those of other months. */
  readonly isDetailInOrder: boolean;
};

/**
 * Proves a report from its folder alone: the files are those in the manifest, and every figure follows from the detail
 * file. Reads each file once. Memory grows with the groups of the summary, not with the rows.
 *
 * @param where a folder of this machine, or of a store.
 * @throws LedgerError `verification_impossible` if there is nothing to verify; `storage_failed` if the store cannot be
 * asked.
 */
export async function verifyFolder(where: string | ReportFolder): Promise<Verification> {
  const folder = folderAt(where);
  const entries = await listFolder(folder);
  if (isWithoutReport(entries)) return verifyWithoutReport(folder, entries);
  const bytes = await folder.manifest(manifestName).catch((cause: unknown) => {
    notThere(cause);
    throw new LedgerError('verification_impossible', `${manifestName} in ${folder.place} cannot be read.`, {
      hint: 'Check that it is a file that you may read.',
      cause,
    });
  });
  requireKnownFormat(bytes);
  const problems = new Problems();
  const report = readManifest(bytes, problems);
  const manifestSha256 = createHash('sha256').update(bytes).digest('hex');
  if (!report) {
    checkSeal(bytes, manifestName, problems);
    return {
      ...resultOf(problems),
      notes: [],
      manifestSha256,
      manifest: undefined,
      dialects: [],
      reconciliation: undefined,
      isDetailInOrder: false,
    };
  }
  const dialects = presentDialects(entries);
  const isReconciled = entries.some(({ name }) => name === reconciliationManifestName);
  const expected = [
    manifestName,
    ...(isReconciled ? reconciliationNames(report.manifest.period) : []),
    ...namesOf(report),
    ...dialects.flatMap((dialect) => [dialectManifestName(dialect), ...namesOf(report, dialect)]),
  ];
  const notes = checkEntries(entries, expected, dialects, problems);
  const files = folder.filesOf(manifestName, manifestSha256);
  const names = new Set(entries.map(({ name }) => name));
  const { intact, isDetailInOrder } = await checkFiles({ files, report, problems }, names);
  for (const dialect of dialects) await checkCopies(files, dialect, { report, manifestSha256, intact }, problems);
  checkSeal(bytes, manifestName, problems);
  const reconciliation = isReconciled ? await checkReconciliation(folder, report.manifest.period, problems) : undefined;
  const { manifest } = report;
  return { ...resultOf(problems), notes, manifestSha256, manifest, dialects, reconciliation, isDetailInOrder };
}

/** A month can be reconciled before its report is written. */
async function verifyWithoutReport(folder: ReportFolder, entries: readonly Entry[]): Promise<Verification> {
  const problems = new Problems();
  const reconciliation = await checkReconciliation(folder, undefined, problems);
  const period = reconciliation?.manifest.period;
  const expected = period === undefined ? [reconciliationManifestName] : reconciliationNames(period);
  const notes = checkEntries(entries, expected, [], problems);
  const how = period === undefined ? '' : ` of ${period} yet. Write it: npx idscan-ledger report ${period}`;
  return {
    ...resultOf(problems),
    notes: [...notes, `${manifestName} is not there: there is no report${how}`],
    manifestSha256: null,
    manifest: undefined,
    dialects: [],
    reconciliation,
    isDetailInOrder: false,
  };
}

const namesOf = ({ manifest, layout }: KnownReport, dialect?: DialectName): string[] =>
  kindsOf(layout).map((kind) => csvName(manifest.period, statusOf(manifest), kind, dialect));

const resultOf = (problems: Problems) => ({ problems: problems.list, problemCount: problems.count });

function requireKnownFormat(manifest: Buffer): void {
  const format = formatOf(manifest);
  if (format === undefined || format === knownFormat) return;
  throw new LedgerError(
    'verification_impossible',
    `${manifestName} has the format ${JSON.stringify(format)}; this version knows only ${knownFormat}.`,
    {
      hint: 'Either a newer version wrote it, and that version can verify it, or the manifest was changed.',
      fields: { format },
    },
  );
}

type Checked = {
  /** Names of the files whose bytes match the manifest. */
  readonly intact: ReadonlySet<string>;
  readonly isDetailInOrder: boolean;
};

/** Checks the canonical files. */
async function checkFiles(work: Work, present: ReadonlySet<string>): Promise<Checked> {
  const { report, problems } = work;
  const read = new Map<string, ReadFile>();
  const nameOf = (kind: ReportKind) => csvName(report.manifest.period, statusOf(report.manifest), kind);
  const readKind = async (kind: ReportKind, onRow: (row: Row) => void | Promise<void>): Promise<boolean> => {
    const name = nameOf(kind);
    if (!present.has(name)) problems.add(name, 'is missing');
    const { files } = work;
    const file = present.has(name)
      ? await readRows(
          { files, name, columns: columnsOf(kind, report.layout) },
          { problems, minorDigits: report.minorDigits },
          onRow,
        )
      : undefined;
    if (file) read.set(name, file);
    return file?.isWhole ?? false;
  };
  const names = { detail: nameOf('detail'), discrepancies: nameOf('discrepancies') };
  const { tally, isInOrder } = await checkDetail(work, names, (onRow) => readKind('detail', onRow));
  const addTo = (kind: ReportKind) => (problem: string, row?: number, column?: string) =>
    problems.add(nameOf(kind), problem, { row, column });
  const summary = summaryChecker(report, tally, addTo('summary'));
  const total = (await readKind('summary', summary.row)) ? summary.end() : undefined;
  if (kindsOf(report.layout).includes('references')) {
    const references = referencesChecker(report, tally, addTo('references'));
    if (await readKind('references', references.row)) references.end();
  }
  const codes = codesChecker(report, tally, addTo('codes'));
  if (await readKind('codes', codes.row)) codes.end();
  const isListed = await readKind('discrepancies', discrepanciesChecker(report, addTo('discrepancies')));
  const discrepancies = isListed ? read.get(nameOf('discrepancies'))?.rows : undefined;
  checkControlTotals(report, { tally, total, discrepancies }, problems);
  return { intact: checkHashes(work, read), isDetailInOrder: tally !== undefined && isInOrder };
}

function checkHashes({ report, problems }: Work, read: ReadonlyMap<string, ReadFile>): Set<string> {
  const intact = new Set<string>();
  for (const [name, found] of read) {
    const listed = report.manifest.files.find((file) => file.name === name);
    if (!listed) continue;
    if (found.sha256 === listed.sha256) intact.add(name);
    checkBytes(name, found, listed, problems);
  }
  return intact;
}
