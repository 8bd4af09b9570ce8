import { type Cell, isEmpty, normalised, type Row, textOf } from '../values/cells.ts';
import { csvTable } from '../csv/table.ts';
import { type DayOrder, orderEvidence } from '../values/dates.ts';
import { fileKind } from '../file-kind.ts';
import { type DecimalMark, markEvidence, readDecimal } from '../values/numbers.ts';
import { type Source } from '../refusals.ts';
import { LedgerError } from '../../errors.ts';
import { ublDescriptions } from '../ubl/document.ts';
import { sheetOf } from '../xlsx/workbook.ts';
import type { InvoiceField, UsageField } from './layout.ts';
import { fieldOf, guessOf } from './words.ts';

type Field = InvoiceField | UsageField;
type Table = { readonly rows: readonly Row[]; readonly format: Readonly<Record<string, string | number>> };

const maxLines = 200;
const rowsWithHeader = 50;
/** Stands where a person has to decide. No layout with it passes the checks, and they name its line. */
const undecided = '?';

/**
 * A layout to start from, as JSON: what headers (English, Dutch) and values tell. What they do not tell is `?`, which no
 * check lets pass; whoever takes the layout looks at every line.
 *
 * @param name what messages and the layout's `source` call the file.
 * @throws LedgerError `invoice_unreadable`, `invoice_ambiguous`
 */
export async function suggestLayout(bytes: Buffer, name: string): Promise<string> {
  const source: Source = { subject: 'invoice', name };
  const type = fileKind(bytes, source);
  const begin = {
    version: 'suggested',
    source: `suggested from ${normalised(name).slice(0, 200)}: look at every line`,
  };
  if (type === 'ubl') return written({ ...begin, lines: linesOf(ublDescriptions(bytes, source)) });
  const { rows, format } = type === 'csv' ? csv(bytes, source) : await sheet(bytes, source);
  const header = headerOf(rows);
  const below = rows.filter(({ line }) => line > (header?.line ?? 0));
  const fields = fieldsOf(header, below);
  const columns = Object.fromEntries([...fields].map(([field, place]) => [field, columnName(header, place)]));
  const cells = (field: Field): Cell[] => below.flatMap(({ cells: all }) => all[fields.get(field) ?? -1] ?? []);
  const own = { ...format, ...marksOf(cells, fields), ...headerRow(rows, header) };
  if (fields.has('transaction_id')) {
    const words = [...new Set(cells('task_type').map(textOf))].filter((word) => word !== '').slice(0, maxLines);
    const types = Object.fromEntries(
      words.map((word) => [word, guessOf(word.replaceAll('_', ' ')).task_type ?? undecided]),
    );
    return written({ ...begin, usage: { format: own, columns, task_types: types } });
  }
  const described = below.filter(({ cells: all }) => !isEmpty(all[fields.get('amount') ?? -1]));
  const descriptions = described.map(({ cells: all }) => textOf(all[fields.get('description') ?? -1]));
  return written({ ...begin, format: own, invoice: labelled(rows, fields), columns, lines: linesOf(descriptions) });
}

const written = (layout: unknown): string => `${JSON.stringify(layout, null, 2)}\n`;

/** Lines above a table may have any number of cells: they are left out one by one until the rest is a table. */
function csv(bytes: Buffer, source: Source): Table {
  const hasWords = (header: readonly string[]): boolean => header.some((cell) => fieldOf(cell) !== undefined);
  const attempt = (row: number) => csvTable(bytes, source, row === 1 ? {} : { headerRow: row }, hasWords);
  const table = firstThatWorks(attempt);
  return { rows: table.rows, format: { delimiter: table.delimiter, encoding: table.encoding } };
}

/** Tells the first reason where nothing works: later ones are about a part of the file. */
function firstThatWorks<T>(attempt: (row: number) => T, row = 1): T {
  try {
    return attempt(row);
  } catch (reason) {
    if (!(reason instanceof LedgerError) || reason.code !== 'invoice_unreadable' || row >= rowsWithHeader) throw reason;
    try {
      return firstThatWorks(attempt, row + 1);
    } catch {
      throw reason;
    }
  }
}

async function sheet(bytes: Buffer, source: Source): Promise<Table> {
  const { rows, sheet: name } = await sheetOf(bytes, source, undefined);
  return { rows, format: { sheet: name } };
}

/** The row with the most words that are known. */
function headerOf(rows: readonly Row[]): Row | undefined {
  const known = ({ cells }: Row): number => new Set(cells.map((cell) => fieldOf(textOf(cell))).filter(Boolean)).size;
  return rows.slice(0, rowsWithHeader).toSorted((a, b) => known(b) - known(a))[0];
}

/** Columns by their words; description and amount, where no word tells, by their values. */
function fieldsOf(header: Row | undefined, below: readonly Row[]): Map<Field, number> {
  const fields = new Map<Field, number>();
  for (const [place, cell] of (header?.cells ?? []).entries()) {
    const field = fieldOf(textOf(cell));
    if (field !== undefined && !fields.has(field)) fields.set(field, place);
  }
  if (fields.has('transaction_id')) {
    // A statement has no day of issue: its `date` is that of the attempt.
    const day = fields.get('issue_date');
    fields.delete('issue_date');
    if (day !== undefined && !fields.has('attempted_at')) fields.set('attempted_at', day);
    return fields;
  }
  const free = (header?.cells ?? []).map((_, place) => place).filter((place) => ![...fields.values()].includes(place));
  const share = (place: number, isOne: (cell: Cell) => boolean): number =>
    below.filter(({ cells }) => isOne(cells[place] ?? '')).length / Math.max(1, below.length);
  const text = free.find((place) => share(place, (cell) => /\p{L}{3}/u.test(textOf(cell))) > 0.5);
  if (!fields.has('description') && text !== undefined) fields.set('description', text);
  const amount = free.findLast((place) => share(place, isNumber) > 0.5);
  if (!fields.has('amount') && amount !== undefined) fields.set('amount', amount);
  return fields;
}

const isNumber = (cell: Cell): boolean =>
  typeof cell === 'string' ? Boolean(readDecimal(cell, '.') ?? readDecimal(cell, ',')) : 'number' in cell;

/** A column by its header; by its place where the header is empty or stands twice. */
function columnName(header: Row | undefined, place: number): string | number {
  const names = (header?.cells ?? []).map((cell) => normalised(textOf(cell)));
  const name = names[place] ?? '';
  return name !== '' && names.indexOf(name) === names.lastIndexOf(name) ? name : place + 1;
}

const headerRow = (rows: readonly Row[], header: Row | undefined) =>
  header === undefined || header === rows[0] ? {} : { header_row: header.line };

function marksOf(
  cells: (field: Field) => Cell[],
  fields: ReadonlyMap<Field, number>,
): { decimal?: DecimalMark | '?'; date?: DayOrder | '?' } {
  const [marks, orders] = [markEvidence(), orderEvidence()];
  for (const field of ['quantity', 'unit_price', 'amount', 'attempt'] as const)
    for (const cell of fields.has(field) ? cells(field) : [])
      if (typeof cell === 'string') marks.see(cell.trim(), 0, field);
  for (const field of ['issue_date', 'attempted_at'] as const)
    for (const cell of fields.has(field) ? cells(field) : [])
      if (typeof cell === 'string') orders.see(/^\S+?(?=[T ]\d|$)/.exec(cell.trim())?.[0] ?? '', 0, field);
  const [mark, order] = [marks.settle('format'), orders.settle('format')];
  return {
    ...('mistake' in mark ? { decimal: undecided } : mark.mark ? { decimal: mark.mark } : {}),
    ...('mistake' in order ? { date: undecided } : order.order ? { date: order.order } : {}),
  };
}

const identity = {
  number: 'invoice_number',
  issue_date: 'issue_date',
  currency: 'currency',
  period: 'period',
} as const;

/** What no column says may stand beside a label, above or below the table. */
function labelled(rows: readonly Row[], fields: ReadonlyMap<Field, number>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(identity).flatMap(([key, field]): [string, unknown][] => {
      if (fields.has(field)) return [];
      const labels = rows.flatMap(({ cells }) => {
        const place = cells.findIndex((cell) => fieldOf(textOf(cell).replace(/ ?:$/, '')) === field);
        return place !== -1 && cells.slice(place + 1).some((cell) => !isEmpty(cell)) ? [textOf(cells[place])] : [];
      });
      const [label] = labels;
      if (label !== undefined) return [[key, { label }]];
      return key === 'period' ? [] : [[key, undecided]];
    }),
  );
}

function linesOf(descriptions: readonly string[]): unknown[] {
  const distinct = [...new Set(descriptions.map(normalised))].filter((one) => one !== '').slice(0, maxLines);
  return distinct.map((description) => ({ description, ...guessOf(description) }));
}
