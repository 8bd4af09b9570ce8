import type { Cell, Row } from '../values/cells.ts';
import { type Source, unreadable } from '../refusals.ts';
import { attributeOf, childrenOf, elementAt, rawTextOf, type XmlElement } from '../xml.ts';
import { decimalOfDouble } from './doubles.ts';
import { serialDate } from './serial-dates.ts';

/** What cells of a sheet point at. */
export type Book = {
  readonly texts: readonly string[];
  /** Whether the style of this number shows a date. */
  readonly isDateStyle: (style: string | undefined) => boolean;
  readonly epoch: 1900 | 1904;
};

const maxColumns = 512;

/** The rows of a sheet that have anything in them. @throws LedgerError `…_unreadable` for a sheet that contradicts itself. */
export function rowsOf(sheet: XmlElement, book: Book, source: Source): Row[] {
  let before = 0;
  return childrenOf(elementAt(sheet, 'sheetData'), 'row').flatMap((row): Row[] => {
    const line = Number(attributeOf(row, 'r') ?? before + 1);
    if (!Number.isSafeInteger(line) || line <= before)
      throw unreadable(source, `has row ${line} behind row ${before}`, 'Open it in a spreadsheet and save it again.');
    before = line;
    const cells: Cell[] = [];
    for (const cell of childrenOf(row, 'c')) {
      const place = placeOf(attributeOf(cell, 'r'), cells.length);
      if (place === undefined || place >= maxColumns) continue;
      while (cells.length < place) cells.push('');
      cells[place] = cellOf(cell, book);
    }
    return cells.every((cell) => cell === '') ? [] : [{ line, cells }];
  });
}

/** The column of `C7`, counted from 0. */
function placeOf(reference: string | undefined, next: number): number | undefined {
  if (reference === undefined) return next;
  const [letters] = /^[A-Z]{1,3}/.exec(reference) ?? [];
  if (letters === undefined) return undefined;
  return letters.split('').reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

function cellOf(cell: XmlElement, { texts, isDateStyle, epoch }: Book): Cell {
  const at = attributeOf(cell, 'r') ?? '';
  // What a formula's cell shows was computed by whoever saved the file last, or never.
  if (childrenOf(cell, 'f').length > 0) return { unusable: `${at} is a formula; save the sheet with values alone` };
  const value = rawTextOf(elementAt(cell, 'v'))?.trim() ?? '';
  switch (attributeOf(cell, 't') ?? 'n') {
    case 's':
      return textCell(texts[Number(value)], at);
    case 'inlineStr':
      return textCell(richText(elementAt(cell, 'is')), at);
    case 'str':
      return textCell(rawTextOf(elementAt(cell, 'v')) ?? '', at);
    case 'b':
      return value === '1' ? 'TRUE' : 'FALSE';
    case 'e':
      return { unusable: `${at} is an error` };
    case 'd':
      return { date: value.replace(/Z$/, '') };
    default:
      return value === '' ? '' : numberOf(value, at, isDateStyle(attributeOf(cell, 's')), epoch);
  }
}

/** As many as a cell of a spreadsheet holds. Many cells may refer to one text. */
const maxCellChars = 32_767;

function textCell(text: string | undefined, at: string): Cell {
  if (text === undefined) return { unusable: `${at} refers to a text that is not there` };
  return text.length > maxCellChars ? { unusable: `${at} has more text than a cell holds` } : text;
}

function numberOf(value: string, at: string, isDate: boolean, epoch: 1900 | 1904): Cell {
  const number = decimalOfDouble(value);
  if (number === undefined)
    return { unusable: `${at} has more digits than a spreadsheet's number holds; nothing is rounded` };
  if (!isDate) return { number };
  const date = serialDate(number, epoch);
  return date === undefined ? { unusable: `${at} is no date` } : { date };
}

/** A text, also one in parts of different looks. How signs are pronounced (`rPh`) is no part of it. */
export const richText = (element: XmlElement | undefined): string =>
  [element, ...childrenOf(element, 'r')]
    .flatMap((part) => childrenOf(part, 't'))
    .map((text) => rawTextOf(text) ?? '')
    .join('');
