/** A problem in a file and, if known, its row: a line of the file, where the header is line 1. */
export type Problem = {
  readonly file: string;
  readonly row?: number;
  readonly column?: string;
  readonly problem: string;
};

/** Further problems are only counted: a file may have millions of rows. */
const kept = 1_000;

/** Collects problems in memory that does not grow with the files. */
export class Problems {
  readonly list: Problem[] = [];
  count = 0;

  add(file: string, problem: string, place: { row?: number | undefined; column?: string | undefined } = {}): void {
    this.count += 1;
    if (this.list.length >= kept) return;
    const { row, column } = place;
    this.list.push({
      file,
      ...(row === undefined ? {} : { row }),
      ...(column === undefined ? {} : { column }),
      problem,
    });
  }
}

/** A problem as people read it: `name.csv, row 17: amount is 0.86, quantity × unit_price is 0.85`. */
export const problemText = ({ file, row, problem }: Problem): string =>
  `${file}${row === undefined ? '' : `, row ${row}`}: ${problem}`;

/** Names an empty cell, so that it is visible in a message. */
export const shown = (cell: string | bigint | number | null): string =>
  cell === null || cell === '' ? 'empty' : String(cell);
