export const delimiters = [';', ',', '\t', '|'] as const;
export type Delimiter = (typeof delimiters)[number];

/** Cells of a record, and the line on which it begins. */
export type CsvRecord = { readonly line: number; readonly cells: string[] };
/** A quote that stands within a cell, or is never closed; or a line that is longer than any is. */
export type Broken = { readonly line: number; readonly broken: 'stray' | 'open' | 'long' };

/** A quoted cell may have line breaks; one that has more than this has lost its closing quote. No line is longer. */
const maxRecordChars = 65_536;

/**
 * Reads records out of text that comes in parts, as RFC 4180 says. Lines end in LF, CRLF or CR. It is a reader of its own
 * because ten million rows pass through it: csv-parse takes eight times as long for lines without quotes.
 */
export function recordReader(delimiter: string) {
  let rest = '';
  let line = 1;
  /** Nothing behind a line without an end is of use. */
  let isOver = false;
  /** Lines of a record whose last quote is still open, and how much that is. */
  let open: string[] = [];
  let openChars = 0;
  let openQuotes = 0;
  const found: (CsvRecord | Broken)[] = [];

  const take = (text: string): void => {
    if (open.length === 0 && text.length > maxRecordChars) found.push({ line, broken: 'long' });
    else if (open.length === 0 && !text.includes('"')) found.push({ line, cells: text.split(delimiter) });
    else {
      open.push(text);
      openChars += text.length;
      openQuotes += quotes(text);
      const first = line - open.length + 1;
      if (openQuotes % 2 === 0) parseQuoted(open.join('\n'), first);
      else if (openChars > maxRecordChars) found.push({ line: first, broken: 'open' });
      if (openQuotes % 2 === 0 || openChars > maxRecordChars) [open, openChars, openQuotes] = [[], 0, 0];
    }
    line += 1;
  };
  const parseQuoted = (record: string, first: number): void => {
    const cells = quotedCells(record, delimiter);
    found.push(cells ? { line: first, cells } : { line: first, broken: 'stray' });
  };

  return {
    /** Takes a part; what it completes is in the answer. */
    read: (part: string): readonly (CsvRecord | Broken)[] => {
      found.length = 0;
      if (isOver) return found;
      const lines = `${rest}${part}`.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      for (const one of lines) take(one);
      if (rest.length > maxRecordChars) {
        found.push({ line, broken: 'long' });
        [rest, isOver] = ['', true];
      }
      return found;
    },
    /** Takes the end: a last line need not end in a line break. */
    end: (): readonly (CsvRecord | Broken)[] => {
      found.length = 0;
      const last = rest.replace(/\r$/, '');
      rest = '';
      if (last !== '' || open.length > 0) take(last);
      if (open.length > 0) found.push({ line: line - open.length, broken: 'open' });
      return found;
    },
  };
}

function quotes(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) count += 1;
  return count;
}

/** Cells of a record that has quotes; `undefined` where one stands elsewhere than around a cell, or doubled within. */
function quotedCells(record: string, delimiter: string): string[] | undefined {
  const cells: string[] = [];
  for (let at = 0; at <= record.length; at += delimiter.length) {
    if (record[at] !== '"') {
      const next = record.indexOf(delimiter, at);
      const end = next === -1 ? record.length : next;
      const cell = record.slice(at, end);
      if (cell.includes('"')) return undefined;
      cells.push(cell);
      at = end;
      continue;
    }
    let close = record.indexOf('"', at + 1);
    while (close !== -1 && record[close + 1] === '"') close = record.indexOf('"', close + 2);
    if (close === -1 || (close + 1 < record.length && !record.startsWith(delimiter, close + 1))) return undefined;
    cells.push(record.slice(at + 1, close).replaceAll('""', '"'));
    at = close + 1;
  }
  return cells;
}
