import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { evidenceColumns, reconciliationColumns } from '../../domain/reconciliation/columns.ts';
import type { ReportColumn } from '../../domain/report-columns.ts';
import { errorCode, LedgerError } from '../../errors.ts';
import { isSealIntact } from '../manifest.ts';
import { openPublished, type PublishedFile } from '../published.ts';
import { evidenceName, reconciliationManifestName, reconciliationName } from '../reconciliation-files.ts';
import { notThere, type ReportFiles, type ReportFolder } from '../report-store.ts';
import { readShape } from '../verify/manifest.ts';
import { Problems } from '../verify/problems.ts';
import type { Row } from '../verify/reading.ts';
import { type ReconciliationManifest, reconciliationShape } from '../verify/reconciliation.ts';

/** The published files of a month's reconciliation. Rows are read anew each time, and nothing is held. */
export type PublishedReconciliation = {
  readonly manifestSha256: string;
  readonly manifest: ReconciliationManifest;
  readonly rows: () => AsyncIterable<Row>;
  readonly evidence: () => AsyncIterable<Row>;
};

/**
 * Opens the reconciliation in a month's folder.
 *
 * @param manifestSha256 what the books say that its manifest is.
 * @throws LedgerError `reconciliation_changed` if one of its files is missing, or is not the one that was written.
 */
export async function openReconciliation(
  folder: ReportFolder,
  period: string,
  manifestSha256: string,
): Promise<PublishedReconciliation> {
  const bytes = await folder.manifest(reconciliationManifestName).catch((cause: unknown) => {
    notThere(cause);
    throw reconciliationChanged(period, `${reconciliationManifestName} in ${folder.place} cannot be read.`, cause);
  });
  const manifest = isSealIntact(bytes)
    ? readShape(bytes, reconciliationShape, reconciliationManifestName, new Problems())
    : undefined;
  if (!manifest || createHash('sha256').update(bytes).digest('hex') !== manifestSha256)
    throw reconciliationChanged(
      period,
      `${reconciliationManifestName} in ${folder.place} is not the one that was written last.`,
    );
  const files = folder.filesOf(reconciliationManifestName, manifestSha256);
  const rowsOf = (name: string, columns: readonly ReportColumn[]) => {
    const file = manifest.files.find((one) => one.name === name);
    if (!file) throw reconciliationChanged(period, `${reconciliationManifestName} does not name ${name}.`);
    return () => publishedRows({ place: folder.place, files }, period, file, columns);
  };
  return {
    manifestSha256,
    manifest,
    rows: rowsOf(reconciliationName(period), reconciliationColumns),
    evidence: rowsOf(evidenceName(period), evidenceColumns),
  };
}

/** What is said of files that are older than what was decided or credited. */
export const moreThanFiles = (period: string): string =>
  `More was decided or credited of ${period} than its files show.`;

export const reconciliationChanged = (period: string, what: string, cause?: unknown): LedgerError =>
  new LedgerError('reconciliation_changed', what, {
    fields: { period },
    hint: `Have it written again: “Reconcile again” on /reports/${period}/invoice in the browser, or npx idscan-ledger reconcile ${period}`,
    ...(cause === undefined ? {} : { cause }),
  });

async function* publishedRows(
  { place, files }: { readonly place: string; readonly files: ReportFiles },
  period: string,
  file: PublishedFile,
  columns: readonly ReportColumn[],
): AsyncGenerator<Row> {
  const opened = await openPublished(files, file, undefined).catch((cause: unknown) => {
    if (['storage_failed', 'storage_away'].includes(errorCode(cause))) throw cause;
    throw reconciliationChanged(period, `${file.name} in ${place} is missing, or is not as it was written.`, cause);
  });
  const byHeader = new Map(columns.map(({ header }, index) => [header, index]));
  const source = Readable.from(opened.stream());
  const parser = parse({ record_delimiter: '\r\n', from_line: 2 });
  source.once('error', (error) => parser.destroy(error)).pipe(parser);
  try {
    let line = 1;
    for await (const cells of parser as AsyncIterable<string[]>) {
      line += 1;
      yield { line, cell: (header) => cells[byHeader.get(header) ?? -1] ?? '', columns: byHeader };
    }
  } finally {
    source.destroy();
    await opened.close();
  }
}
