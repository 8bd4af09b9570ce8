/**
 * A cell of a table. A text is read by the format that the whole file turns out to have; a spreadsheet's own numbers
 * and dates have only one reading.
 */
export type Cell =
  | string
  /** A decimal with a point, without exponent or thousands marks. */
  | { readonly number: string }
  /** `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS.sss`, by a clock without time zone. */
  | { readonly date: string }
  /** What makes a cell useless, such as a formula: said only if somebody needs the cell. */
  | { readonly unusable: string };

/** A row and where it stands: its line in a text file, its number in a sheet; counted from 1. */
export type Row = { readonly line: number; readonly cells: readonly Cell[] };

const breaks = /[\t-\r\u2028\u2029]/;

/** A text without the space around it; tabs and line breaks within it are a space. */
export const onOneLine = (text: string): string => (breaks.test(text) ? text.replaceAll(/\s+/g, ' ') : text).trim();

/** The beginning of a text. A sign outside of Unicode's first plane is never cut in two. */
export const cut = (text: string, most: number): string => text.slice(0, most).replace(/[\ud800-\udbff]$/, '');

/** What a cell says, for text columns. */
export function textOf(cell: Cell | undefined): string {
  if (cell === undefined) return '';
  if (typeof cell === 'string') return onOneLine(cell);
  if ('number' in cell) return cell.number;
  return 'date' in cell ? cell.date : '';
}

export const isEmpty = (cell: Cell | undefined): boolean =>
  cell === undefined || (typeof cell === 'string' && cell.trim() === '');

/** How two texts of headers, labels and descriptions are compared: whatever the spaces between their words. */
export const normalised = (text: string): string => text.normalize('NFC').replaceAll(/\s+/g, ' ').trim();
