import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { type ReportColumn, reportColumns, type ReportKind } from '../../domain/report-columns.ts';
import type { ReportFiles } from '../report-store.ts';
import { cellProblem } from './cells.ts';
import type { Problems } from './problems.ts';

/** A row whose cells match its file's columns. `line` is its line in the file. */
export type Row = {
  readonly line: number;
  readonly cell: (header: string) => string;
  /** The file's columns: header to index. */
  readonly columns: ReadonlyMap<string, number>;
};

export type Bytes = { readonly sha256: string; readonly bytes: number; readonly rows: number };

export type ReadFile = Bytes & {
  /** Whether every row could be read. Otherwise sums cannot be compared. */
  readonly isWhole: boolean;
};

/** Counts and hashes a stream's bytes. */
function measure(): { through: Transform; result: () => Bytes & { endsWithLine: boolean } } {
  const hash = createHash('sha256');
  let [bytes, lines, last] = [0, 0, 0];
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
      last = chunk.at(-1) ?? last;
      done(null, chunk);
    },
  });
  return { through, result: () => ({ sha256: hash.digest('hex'), bytes, rows: lines - 1, endsWithLine: last === 10 }) };
}

/**
 * Reads a canonical file once, hashing the bytes that it parses. Rows that match the columns go to `onRow`. Nothing is
 * held.
 *
 * @returns `undefined` if the file cannot be read at all.
 */
export async function readRows(
  { files, name, columns }: { files: ReportFiles; name: string; columns: readonly ReportColumn[] },
  { problems, minorDigits }: { problems: Problems; minorDigits: number },
  onRow: (row: Row) => void | Promise<void>,
): Promise<ReadFile | undefined> {
  const byHeader = new Map(columns.map(({ header }, index) => [header, index]));
  const source = files.stream(name);
  const { through, result } = measure();
  const parser = parse({ record_delimiter: '\r\n', relax_column_count: true });
  source.once('error', (error) => through.destroy(error)).pipe(through);
  through.once('error', (error) => parser.destroy(error)).pipe(parser);
  let line = 0;
  let isWhole = true;
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      line += 1;
      if (line === 1) isWhole = isHeader(cells, columns, name, problems);
      else if (
        rowProblem(cells, columns, minorDigits, (problem, column) => problems.add(name, problem, { row: line, column }))
      )
        isWhole = false;
      else {
        // Awaiting without need would take longer than reading the row.
        const busy = onRow({ line, cell: cellOf(cells, byHeader), columns: byHeader });
        if (busy) await busy;
      }
    }
  } catch (error) {
    isWhole = false;
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall !== undefined) {
      problems.add(name, `cannot be read (${code ?? 'unknown'})`);
      return undefined;
    }
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as { lines?: unknown };
    const row = typeof lines === 'number' ? lines : line + 1;
    problems.add(name, 'is not CSV: a quote is out of place. Not all rows were checked', { row });
    // The remaining bytes still have to be hashed.
    await finished(through.resume());
  } finally {
    source.destroy();
  }
  const { endsWithLine, ...bytes } = result();
  if (!endsWithLine) problems.add(name, 'ends within a row: the file was cut', { row: line });
  return { ...bytes, isWhole: isWhole && endsWithLine };
}

/**
 * Reads the rows of a canonical file one by one, so that a caller can read several files in step.
 *
 * @param minorDigits for checking the cells; `undefined` = they were checked before.
 * @returns whether the file was read to its end. Stops at the first row that does not match the columns.
 */
export async function* streamRows(
  { files, name, kind }: { files: ReportFiles; name: string; kind: ReportKind },
  minorDigits?: number,
): AsyncGenerator<Row, boolean> {
  const source = files.stream(name);
  const parser = parse({ record_delimiter: '\r\n', relax_column_count: true });
  source.once('error', (error) => parser.destroy(error)).pipe(parser);
  let line = 0;
  // An earlier layout has the first columns only. The header says how many.
  let columns: readonly ReportColumn[] = [];
  let byHeader: ReadonlyMap<string, number> = new Map();
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      line += 1;
      if (line === 1) {
        columns = reportColumns[kind].slice(0, cells.length);
        byHeader = new Map(columns.map(({ header }, index) => [header, index]));
      }
      const isBroken =
        line === 1
          ? columns.some(({ header }, at) => cells[at] !== header)
          : minorDigits === undefined
            ? cells.length !== columns.length
            : rowProblem(cells, columns, minorDigits, () => undefined);
      if (isBroken) return false;
      if (line > 1) yield { line, cell: cellOf(cells, byHeader), columns: byHeader };
    }
    return true;
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined && !(error instanceof CsvError)) throw error;
    return false;
  } finally {
    source.destroy();
  }
}

function isHeader(
  cells: readonly string[],
  columns: readonly ReportColumn[],
  name: string,
  problems: Problems,
): boolean {
  const index = columns.findIndex(({ header }, at) => cells[at] !== header);
  if (index === -1 && cells.length === columns.length) return true;
  const expected = columns[index]?.header;
  const problem =
    index === -1
      ? `the header has ${cells.length} columns, not ${columns.length}`
      : `column ${index + 1} is ${JSON.stringify(cells[index] ?? '')}, not ${JSON.stringify(expected)}`;
  problems.add(name, problem, { row: 1, column: expected });
  return false;
}

function rowProblem(
  cells: readonly string[],
  columns: readonly ReportColumn[],
  minorDigits: number,
  report: (problem: string, column?: string) => void,
): boolean {
  if (cells.length !== columns.length) {
    report(`has ${cells.length} cells, not ${columns.length}`);
    return true;
  }
  let found = false;
  for (const [index, column] of columns.entries()) {
    const problem = cellProblem(column, cells[index] ?? '', minorDigits);
    if (problem === undefined) continue;
    found = true;
    report(`${column.header} ${problem}`, column.header);
  }
  return found;
}

function cellOf(cells: readonly string[], byHeader: ReadonlyMap<string, number>): Row['cell'] {
  return (header) => {
    const cell = cells[byHeader.get(header) ?? -1];
    if (cell === undefined) throw new RangeError(`there is no column ${header}`);
    return cell;
  };
}
