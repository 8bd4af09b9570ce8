import { parse } from 'csv-parse/sync';
import type { InputLine } from './intake.ts';

/** Longer lines hold no IDs; they are skipped without being kept. */
const maxLineBytes = 8_192;
const expectedHeader = 'transaction_id,result_id';

/**
 * Reads `transaction_id,result_id` CSV as a stream. Every physical line is read for itself, since no ID contains a line
 * break: a stray quote or a broken line spoils nothing but itself.
 *
 * A header that lacks `transaction_id` is reported as line 1, and the columns are taken to be in the documented order.
 */
export async function* inputLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<InputLine> {
  let columns: { transactionId: number; resultId: number } | undefined;
  for await (const { line, text } of physicalLines(chunks)) {
    const cells = text === undefined ? 'is longer than 8 KiB' : readCells(text);
    if (!columns) {
      columns = { transactionId: 0, resultId: 1 };
      const names = typeof cells === 'string' ? [] : cells.map((cell) => cell.trim().toLowerCase());
      if (names.includes('transaction_id'))
        columns = { transactionId: names.indexOf('transaction_id'), resultId: names.indexOf('result_id') };
      else yield { line, problem: `the header must be ${expectedHeader}; this line was not read as data` };
    } else if (typeof cells === 'string') yield { line, problem: cells };
    else
      yield {
        line,
        transactionId: cells[columns.transactionId] ?? '',
        resultId: cells[columns.resultId] ?? '',
      };
  }
}

function readCells(text: string): string[] | string {
  if (text.trim() === '') return 'is empty';
  if (text.includes('\uFFFD')) return 'is not UTF-8';
  if (!text.includes('"')) return tooMany(text.split(','));
  try {
    const [record] = parse(text, { relax_column_count: true });
    return tooMany(record ?? []);
  } catch {
    return 'has a stray quote';
  }
}

/** Commas at the end do no harm; more values than columns mean that the line is not what it seems. */
function tooMany(cells: string[]): string[] | string {
  return cells.length > 50 ? 'has too many columns' : cells;
}

/** Lines with their 1-based numbers; `text` is `undefined` for one that is too long. Ends: LF, CRLF. BOM removed. */
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
