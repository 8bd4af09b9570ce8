import { createReadStream } from 'node:fs';
import type { UsageRow } from '../domain/vendor-invoice.ts';
import { type Row, textOf } from './values/cells.ts';
import { findHeader, type Header, plainColumns } from './columns.ts';
import { headOf, type Openable } from './csv/text-stream.ts';
import { type DayOrder, orderEvidence } from './values/dates.ts';
import { fileKind } from './file-kind.ts';
import { type Layout, plainLayout, type UsageField, usageFields } from './layout/layout.ts';
import { type DecimalMark, markEvidence } from './values/numbers.ts';
import type { Detected } from './read-invoice.ts';
import { ambiguous, maxMistakes, type Mistake, type Source, unreadable } from './refusals.ts';
import { csvFile, type RowBatch, sheetFile } from './usage/usage-file.ts';
import { usageRowReader } from './usage/usage-row.ts';

export type ReadUsage = {
  readonly detected: Omit<Detected, 'notes'>;
  /** Some rows at a time, once. Throws at its end, or after 20 mistakes: keep the rows in one transaction. */
  readonly rows: AsyncIterable<readonly UsageRow[]>;
  /**
   * Kinds of task that the vendor does not document, each with its first line: whole when the rows are read. The books
   * may know them. Of a thousand and more, the first ones.
   */
  readonly otherTaskTypes: ReadonlyMap<string, number>;
};

const correctIt = 'Correct the file or the layout, or ask the vendor for the file anew.';

/** A file on disk, for {@link readUsage}. */
export const fileAt =
  (path: string): Openable =>
  () =>
    createReadStream(path) as AsyncIterable<Buffer>;

/**
 * Reads a usage statement of any length, holding a chunk of it at a time. In the plain format, and where the layout
 * names delimiter, decimal mark and date, the file is gone through twice; else up to four times.
 *
 * @param name what messages call the file. @param open called once for each time the file is gone through.
 * @param layout without one, the file is in the plain format.
 * @throws LedgerError here and from `rows`: `usage_unreadable`, `usage_ambiguous`, `layout_mismatch`, with line numbers.
 * @example const { rows } = await readUsage('usage.csv', fileAt(path)); for await (const some of rows) …
 */
export async function readUsage(name: string, open: Openable, layout?: Layout): Promise<ReadUsage> {
  const source: Source = { subject: 'usage', name };
  const { usage } = layout ?? plainLayout;
  const isPlain = Object.keys(usage.columns).length === 0;
  const columns = isPlain ? plainColumns(usageFields) : usage.columns;
  const head = await headOf(open, 65_536);
  const type = fileKind(head, source);
  if (type === 'ubl') throw unreadable(source, 'is XML, and a usage statement is CSV or XLSX', correctIt);
  const wanted = { columns, isPlain, headerRow: usage.format.headerRow };
  const file =
    type === 'xlsx' ? await sheetFile(open, source, usage) : await csvFile(open, head, source, usage, wanted);
  const header = findHeader(await firstRows(file.rows()), wanted, source);
  const isAsDefined = usage.format.decimal === undefined && usage.format.date === undefined;
  const isFixed = isPlain && isAsDefined && file.delimiter === ',';
  const { decimal, date } = isFixed
    ? ({ decimal: '.', date: 'YYYY-MM-DD' } as const)
    : await settledFormat(file.rows(), header, source, usage);
  const otherTaskTypes = new Map<string, number>();
  const reading = { header, usage, decimal: decimal ?? '.', date, source, otherTaskTypes } as const;
  const isWidthFixed = type === 'csv';
  return {
    detected: {
      type,
      isPlain,
      layoutVersion: layout?.version ?? null,
      encoding: file.encoding,
      delimiter: file.delimiter,
      decimal,
      date,
      sheet: file.sheet,
      headerLine: header.line,
      columns: header.names,
    },
    rows: usageRows(file.rows(), reading, isWidthFixed),
    otherTaskTypes,
  };
}

async function firstRows(batches: AsyncIterable<RowBatch>): Promise<Row[]> {
  for await (const batch of batches) {
    const rows = batch.filter((one) => 'cells' in one);
    if (rows.length > 0) return rows;
  }
  return [];
}

/** Decimal mark and order of dates: the layout's, else what the values of the whole file leave no doubt about. */
async function settledFormat(
  batches: AsyncIterable<RowBatch>,
  { line, places }: Header<UsageField>,
  source: Source,
  { format }: Layout['usage'],
): Promise<{ readonly decimal: DecimalMark | null; readonly date: DayOrder | null }> {
  if (format.decimal && format.date) return { decimal: format.decimal, date: format.date };
  const [marks, orders] = [markEvidence(), orderEvidence()];
  for await (const batch of batches)
    for (const row of batch) {
      if (!('cells' in row) || row.line <= line) continue;
      for (const field of ['attempt', 'quantity', 'unit_price'] as const) {
        const cell = row.cells[places.get(field) ?? -1];
        if (typeof cell === 'string') marks.see(cell.trim(), row.line, field);
      }
      const at = row.cells[places.get('attempted_at') ?? -1];
      if (typeof at === 'string') orders.see(/^\S+?(?=[T ]|$)/.exec(at.trim())?.[0] ?? '', row.line, 'attempted_at');
    }
  const mark = format.decimal ? { mark: format.decimal } : marks.settle('usage.format');
  if ('mistake' in mark) throw ambiguous(source, mark.mistake);
  const order = format.date ? { order: format.date } : orders.settle('usage.format');
  if ('mistake' in order) throw ambiguous(source, order.mistake);
  return { decimal: mark.mark, date: order.order };
}

async function* usageRows(
  batches: AsyncIterable<RowBatch>,
  reading: Parameters<typeof usageRowReader>[0],
  isWidthFixed: boolean,
): AsyncGenerator<readonly UsageRow[]> {
  const { header, source } = reading;
  const mistakes: Mistake[] = [];
  const read = usageRowReader(reading, mistakes);
  for await (const batch of batches) {
    const some: UsageRow[] = [];
    for (const row of batch) {
      if (!('cells' in row)) mistakes.push(row);
      else if (row.line <= header.line || row.cells.every((cell) => textOf(cell) === '')) continue;
      else if (isWidthFixed && row.cells.length !== header.width)
        mistakes.push({ at: row.line, message: `has ${row.cells.length} cells, the header has ${header.width}` });
      else {
        const found = read(row);
        // Once something is wrong nothing of the file is of use, apart from further mistakes.
        if (found) some.push(found);
      }
      if (mistakes.length >= maxMistakes) throw unreadable(source, mistakes, correctIt);
    }
    if (mistakes.length === 0) yield some;
  }
  if (mistakes.length > 0) throw unreadable(source, mistakes, correctIt);
}
