import { parse } from 'csv-parse/sync';
import type { InputLine } from './intake.ts';

/** A longer line cannot be a pair of IDs. It is skipped and not kept in memory. */
const maxLineBytes = 8_192;
const expectedHeader = 'transaction_id,result_id';

/**
 * Reads `transaction_id,result_id` CSV as a stream. No ID contains a line break, so each physical line is parsed alone:
 * a stray quote or a broken line affects no other line.
 *
 * A header without `transaction_id` is reported as line 1, and the columns are assumed to be in the documented order.
 */
export async function* inputLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<InputLine> {
  let columns: Columns | undefined;
  for await (const { line, text } of physicalLines(chunks)) {
    const cells = text === undefined ? 'is longer than 8 KiB' : readCells(text);
    if (cells === isEmpty) yield { line, problem: cells };
    else if (!columns) {
      columns = readHeader(cells);
      if (!columns.isKnown)
        yield { line, problem: `the header must be ${expectedHeader}; this line was not read as data` };
    } else if (typeof cells === 'string') yield { line, problem: cells };
    else yield readLine(line, cells, columns);
  }
}

type Columns = {
  readonly transactionId: number;
  readonly resultId: number;
  readonly count: number;
  readonly isKnown: boolean;
};

const isEmpty = 'is empty';

/** Finds the columns by name. Without `transaction_id` it assumes the documented order. */
function readHeader(cells: string[] | string): Columns {
  const names = typeof cells === 'string' ? [] : cells.map((cell) => cell.trim().toLowerCase());
  if (!names.includes('transaction_id'))
    return { transactionId: 0, resultId: 1, count: Math.max(2, names.length), isKnown: false };
  return {
    transactionId: names.indexOf('transaction_id'),
    resultId: names.indexOf('result_id'),
    count: names.length,
    isKnown: true,
  };
}

function readLine(line: number, cells: readonly string[], columns: Columns): InputLine {
  const transactionId = cells[columns.transactionId] ?? '';
  if (transactionId.trim().toLowerCase() === 'transaction_id') return { line, problem: 'is another header' };
  if (cells.slice(columns.count).some((cell) => cell.trim() !== ''))
    return { line, problem: 'has more values than the header has columns' };
  return { line, transactionId, resultId: cells[columns.resultId] ?? '' };
}

function readCells(text: string): string[] | string {
  if (text.trim() === '') return isEmpty;
  if (text.includes('\uFFFD')) return 'is not UTF-8';
  if (text.includes('\r')) return 'contains a carriage return: lines must end in LF or CRLF';
  if (!text.includes('"')) return text.split(',');
  try {
    const [record] = parse(text, { relax_column_count: true });
    return record ?? [];
  } catch {
    return 'has a stray quote';
  }
}

/**
 * Splits input into lines, numbered from 1. `text` is `undefined` for a line that is too long. Line ends are LF or
 * CRLF. A BOM is removed.
 */
async function* physicalLines(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<{ line: number; text: string | undefined }> {
  let line = 0;
  let parts: Buffer[] = [];
  let bytes = 0;
  const take = (part: Buffer) => {
    bytes += part.length;
    if (bytes <= maxLineBytes) parts.push(part);
    else parts = [];
  };
  const end = () => {
    line += 1;
    const text = bytes > maxLineBytes ? undefined : Buffer.concat(parts).toString('utf8').replace(/\r$/, '');
    parts = [];
    bytes = 0;
    return { line, text: line === 1 ? text?.replace(/^\uFEFF/, '') : text };
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      take(chunk.subarray(from, at));
      from = at + 1;
      yield end();
    }
    if (from < chunk.length) take(chunk.subarray(from));
  }
  if (bytes > 0) yield end();
}
