import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import path from 'node:path';
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

export type PublishedFile = {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Without the header; `null` = no table. */
  readonly rows: number | null;
};

/** What a report adds up to, as its manifest says. */
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

/** The files of a report that are published, by the manifest beside them. */
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
 * Reads which files a month has.
 *
 * @returns `undefined` where there are none, or where the manifest is not one that this program sealed.
 */
export async function publishedIn(directory: string, period: string): Promise<Published | undefined> {
  const bytes = await readFile(path.join(directory, manifestName)).catch(() => undefined);
  if (!bytes || !isSealIntact(bytes)) return undefined;
  const read = readJson(bytes);
  if (!('value' in read)) return undefined;
  const manifest = read.value as Manifest;
  // Only names that this program gives: whatever a manifest says, nothing outside the folder can be meant.
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

/** What a name stands for among the files of a report; `undefined` = for none of them. */
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

/** Names of a file's copies for spreadsheets. */
export const copyNames = (name: string): { dialect: DialectName; name: string }[] =>
  dialectNames.map((dialect) => ({ dialect, name: copyName(name, dialect) }));

/** Which of a report's tables a file is. */
export const kindOf = (name: string): ReportKind | undefined => {
  const own = ownName(name);
  if (own?.period === undefined || own.dialect !== undefined) return undefined;
  return reportKinds.find((kind) => name.endsWith(`_${kind}.csv`));
};

/** A file that is open and was read once: its bytes are those of its hash, whatever is published meanwhile. */
export type Download = {
  readonly sha256: string;
  readonly bytes: number;
  readonly stream: () => AsyncIterable<Buffer>;
  readonly close: () => Promise<void>;
};

/**
 * Opens a published file, or its copy for a spreadsheet, which is made from it on the way. It is read twice: once for
 * its hash, once to be sent; in between nothing is kept.
 *
 * @throws LedgerError `report_changed` where the file is not the one that the manifest names, e.g. since the month is
 * being written anew.
 */
export async function openPublished(
  directory: string,
  file: PublishedFile,
  dialect: DialectName | undefined,
): Promise<Download> {
  const handle = await open(path.join(directory, file.name), 'r').catch((cause: unknown) => {
    throw changed(file, cause);
  });
  const close = () => handle.close();
  try {
    const canonical = await digest(chunksOf(handle));
    if (canonical.sha256 !== file.sha256) throw changed(file);
    const kind = kindOf(file.name);
    if (dialect === undefined || kind === undefined) return { ...canonical, stream: () => chunksOf(handle), close };
    const stream = () => copyOf(chunksOf(handle), kind, dialect);
    return { ...(await digest(stream())), stream, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* chunksOf(handle: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(65_536), 0, 65_536, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
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
    hint: 'If the report is being written just now, try again in a moment; else have it written anew.',
    ...(cause === undefined ? {} : { cause }),
  });
