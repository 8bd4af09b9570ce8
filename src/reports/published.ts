import { createHash } from 'node:crypto';
import { LedgerError } from '../errors.ts';
import { readJson } from '../json.ts';
import { copyOf } from './dialects.ts';
import type { ReportKind } from '../domain/report-columns.ts';
import { isSealIntact } from './manifest.ts';
import {
  copyName,
  type DialectName,
  dialectNames,
  manifestName,
  ownName,
  type PeriodStatus,
  reportKinds,
} from './names.ts';
import { notThere, type ReportFiles, type ReportFolder } from './report-store.ts';

export type PublishedFile = {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Without the header; `null` = not a table. */
  readonly rows: number | null;
};

/** What a report adds up to, according to its manifest. */
export type ControlTotals = {
  readonly attempts: number;
  readonly invoiced: number;
  readonly not_invoiced: number;
  readonly unclassified: number;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly unpriced: number;
  readonly unsettled_transactions: number;
  readonly unfetched_transactions: number;
};

/** The published files of a report, according to their manifest. */
export type Published = {
  readonly status: PeriodStatus;
  readonly version: number | null;
  readonly attempts: number;
  readonly amount: string | null;
  readonly totals: ControlTotals;
  readonly manifest: PublishedFile;
  readonly files: readonly PublishedFile[];
};

type Manifest = {
  readonly period: string;
  readonly period_status: PeriodStatus;
  readonly version: number | null;
  readonly control_totals: ControlTotals;
  readonly files: readonly PublishedFile[];
};

/**
 * Reads which files of a month are published.
 *
 * @returns `undefined` if there are none, or if the manifest's seal is broken.
 */
export async function publishedIn(folder: ReportFolder, period: string): Promise<Published | undefined> {
  const bytes = await folder.manifest(manifestName).catch(notThere);
  if (!bytes || !isSealIntact(bytes)) return undefined;
  const read = readJson(bytes);
  if (!('value' in read)) return undefined;
  const manifest = read.value as Manifest;
  // Accepts only names that this program gives, so that no manifest can point outside the folder.
  if (manifest.period !== period || !manifest.files.every(({ name }) => kindOf(name) !== undefined)) return undefined;
  return {
    status: manifest.period_status,
    version: manifest.version,
    attempts: manifest.control_totals.attempts,
    amount: manifest.control_totals.amount,
    totals: manifest.control_totals,
    manifest: { name: manifestName, sha256: sha256Of(bytes), bytes: bytes.length, rows: null },
    files: manifest.files.map(({ name, sha256, bytes: size, rows }) => ({ name, sha256, bytes: size, rows })),
  };
}

/** Finds a file or copy of a report by its name; `undefined` = it is not part of the report. */
export function findPublished(
  { manifest, files }: Published,
  name: string,
): { readonly file: PublishedFile; readonly dialect: DialectName | undefined } | undefined {
  const file = [manifest, ...files].find((one) => one.name === name);
  if (file) return { file, dialect: undefined };
  const dialect = ownName(name)?.dialect;
  const of = dialect && files.find((one) => copyName(one.name, dialect) === name);
  return of ? { file: of, dialect } : undefined;
}

/** The names of a file's copies for spreadsheets. */
export const copyNames = (name: string): { dialect: DialectName; name: string }[] =>
  dialectNames.map((dialect) => ({ dialect, name: copyName(name, dialect) }));

/** Which of a report's tables a file is. */
export const kindOf = (name: string): ReportKind | undefined => {
  const own = ownName(name);
  if (own?.period === undefined || own.dialect !== undefined) return undefined;
  return reportKinds.find((kind) => name.endsWith(`_${kind}.csv`));
};

/** An open file that was read once for its hash. Its bytes stay the same, whatever is published in the meantime. */
export type Download = {
  readonly sha256: string;
  readonly bytes: number;
  readonly stream: () => AsyncIterable<Buffer>;
  readonly close: () => Promise<void>;
};

/**
 * Opens a published file, or its copy for a spreadsheet, which is converted on the fly. The file is read twice, once
 * for the hash and once to be sent, and nothing is held in between.
 *
 * @throws LedgerError `report_changed` if the file is not the one in the manifest, e.g. because the month is being
 *   written.
 */
export async function openPublished(
  files: ReportFiles,
  file: PublishedFile,
  dialect: DialectName | undefined,
): Promise<Download> {
  const { chunks, close } = await files.open(file.name).catch((cause: unknown) => {
    notThere(cause);
    throw changed(file, cause);
  });
  try {
    const canonical = await digest(chunks());
    if (canonical.sha256 !== file.sha256) throw changed(file);
    const kind = kindOf(file.name);
    if (dialect === undefined || kind === undefined) return { ...canonical, stream: chunks, close };
    const stream = () => copyOf(chunks(), kind, dialect);
    return { ...(await digest(stream())), stream, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function digest(chunks: AsyncIterable<Buffer>): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const changed = (file: PublishedFile, cause?: unknown): LedgerError =>
  new LedgerError('report_changed', `${file.name} is not the file that was published.`, {
    fields: { file: file.name },
    hint: 'If the report is being written now, try again in a moment. Otherwise have it written again.',
    ...(cause === undefined ? {} : { cause }),
  });
