import { Transform } from 'node:stream';
import { stringify } from 'csv-stringify';

export type CsvValue = string | number | bigint | null;

/**
 * A column of a file: its header and how its cells are written. `isText`: the cells come from the vendor or an
 * operator.
 */
export type CsvColumn<Row> = {
  readonly header: string;
  readonly value: (row: Row) => CsvValue;
  readonly isText?: boolean;
};

const formulaStart = /^[=+@\t\r＝＋－＠-]/;

/** Keeps spreadsheets from taking text for a formula. Not for numbers: `-12.50` stays `-12.50`. */
export function neutraliseFormula(text: string): string {
  return formulaStart.test(text) ? `'${text}` : text;
}

/** RFC 4180 with a header row: comma or another delimiter, CRLF, quotes only where needed. `null` is an empty cell. */
export function csvStream<Row>(
  columns: readonly CsvColumn<Row>[],
  rows: Iterable<Row> | AsyncIterable<Row>,
  delimiter = ',',
): AsyncIterable<Buffer> {
  const stringifier = stringify({ delimiter, record_delimiter: 'windows', header: false, quoted_match: /[\r\n]/ });
  const cells = async function* () {
    yield columns.map(({ header }) => header);
    for await (const row of rows) yield columns.map((column) => cell(column, row));
  };
  const write = async () => {
    for await (const record of cells())
      if (!stringifier.write(record)) await new Promise((resolve) => stringifier.once('drain', resolve));
    stringifier.end();
  };
  // Rows may fail before anybody reads: who reads then gets the error, and until then nobody is missing it.
  stringifier.once('error', () => undefined);
  write().catch((error: unknown) => stringifier.destroy(error instanceof Error ? error : new Error(String(error))));
  return stringifier;
}

function cell<Row>({ value, isText }: CsvColumn<Row>, row: Row): string | null {
  const raw = value(row);
  if (raw === null) return null;
  return isText && typeof raw === 'string' ? neutraliseFormula(raw) : String(raw);
}

/** The header row of a file whose other rows are written by Postgres. */
export const headerLine = (headers: readonly string[]): Buffer => Buffer.from(`${headers.join(',')}\r\n`);

/**
 * Turns the line feeds of `COPY … (format csv)` into CRLF. Every line feed is the end of a row, because the parser and
 * the tables refuse control characters in the vendor's texts.
 */
export function toCrlf(): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, Buffer.from(chunk.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'));
    },
  });
}
