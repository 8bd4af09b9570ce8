import type { Cell, Row } from '../values/cells.ts';
import { hasColumns } from '../columns.ts';
import { decoderOf, type Encoding } from '../csv/charset.ts';
import { brokenQuote, delimiterEvidence, separationMistake } from '../csv/delimiter.ts';
import { type Delimiter, recordReader } from '../csv/records.ts';
import { encodingOf, headOf, type Openable, textOf } from '../csv/text-stream.ts';
import { fileKind, maxInvoiceBytes } from '../file-kind.ts';
import type { Columns, Layout, UsageField } from '../layout/layout.ts';
import { ambiguous, type Mistake, type Source, unreadable } from '../refusals.ts';
import { sheetOf } from '../xlsx/workbook.ts';

const correctIt = 'Correct the file or the layout, or ask the vendor for the file anew.';

/** Rows, and mistakes in place of rows that are none. */
export type RowBatch = readonly (Row | Mistake)[];

/** A table that can be gone through more than once. */
export type TableFile = {
  readonly encoding: Encoding | null;
  readonly delimiter: Delimiter | null;
  readonly sheet: string | null;
  readonly rows: () => AsyncIterable<RowBatch>;
};

/** A sheet is held in memory: it is capped like an invoice. */
export async function sheetFile(open: Openable, source: Source, { format }: Layout['usage']): Promise<TableFile> {
  const bytes = await headOf(open, maxInvoiceBytes + 1);
  fileKind(bytes, source);
  const { rows, sheet } = await sheetOf(bytes, source, format.sheet);
  // oxlint-disable-next-line typescript/require-await -- an async iterable, like the chunks of a text
  const all = async function* () {
    yield rows;
  };
  return { encoding: null, delimiter: null, sheet, rows: all };
}

/** Text is read anew each time. */
export async function csvFile(
  open: Openable,
  head: Buffer,
  source: Source,
  { format }: Layout['usage'],
  { columns, isPlain }: { columns: Columns<UsageField>; isPlain: boolean },
): Promise<TableFile> {
  const encoding = await encodingOf(open, head, format.encoding, source);
  const fits = hasColumns(columns);
  // A header in the plain format says it: no need to go through the file.
  const [firstLine = ''] = decoderOf(encoding)(head)?.split(/\r\n|\n|\r/, 1) ?? [];
  const known = format.delimiter ?? (isPlain && fits(firstLine.split(',')) ? ',' : undefined);
  const delimiter = known ?? (await delimiterOf(open, encoding, source, format.headerRow ?? 1, fits));
  return { encoding, delimiter, sheet: null, rows: () => csvRows(open, encoding, delimiter, source) };
}

async function delimiterOf(
  open: Openable,
  encoding: Encoding,
  source: Source,
  headerRow: number,
  fits: (cells: readonly Cell[]) => boolean,
): Promise<Delimiter> {
  const evidence = delimiterEvidence(headerRow);
  for await (const text of textOf(open, encoding, source)) evidence.read(text);
  const separation = evidence.settle(fits);
  if ('delimiter' in separation) return separation.delimiter;
  const { isAmbiguous, ...mistake } = separationMistake(separation, 'usage.format');
  throw isAmbiguous ? ambiguous(source, mistake) : unreadable(source, [mistake], correctIt);
}

async function* csvRows(
  open: Openable,
  encoding: Encoding,
  delimiter: Delimiter,
  source: Source,
): AsyncGenerator<RowBatch> {
  const reader = recordReader(delimiter);
  for await (const text of textOf(open, encoding, source))
    for (let at = 0; at < text.length; at += batchChars) yield rowsOf(reader.read(text.slice(at, at + batchChars)));
  yield rowsOf(reader.end());
}

/** Rows that are handed on together live until all of them are done with: many at once are copied again and again. */
const batchChars = 8_192;

const rowsOf = (records: ReturnType<ReturnType<typeof recordReader>['read']>): (Row | Mistake)[] =>
  records
    .filter((record) => 'broken' in record || record.cells.length > 1 || record.cells[0] !== '')
    .map((record) => ('broken' in record ? brokenQuote(record) : record));
