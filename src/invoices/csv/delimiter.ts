import { type Broken, type CsvRecord, type Delimiter, delimiters, recordReader } from './records.ts';

const pieceChars = 16_384;

type Trial = {
  readonly delimiter: Delimiter;
  readonly reader: ReturnType<typeof recordReader>;
  header: readonly string[] | undefined;
  /** The first record that differs from the header, or is none. */
  odd: { readonly line: number; readonly width: number; readonly broken: Broken | undefined } | undefined;
};

/** What separates the cells, or why that is not certain. */
export type Separation =
  | { readonly delimiter: Delimiter }
  | { readonly several: readonly Delimiter[] }
  | { readonly none: true; readonly broken?: Broken | undefined; readonly nearest?: Nearest };
/** The sign that comes nearest to a delimiter, and the first line that has another number of cells by it. */
type Nearest = { readonly delimiter: Delimiter; readonly width: number; readonly line: number; readonly found: number };

/**
 * Finds the delimiter: the one that gives every record as many cells as the first, and at least two. How often a sign
 * occurs says nothing: a Dutch file has a comma in every amount.
 *
 * @param from the line from which the table counts; what stands above it may have any form.
 */
export function delimiterEvidence(from: number) {
  const trials: Trial[] = delimiters.map((delimiter) => ({
    delimiter,
    reader: recordReader(delimiter),
    header: undefined,
    odd: undefined,
  }));
  const look = (trial: Trial, records: readonly (CsvRecord | Broken)[]): void => {
    for (const record of records) {
      if (trial.odd) return;
      if (record.line < from) continue;
      const cells = 'cells' in record ? record.cells : [];
      if (cells.length === 1 && cells[0] === '' && trial.header) continue;
      trial.header ??= cells;
      if (cells.length !== trial.header.length || cells.length < 2)
        trial.odd = { line: record.line, width: cells.length, broken: 'broken' in record ? record : undefined };
    }
  };
  return {
    read: (text: string): void => {
      for (const trial of trials)
        // In pieces: the wrong sign mostly shows within the first.
        for (let at = 0; at < text.length && !trial.odd; at += pieceChars)
          look(trial, trial.reader.read(text.slice(at, at + pieceChars)));
    },
    /** @param fits whether a header has the columns that are looked for: it settles between several. */
    settle: (fits: (header: readonly string[]) => boolean): Separation => {
      for (const trial of trials) if (!trial.odd) look(trial, trial.reader.end());
      const possible = trials.filter(({ header, odd }) => header && !odd);
      const fitting = possible.filter(({ header }) => fits(header ?? []));
      const [only, another] = possible.length > 1 && fitting.length > 0 ? fitting : possible;
      if (only && !another) return { delimiter: only.delimiter };
      if (only) return { several: possible.map(({ delimiter }) => delimiter) };
      const nearest = trials
        .filter(({ header, odd }) => header && header.length > 1 && odd)
        .sort((a, b) => (b.odd?.line ?? 0) - (a.odd?.line ?? 0))[0];
      if (!nearest?.header || !nearest.odd) return { none: true };
      const { delimiter, header, odd } = nearest;
      if (odd.broken) return { none: true, broken: odd.broken };
      return { none: true, nearest: { delimiter, width: header.length, line: odd.line, found: odd.width } };
    },
  };
}

const names: Readonly<Record<Delimiter, string>> = { ';': 'semicolon', ',': 'comma', '\t': 'tab', '|': 'bar' };

/**
 * Why a delimiter is not certain, in words.
 *
 * @param format the place in a layout that settles it.
 */
export function separationMistake(
  separation: Exclude<Separation, { delimiter: Delimiter }>,
  format: string,
): {
  readonly at: number | undefined;
  readonly message: string;
  readonly isAmbiguous: boolean;
} {
  if ('several' in separation) {
    const all = separation.several.map((one) => names[one]).join(' and ');
    return { at: undefined, message: `cells can be separated by ${all}; set ${format}.delimiter`, isAmbiguous: true };
  }
  const { nearest, broken } = separation;
  if (broken) return { ...brokenQuote(broken), isAmbiguous: false };
  if (!nearest)
    return { at: undefined, message: 'is no table: no line has cells apart by ; , tab or |', isAmbiguous: false };
  const { delimiter, width, line, found } = nearest;
  const message = `has ${found} cells, where the first line has ${width}, apart by ${names[delimiter]}; was the file cut? Lines above a table: set ${format}.header_row`;
  return { at: line, message, isAmbiguous: false };
}

export const brokenQuote = ({ line, broken }: Broken): { readonly at: number; readonly message: string } => ({
  at: line,
  message: brokenWords[broken],
});

const brokenWords: Readonly<Record<Broken['broken'], string>> = {
  open: 'has a quote that is never closed; was the file cut?',
  stray: 'has a quote within a cell, not doubled',
  long: 'has more than 65,536 characters, and no line break; is it the right file?',
};
