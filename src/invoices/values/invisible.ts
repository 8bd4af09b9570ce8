import type { XmlElement } from '../xml.ts';
import type { Row } from './cells.ts';

/** Signs that nobody sees: those that turn a line around, have no width, or only say where a word may be broken. */
const invisible = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/** Nearly all texts: quickly told. */
const beyondAscii = /[^\0-\u007e]/;

/** The first such sign of a text, as `U+202E`; `undefined` = it has none. */
export function invisibleIn(text: string): string | undefined {
  if (!beyondAscii.test(text)) return undefined;
  const [found] = text.match(invisible) ?? [];
  return found && `U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

type Found = { readonly sign: string; readonly at: string };

/** Rows without such signs, and what is to be said of them: with them, two numbers that differ may look the same. */
export function visibleRows(rows: readonly Row[]): {
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
} {
  const found: Found[] = [];
  const visible = rows.map((row): Row => {
    const sign = row.cells.map((cell) => (typeof cell === 'string' ? invisibleIn(cell) : undefined)).find(Boolean);
    if (sign === undefined) return row;
    found.push({ sign, at: `on line ${row.line}` });
    return {
      ...row,
      cells: row.cells.map((cell) => (typeof cell === 'string' ? cell.replaceAll(invisible, '') : cell)),
    };
  });
  return { rows: visible, notes: notesOf(found) };
}

/** The same for a document. */
export function visibleElement(root: XmlElement): { readonly root: XmlElement; readonly notes: readonly string[] } {
  const found: Found[] = [];
  const visible = (element: XmlElement, at: string): XmlElement => {
    const copy = Object.create(null) as Record<string, readonly XmlElement[] | string>;
    for (const [name, value] of Object.entries(element)) {
      if (value === undefined) continue;
      const sign = typeof value === 'string' ? invisibleIn(value) : undefined;
      if (sign !== undefined) found.push({ sign, at: `in ${at}` });
      copy[name] =
        typeof value !== 'string'
          ? value.map((child) => visible(child, name))
          : sign === undefined
            ? value
            : value.replaceAll(invisible, '');
    }
    return copy;
  };
  const seen = visible(root, 'the document');
  return { root: seen, notes: notesOf(found) };
}

/** As many places as anybody looks at. */
const mostPlaces = 5;

function notesOf(found: readonly Found[]): string[] {
  if (found.length === 0) return [];
  const places = found.slice(0, mostPlaces).map(({ sign, at }) => `${sign} ${at}`);
  const others = found.length - places.length;
  return [
    `invisible signs were left out: ${places.join(', ')}${others > 0 ? `, and in ${others} more place${others > 1 ? 's' : ''}` : ''}`,
  ];
}
