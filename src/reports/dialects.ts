import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LedgerError } from '../errors.ts';
import { type ReportColumn, reportColumns, type ReportKind } from '../domain/report-columns.ts';
import { csvStream } from './csv.ts';
import { sealed } from './manifest.ts';
import { copyName, type DialectName, dialectManifestName, manifestName } from './names.ts';
import type { DraftFile } from './draft-file.ts';
import { asStorageError, discardDrafts, publishDrafts, writeDraft } from './publish.ts';

type Dialect = { readonly delimiter: ',' | ';'; readonly decimalMark: '.' | ',' };

const semicolonAndComma: Dialect = { delimiter: ';', decimalMark: ',' };
const dialects: Readonly<Record<DialectName, Dialect>> = {
  'excel-en': { delimiter: ',', decimalMark: '.' },
  'excel-nl': semicolonAndComma,
  'excel-de': semicolonAndComma,
  'excel-fr': semicolonAndComma,
};

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);
/** The words for true and false in Excel for these dialects and in LibreOffice. */
const booleanWord = /^(?:true|false|waar|onwaar|wahr|falsch|vrai|faux)$/i;
/** Such as `#N/A`, in any language. */
const errorValue = /^#/;
/** Excel's limit for a text within a formula. Texts of the vendor have at most 200 characters. */
const longestQuoted = 255;

/**
 * Writes text that a spreadsheet might take for a number, date or boolean as a formula that yields text: `="1E10"`.
 * What is converted differs by country and version, but it always has a digit, except for booleans and error values.
 * Text with a quote stays as it is: the quote would end the text within the formula, and no number or date has one.
 */
export function protectText(text: string): string {
  const isAtRisk = /\p{N}/u.test(text) || booleanWord.test(text) || errorValue.test(text);
  return isAtRisk && !/["\p{Cc}]/u.test(text) && text.length <= longestQuoted ? `="${text}"` : text;
}

/** Converts a cell of a canonical file for the copy. */
function convert(cell: string, { type }: ReportColumn, { decimalMark }: Dialect): string | null {
  if (cell === '') return null;
  switch (type) {
    case 'price':
    case 'amount':
      return cell.replace('.', decimalMark);
    case 'whole':
    case 'signed':
    case 'boolean':
      return cell;
    case 'month':
    case 'text':
    case 'word':
    case 'instant':
      return protectText(cell);
    default:
      return type satisfies never;
  }
}

/** The bytes of a dialect's copy, converted row by row from those of the canonical file. */
export async function* copyOf(
  canonical: AsyncIterable<Buffer>,
  kind: ReportKind,
  dialect: DialectName,
): AsyncGenerator<Buffer> {
  const rows = rowsOf(canonical);
  const header = await rows.next();
  // Columns are only ever added at the end, so an earlier layout has the first ones.
  const width = header.done ? 0 : header.value.length;
  const columns = reportColumns[kind].slice(0, width).map((column, index) => ({
    header: column.header,
    value: (row: readonly string[]) => convert(row[index] ?? '', column, dialects[dialect]),
  }));
  yield byteOrderMark;
  yield* csvStream(columns, rows, dialects[dialect].delimiter);
}

/** All rows, the header first. All have as many cells as the header. */
async function* rowsOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string[], undefined> {
  const { parse } = await import('csv-parse');
  const parser = parse({ record_delimiter: '\r\n' });
  let width: number | undefined;
  const feed = async () => {
    for await (const chunk of chunks)
      if (!parser.write(chunk)) await new Promise((resolve) => parser.once('drain', resolve));
    parser.end();
  };
  feed().catch((error: unknown) => parser.destroy(error instanceof Error ? error : new Error(String(error))));
  for await (const row of parser as AsyncIterable<string[]>) {
    width ??= row.length;
    if (row.length !== width) throw new RangeError(`a row of ${row.length} cells, not ${width}`);
    yield row;
  }
}

type FileId = Pick<DraftFile, 'name' | 'sha256'>;
type Copy = DraftFile & { readonly of: FileId };

export type WrittenDialect = {
  readonly dialect: DialectName;
  readonly manifest: DraftFile;
  readonly files: readonly DraftFile[];
};

type Published = {
  readonly period: string;
  readonly period_status: string;
  readonly version: number | null;
  readonly files: readonly FileId[];
};

export const dialectFormat = 'idscan-ledger-dialect-1';

/**
 * Writes copies of a published report for spreadsheets, beside it and from its files. The caller must hold the month's
 * report lock, or another run could publish other files in the meantime.
 *
 * @param manifest the published manifest, as `writeReport` returns it.
 * @throws LedgerError `report_changed` if the files are not those in the manifest, `storage_full`, `storage_failed`
 */
export async function writeDialects(
  directory: string,
  manifest: FileId,
  names: readonly DialectName[],
  signal?: AbortSignal,
): Promise<WrittenDialect[]> {
  const drafts: DraftFile[] = [];
  try {
    const bytes = await readFile(path.join(directory, manifestName));
    requireSame(manifest, createHash('sha256').update(bytes).digest('hex'));
    const published = JSON.parse(bytes.toString()) as Published;
    const written: WrittenDialect[] = [];
    for (const dialect of new Set(names)) {
      const copies: Copy[] = [];
      for (const of of published.files) {
        const copy = { ...(await writeCopy(directory, of, dialect, signal)), of };
        copies.push(copy);
        drafts.push(copy);
      }
      const own = [dialectManifest(published, manifest, dialect, copies)];
      const ownManifest = await writeDraft(directory, dialectManifestName(dialect), own, signal);
      drafts.push(ownManifest);
      written.push({ dialect, files: copies, manifest: ownManifest });
    }
    for (const { files, manifest: own } of written) await publishDrafts(directory, [...files, own]);
    return written;
  } catch (error) {
    await discardDrafts(drafts);
    throw asStorageError(error, directory);
  }
}

/** One pass, so that exactly the hashed bytes are copied. */
async function writeCopy(
  directory: string,
  of: FileId,
  dialect: DialectName,
  signal: AbortSignal | undefined,
): Promise<DraftFile> {
  const hash = createHash('sha256');
  const canonical = async function* () {
    for await (const chunk of createReadStream(path.join(directory, of.name)) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      yield chunk;
    }
    requireSame(of, hash.digest('hex'));
  };
  return writeDraft(directory, copyName(of.name, dialect), copyOf(canonical(), kindOf(of.name), dialect), signal);
}

const kindOf = (name: string): ReportKind => /_([a-z]+)\.csv$/.exec(name)?.[1] as ReportKind;

function dialectManifest(published: Published, manifest: FileId, dialect: DialectName, copies: Copy[]): Buffer {
  const { period, period_status, version } = published;
  return sealed({
    format: dialectFormat,
    dialect,
    period,
    period_status,
    version,
    derived_from: { name: manifestName, sha256: manifest.sha256 },
    files: copies.map(({ name, sha256, bytes, rows, of }) => ({
      name,
      sha256,
      bytes,
      rows,
      derived_from: { name: of.name, sha256: of.sha256 },
    })),
  });
}

function requireSame(file: FileId, sha256: string): void {
  if (file.sha256 === sha256) return;
  throw new LedgerError('report_changed', `${file.name} is not the file that was published: its sha256 differs.`, {
    fields: { file: file.name, expected: file.sha256, found: sha256 },
    hint: 'Nothing was copied. Another run may have replaced the files: run the command again.',
  });
}
