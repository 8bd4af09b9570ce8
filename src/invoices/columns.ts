import { type Cell, cut, normalised, type Row, textOf } from './values/cells.ts';
import type { ColumnName, Columns } from './layout/layout.ts';
import { layoutMismatch, type Mistake, shown, shownNames, type Source, unreadable } from './refusals.ts';

/** A header row and which cell of a row each field is. */
export type Header<Field extends string> = {
  readonly line: number;
  readonly width: number;
  readonly places: ReadonlyMap<Field, number>;
  /** What each field's column is called in the file. */
  readonly names: Readonly<Record<string, string>>;
};

/** How far down a header is looked for. */
const rowsWithHeader = 50;

export type Wanted<Field extends string> = {
  readonly columns: Columns<Field>;
  /** Whether `columns` are the plain format's, and no layout's. */
  readonly isPlain: boolean;
  readonly headerRow: number | undefined;
};

/** The plain format: every field is the column of its own name. */
export const plainColumns = <Field extends string>(fields: readonly Field[]): Columns<Field> => {
  const columns: { [Name in Field]?: ColumnName } = {};
  for (const field of fields) columns[field] = field;
  return columns;
};

/** Whether a row has all wanted columns, for whoever has to find the header first. */
export const hasColumns =
  (columns: Columns<string>) =>
  (cells: readonly Cell[]): boolean => {
    const names = namesOf(cells);
    return Object.values(columns).every(
      (column) => typeof column === 'number' || names.includes(normalised(column ?? '')),
    );
  };

/** No header is longer. */
const maxNameChars = 1_000;
const namesOf = (cells: readonly Cell[]): string[] => cells.map((cell) => normalised(cut(textOf(cell), maxNameChars)));

/**
 * Finds the header and its columns.
 *
 * @throws LedgerError `layout_mismatch` where a column of a layout is missing or stands twice, `…_unreadable` where one
 * of the plain format does.
 */
export function findHeader<Field extends string>(
  rows: readonly Row[],
  wanted: Wanted<Field>,
  source: Source,
): Header<Field> {
  const { columns, isPlain, headerRow } = wanted;
  const candidates = rows.slice(0, rowsWithHeader);
  const row =
    headerRow === undefined
      ? (candidates.find(({ cells }) => hasColumns(columns)(cells)) ?? candidates[0])
      : rows.find(({ line }) => line === headerRow);
  if (!row) {
    const message = headerRow === undefined ? 'is empty' : `has no row ${headerRow}, which format.header_row names`;
    throw unreadable(source, message, 'Ask the vendor for the file anew, or correct the layout.');
  }
  const names = namesOf(row.cells);
  const fields = Object.entries(columns) as [Field, ColumnName | undefined][];
  const mistakes = fields.flatMap(([field, column]) => columnMistake(names, field, column, row.line));
  if (mistakes.length === 0) return headerOf(row, names, fields);
  mistakes.push({ at: row.line, message: `the header has ${shownNames(names.filter((name) => name !== ''))}` });
  if (!isPlain) throw layoutMismatch(source, mistakes);
  throw unreadable(
    source,
    mistakes,
    'Files of another form need a layout. “Suggest a layout” in the browser, or --suggest-layout, makes one to start from.',
  );
}

function headerOf<Field extends string>(
  { line, cells }: Row,
  names: readonly string[],
  fields: readonly [Field, ColumnName | undefined][],
): Header<Field> {
  const places = new Map<Field, number>();
  for (const [field, column] of fields)
    if (column !== undefined)
      places.set(field, typeof column === 'number' ? column - 1 : names.indexOf(normalised(column)));
  return {
    line,
    width: cells.length,
    places,
    names: Object.fromEntries([...places].map(([field, place]) => [field, names[place] ?? ''])),
  };
}

function columnMistake(names: readonly string[], field: string, column: ColumnName | undefined, at: number): Mistake[] {
  if (column === undefined || (typeof column === 'number' && column <= names.length)) return [];
  if (typeof column === 'number') return [{ at, message: `columns.${field} is ${column}, of ${names.length} columns` }];
  const count = names.filter((name) => name === normalised(column)).length;
  if (count === 1) return [];
  const message =
    count === 0
      ? `there is no column ${shown(column)} for ${field}`
      : `the column ${shown(column)} for ${field} is there ${count} times; a layout can name it by its place`;
  return [{ at, message }];
}
